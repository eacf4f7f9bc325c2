//! An archive into its folder, all or nothing.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use flate2::read::GzDecoder;

use super::Source;

/// A folder that is deleted when it is dropped.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be deleted has a name that says what it is; the error at hand matters more.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Unpacks the archive `file` and puts its data set at `folder`, in place of a damaged one.
pub fn archive(file: &Path, source: &Source, folder: &Path) -> Result<()> {
    let name = format!(".{}.unpacking-{}", source.folder, std::process::id());
    let scratch = Scratch(folder.with_file_name(name));
    fs::create_dir_all(&scratch.0).with_context(|| format!("cannot create {}", scratch.0.display()))?;

    let reader = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    tar::Archive::new(GzDecoder::new(BufReader::new(reader)))
        .unpack(&scratch.0)
        .with_context(|| format!("cannot unpack {}", file.display()))?;
    let unpacked = scratch.0.join(source.folder);
    if let Some(flaw) = source.flaw(&unpacked) {
        let archive = source.archive;
        return Err(anyhow!("{archive} does not hold {}: {flaw}", source.name));
    }

    let in_place = || format!("cannot write {}", folder.display());
    if folder.exists() {
        fs::rename(folder, scratch.0.join("damaged")).with_context(in_place)?;
    }
    fs::rename(&unpacked, folder).with_context(in_place)
}
