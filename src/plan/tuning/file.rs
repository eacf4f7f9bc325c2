//! A profile as a TOML file.

use std::fmt::Write as _;
use std::path::Path;

use toml::{Table, Value};

use super::{Choices, Measured, ProfileError, Tuning, TuningProfile};
use crate::gpu::Device;

const TITLE: &str = "# The fastest strategies by measurement, and beside them those that the engine prefers by itself.
# `girih tune` writes this file, `--tuning FILE` takes it.
";

impl TuningProfile {
    /// Reads a profile.
    ///
    /// # Errors
    /// When the file cannot be read, is none, or another version of the engine wrote it.
    pub fn load(path: &Path) -> Result<Self, ProfileError> {
        let name = || path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|e| ProfileError::File { path: name(), why: format!("cannot be read: {e}") })?;
        let damaged = |why| ProfileError::Damaged { path: name(), why };
        let file: Table = text.parse().map_err(|e| damaged(at_line(&e, &text)))?;
        let version = text_of(&file, "version").map_err(damaged)?;
        if version != env!("CARGO_PKG_VERSION") {
            return Err(ProfileError::OtherVersion { path: name(), version: version.to_owned() });
        }
        Self::of(&file).map_err(damaged)
    }

    /// Writes the profile, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), ProfileError> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".tmp");
        let written = std::fs::write(&beside, self.to_toml()).and_then(|()| std::fs::rename(&beside, path));
        written.map_err(|e| {
            // It may not even exist; the error at hand is the one to tell.
            let _ = std::fs::remove_file(&beside);
            ProfileError::File { path: path.display().to_string(), why: format!("cannot be written: {e}") }
        })
    }

    fn of(file: &Table) -> Result<Self, String> {
        let mut profile = Self::default();
        let adapters = match file.get("adapter") {
            None => &Vec::new(),
            Some(Value::Array(adapters)) => adapters,
            Some(_) => return Err("adapter is no list".to_owned()),
        };
        for (index, adapter) in adapters.iter().enumerate() {
            let place = |why: String| format!("adapter {}: {why}", index + 1);
            let adapter = adapter.as_table().ok_or_else(|| place("no table".to_owned()))?;
            let text = |key| text_of(adapter, key).map(str::to_owned).map_err(place);
            let names = (text("name")?, text("driver")?);
            let ops = adapter.get("ops").and_then(Value::as_table).ok_or_else(|| place("it has no ops".to_owned()))?;
            profile.adapters.entry(names).or_default().extend(choices(ops).map_err(place)?);
        }
        Ok(profile)
    }

    fn to_toml(&self) -> String {
        let quoted = |text: &str| Value::String(text.to_owned()).to_string();
        let mut out = format!("{TITLE}version = {}\n", quoted(env!("CARGO_PKG_VERSION")));
        // Writing to a string cannot fail.
        for ((name, driver), choices) in &self.adapters {
            let _ = write!(out, "\n[[adapter]]\nname = {}\ndriver = {}\n", quoted(name), quoted(driver));
            let mut last = "";
            for (op, key, measured) in choices.iter() {
                if op != last {
                    let _ = write!(out, "\n[adapter.ops.{}]\n", quoted(op));
                    last = op;
                }
                let Measured { strategy, seconds, heuristic, heuristic_seconds } = measured;
                let _ = writeln!(
                    out,
                    "{} = {{ strategy = {}, ms = {:.4}, heuristic = {}, heuristic_ms = {:.4} }}",
                    quoted(key),
                    quoted(strategy),
                    seconds * 1e3,
                    quoted(heuristic),
                    heuristic_seconds * 1e3
                );
            }
        }
        out
    }
}

impl Tuning {
    /// The profile in a file, for `device`; where it is of no use, [`Tuning::Heuristic`] and why.
    pub fn load(path: &Path, device: &Device) -> (Self, Option<ProfileError>) {
        match TuningProfile::load(path).and_then(|profile| profile.tuning(device)) {
            Ok(tuning) => (tuning, None),
            Err(why) => (Self::Heuristic, Some(why)),
        }
    }
}

fn choices(ops: &Table) -> Result<Choices, String> {
    let mut choices = Choices::default();
    for (op, uses) in ops {
        let uses = uses.as_table().ok_or_else(|| format!("{op} is no table"))?;
        for (key, entry) in uses {
            let place = |why: String| format!("{op} {key:?}: {why}");
            let entry = entry.as_table().ok_or_else(|| place("no table".to_owned()))?;
            let text = |name| text_of(entry, name).map(str::to_owned).map_err(place);
            let seconds = |name: &str| {
                let ms = entry.get(name).and_then(Value::as_float).filter(|ms| ms.is_finite() && *ms >= 0.0);
                ms.map(|ms| ms * 1e-3).ok_or_else(|| place(format!("{name} is no time")))
            };
            let measured = Measured {
                strategy: text("strategy")?,
                seconds: seconds("ms")?,
                heuristic: text("heuristic")?,
                heuristic_seconds: seconds("heuristic_ms")?,
            };
            choices.insert(op, key, measured);
        }
    }
    Ok(choices)
}

fn text_of<'a>(table: &'a Table, key: &str) -> Result<&'a str, String> {
    table.get(key).and_then(Value::as_str).ok_or_else(|| format!("it does not say its {key}"))
}

/// A TOML error on one line.
fn at_line(error: &toml::de::Error, text: &str) -> String {
    let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    format!("line {line}: {}", error.message())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> TuningProfile {
        let measured = Measured {
            strategy: "wide".into(),
            seconds: 0.001_25,
            heuristic: "tile64".into(),
            heuristic_seconds: 0.0025,
        };
        let mut choices = Choices::default();
        choices.insert("matmul", "MatMul: f32[2, 3], \"quoted\"", measured.clone());
        choices.insert("conv2d", "Conv2d: f32[1]", measured);
        TuningProfile { adapters: [(("an adapter".into(), "driver 1.2".into()), choices)].into() }
    }

    #[test]
    fn a_profile_reads_as_it_was_written() {
        let folder = std::env::temp_dir().join(format!("girih-tuning-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("tuning.toml");
        profile().save(&path).unwrap();
        assert_eq!(TuningProfile::load(&path), Ok(profile()));
        let text = std::fs::read_to_string(&path).unwrap();
        let damage = |from: &str, to: &str| {
            assert!(text.contains(from), "{text}");
            std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
            TuningProfile::load(&path).unwrap_err().to_string()
        };
        for (from, to, words) in [
            ("name = ", "name ", "tuning.toml is damaged: line 6"),
            ("driver = ", "drive = ", "adapter 1: it does not say its driver"),
            ("ms = 1.2500", "ms = \"1\"", "ms is no time"),
            ("{ strategy = \"wide\", ", "{ ", "conv2d \"Conv2d: f32[1]\": it does not say its strategy"),
            (env!("CARGO_PKG_VERSION"), "0.0.1", "is stale: version 0.0.1 wrote it"),
        ] {
            let error = damage(from, to);
            assert!(error.contains(words), "{error}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(matches!(TuningProfile::load(&path), Err(ProfileError::File { .. })));
        assert!(matches!(profile().save(&path), Err(ProfileError::File { .. })));
    }
}
