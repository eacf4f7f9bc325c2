//! The folder of a run: settings, metrics, curves and the checkpoint.
//!
//! Every file is written beside its place and renamed, so that a reader, a full disk or a crash
//! never meets half a file.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::config::Config;
use crate::metrics::Epoch;

const CONFIG: &str = "config.toml";
const METRICS: &str = "metrics.jsonl";

/// A run folder that exists.
#[derive(Debug, Clone)]
pub struct RunFolder(PathBuf);

impl RunFolder {
    /// What a run that was tuned keeps its measurements in.
    pub const TUNING: &str = "tuning.toml";

    /// Makes the folder of a new run and writes its settings. The files of an earlier run in it
    /// are deleted where `overwrite` says so.
    ///
    /// # Errors
    /// The folder cannot be made or written, or holds a run already.
    pub fn create(path: &Path, config: &Config, overwrite: bool) -> Result<Self> {
        Self::check_free(path, overwrite)?;
        let folder = Self(path.to_owned());
        fs::create_dir_all(path).with_context(|| format!("cannot create the run folder {}", path.display()))?;
        // The settings first: where they cannot be written, the earlier run stays as it was.
        let text = toml::to_string(config).context("the settings cannot be written as TOML")?;
        folder.write(CONFIG, text.as_bytes())?;
        for path in [folder.checkpoint(), folder.file(METRICS), folder.curves(), folder.tuning()] {
            match fs::remove_file(&path) {
                Err(e) if e.kind() != ErrorKind::NotFound => {
                    return Err(e).with_context(|| format!("cannot delete {}", path.display()));
                }
                _ => {}
            }
        }
        Ok(folder)
    }

    /// Whether a new run may be written to `path`. Writes nothing.
    ///
    /// # Errors
    /// There is a run already, which `overwrite` does not give up.
    pub fn check_free(path: &Path, overwrite: bool) -> Result<()> {
        if path.join(CONFIG).exists() && !overwrite {
            bail!("{} holds a run already: --resume goes on with it, --overwrite replaces it", path.display());
        }
        Ok(())
    }

    /// The first of `runs/1`, `runs/2`, … that does not exist.
    #[must_use]
    pub fn first_free() -> PathBuf {
        (1_u32..)
            .map(|number| Path::new("runs").join(number.to_string()))
            .find(|path| !path.exists())
            .expect("fewer than four thousand million runs")
    }

    /// Opens the folder of a run and reads its settings.
    ///
    /// # Errors
    /// There is no such folder, it holds no run, or its settings do not read.
    pub fn open(path: &Path) -> Result<(Self, Config)> {
        let folder = Self(path.to_owned());
        let file = folder.file(CONFIG);
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(e) if e.kind() == ErrorKind::NotFound => {
                bail!("{} is no run folder: it has no {CONFIG}", path.display())
            }
            Err(e) => return Err(e).with_context(|| format!("cannot read {}", file.display())),
        };
        let config = toml::from_str(&text).with_context(|| format!("{} is damaged", file.display()))?;
        Ok((folder, config))
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where the checkpoint is.
    #[must_use]
    pub fn checkpoint(&self) -> PathBuf {
        self.file("checkpoint.safetensors")
    }

    /// Where the curves are.
    #[must_use]
    pub fn curves(&self) -> PathBuf {
        self.file("curves.svg")
    }

    /// Where the measurements are that strategies were chosen by, if they were.
    #[must_use]
    pub fn tuning(&self) -> PathBuf {
        self.file(Self::TUNING)
    }

    /// Replaces the settings, as `--resume --epochs` does.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write_config(&self, config: &Config) -> Result<()> {
        let text = toml::to_string(config).context("the settings cannot be written as TOML")?;
        self.write(CONFIG, text.as_bytes())
    }

    /// Writes the metrics of all epochs so far, and their curves.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write_metrics(&self, epochs: &[Epoch]) -> Result<()> {
        let mut text = String::new();
        for epoch in epochs {
            text.push_str(&serde_json::to_string(epoch).context("metrics are not valid JSON")?);
            text.push('\n');
        }
        self.write(METRICS, text.as_bytes())?;
        let curves = crate::curves::svg(epochs)?;
        self.write("curves.svg", curves.as_bytes())
    }

    /// The metrics of the epochs so far; none before the first.
    ///
    /// # Errors
    /// The file does not read.
    pub fn read_metrics(&self) -> Result<Vec<Epoch>> {
        let file = self.file(METRICS);
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(e).with_context(|| format!("cannot read {}", file.display())),
        };
        text.lines()
            .enumerate()
            .map(|(i, line)| {
                serde_json::from_str(line).with_context(|| format!("{} is damaged in line {}", file.display(), i + 1))
            })
            .collect()
    }

    fn write(&self, name: &str, contents: &[u8]) -> Result<()> {
        write_whole(&self.file(name), contents)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

/// Writes a file whole or not at all.
///
/// # Errors
/// The folder cannot be written or the disk is full; what was at `path` stays.
pub fn write_whole(path: &Path, contents: &[u8]) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let temporary = path.with_file_name(name);
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(contents)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write()
        .inspect_err(|_| {
            // It may not even exist; the error at hand is the one to tell.
            let _ = fs::remove_file(&temporary);
        })
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Train;
    use crate::metrics::Speed;

    fn config() -> Config {
        Config::new(&Train::default(), "synthetic".into())
    }

    fn epoch(epoch: u32) -> Epoch {
        Epoch {
            epoch,
            train_loss: 1.0 / epoch as f32,
            train_accuracy: 0.5,
            test_loss: 1.2,
            test_accuracy: 0.45,
            shares: None,
            learning_rate: 0.1,
            speed: Speed { unit: "images".into(), per_s: 312.5 },
            seconds: 1.5,
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_written_is_read_back() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("runs/a");
        let folder = RunFolder::create(&path, &config(), false).unwrap();
        let epochs = [epoch(1), epoch(2)];
        folder.write_metrics(&epochs).unwrap();
        let (opened, read) = RunFolder::open(&path).unwrap();
        assert_eq!(read, config());
        assert_eq!(opened.read_metrics().unwrap(), epochs);
        assert_eq!(names(&path), ["config.toml", "curves.svg", "metrics.jsonl"]);
        let line = fs::read_to_string(path.join(METRICS)).unwrap();
        assert!(line.starts_with(r#"{"event":"epoch","epoch":1,"#), "{line}");
    }

    #[test]
    fn a_run_that_diverged_still_reads() {
        let place = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(place.path(), &config(), false).unwrap();
        let wild = Epoch { train_loss: f32::NAN, test_loss: f32::INFINITY, ..epoch(1) };
        folder.write_metrics(&[wild]).unwrap();
        let read = folder.read_metrics().unwrap();
        assert!(read[0].train_loss.is_nan() && read[0].test_loss.is_nan());
    }

    #[test]
    fn a_run_is_not_overwritten_unasked() {
        let place = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(place.path(), &config(), false).unwrap();
        folder.write_metrics(&[epoch(1)]).unwrap();
        let error = RunFolder::create(place.path(), &config(), false).unwrap_err();
        assert!(error.to_string().contains("--overwrite"), "{error}");
        assert_eq!(folder.read_metrics().unwrap().len(), 1);
        RunFolder::create(place.path(), &config(), true).unwrap();
        assert_eq!(names(place.path()), ["config.toml"]);
    }

    #[test]
    fn what_is_no_run_folder_says_so() {
        let place = tempfile::tempdir().unwrap();
        let error = RunFolder::open(place.path()).unwrap_err().to_string();
        assert!(error.contains("is no run folder"), "{error}");
        fs::write(place.path().join(CONFIG), "epochs = ").unwrap();
        let error = RunFolder::open(place.path()).unwrap_err().to_string();
        assert!(error.contains("config.toml is damaged"), "{error}");
    }

    #[test]
    fn a_place_that_cannot_be_written_is_an_error() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        // A file where a folder is wanted stops root too, whom permissions do not.
        let error = RunFolder::create(&file.join("run"), &config(), false).unwrap_err();
        assert!(error.to_string().contains("cannot create"), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_leaves_the_old_file() {
        let place = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(place.path(), &config(), false).unwrap();
        folder.write_metrics(&[epoch(1)]).unwrap();
        let temporary = place.path().join("metrics.jsonl.tmp");
        std::os::unix::fs::symlink("/dev/full", temporary).unwrap();
        let error = folder.write_metrics(&[epoch(1), epoch(2)]).unwrap_err();
        assert!(format!("{error:#}").contains("No space left"), "{error:#}");
        assert_eq!(folder.read_metrics().unwrap(), [epoch(1)]);
        assert_eq!(names(place.path()), ["config.toml", "curves.svg", "metrics.jsonl"]);
    }
}
