//! Writes the procedural set in CIFAR-10's binary format.

use super::{CLASSES, TRAIN_FILE_COUNT, synthetic};
use crate::data::cifar::{CIFAR10_TEST, CIFAR10_TRAIN};
use crate::data::{DataError, ImageSet};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Writes the set of [`synthetic`] as the folder `dir`, in CIFAR-10's binary format: `data_batch_1.bin` to
/// `data_batch_5.bin` share the training images, with `test_batch.bin` and `batches.meta.txt`.
///
/// The files are written to a temporary folder beside `dir` that is then renamed: `dir` appears whole or not at all.
///
/// # Errors
/// [`DataError::Argument`] as [`synthetic`]; [`DataError::Exists`] when `dir` is there and not an empty folder (it is
/// left alone); [`DataError::Io`] when the files cannot be written.
pub fn write_synthetic(dir: &Path, seed: u32, train_count: u32, test_count: u32) -> Result<(), DataError> {
    refuse_existing(dir)?;
    let splits = synthetic(seed, train_count, test_count)?;
    let temporary = beside(dir)?;
    let written = write_files(&temporary, &splits.train, &splits.test).and_then(|()| {
        // Windows does not rename over a folder, even an empty one; elsewhere its absence is no matter.
        let _ = fs::remove_dir(dir);
        fs::rename(&temporary, dir).map_err(DataError::io("rename the finished folder to", dir))
    });
    if written.is_err() {
        // The first error is the one to tell; a folder that cannot be removed either is harmless.
        let _ = fs::remove_dir_all(&temporary);
    }
    written
}

fn refuse_existing(dir: &Path) -> Result<(), DataError> {
    if !dir.exists() {
        return Ok(());
    }
    let is_empty = dir.is_dir() && fs::read_dir(dir).map_err(DataError::io("read", dir))?.next().is_none();
    if is_empty { Ok(()) } else { Err(DataError::Exists { path: dir.to_owned() }) }
}

/// A new, empty folder on `dir`'s file system, named for this process.
fn beside(dir: &Path) -> Result<PathBuf, DataError> {
    let Some(name) = dir.file_name() else {
        return Err(DataError::Argument { what: "folder", problem: format!("{} has no name", dir.display()) });
    };
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(DataError::io("create", parent))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.tmp", std::process::id()));
    let temporary = parent.join(hidden);
    fs::create_dir(&temporary).map_err(DataError::io("create", &temporary))?;
    Ok(temporary)
}

fn write_files(folder: &Path, train: &ImageSet, test: &ImageSet) -> Result<(), DataError> {
    let (count, files) = (train.len(), TRAIN_FILE_COUNT as usize);
    for (part, name) in CIFAR10_TRAIN.iter().enumerate() {
        // Floor boundaries: every file gets its share, none is empty, and order is kept across the files.
        write_records(&folder.join(name), train, count * part / files..count * (part + 1) / files)?;
    }
    write_records(&folder.join(CIFAR10_TEST), test, 0..test.len())?;
    let names = folder.join("batches.meta.txt");
    fs::write(&names, CLASSES.join("\n") + "\n").map_err(DataError::io("write", &names))
}

fn write_records(path: &Path, set: &ImageSet, range: Range<usize>) -> Result<(), DataError> {
    let write = || {
        let mut file = BufWriter::new(File::create(path)?);
        for (label, image) in set.records().take(range.end).skip(range.start) {
            // Ten classes: a label fits a byte.
            file.write_all(&[label as u8])?;
            file.write_all(image)?;
        }
        file.into_inner().map_err(|error| error.into_error())?.sync_all()
    };
    write().map_err(DataError::io("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Splits;
    use crate::data::cifar::read_cifar10;
    use crate::data::scratch::Scratch;

    #[test]
    fn what_is_written_reads_back_as_what_is_made() {
        let scratch = Scratch::new("synth-write");
        let dir = scratch.path().join("deep/set");
        write_synthetic(&dir, 3, 23, 7).unwrap();
        let read = Splits::both(|split| read_cifar10(&dir, "synthetic", split)).unwrap();
        assert_eq!(read, synthetic(3, 23, 7).unwrap());
        assert_eq!(read.train.classes()[1], "ring");
        let left: Vec<_> = fs::read_dir(dir.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "the temporary folder is gone");
    }

    #[test]
    fn an_existing_folder_is_left_alone_unless_empty() {
        let scratch = Scratch::new("synth-exists");
        scratch.write("keep.txt", b"mine");
        let error = write_synthetic(scratch.path(), 0, 5, 1).unwrap_err();
        assert!(matches!(error, DataError::Exists { .. }), "{error}");
        assert_eq!(fs::read(scratch.path().join("keep.txt")).unwrap(), b"mine");

        let empty = scratch.path().join("empty");
        fs::create_dir(&empty).unwrap();
        write_synthetic(&empty, 0, 5, 1).unwrap();
        assert!(empty.join("test_batch.bin").exists());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error_and_leaves_nothing() {
        let scratch = Scratch::new("synth-unwritable");
        let file = scratch.write("file", b"");
        let error = write_synthetic(&file.join("set"), 0, 5, 1).unwrap_err();
        assert!(matches!(error, DataError::Io { .. }), "{error}");
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1);
    }
}
