//! Data sets from their publishers: download, check, unpack.
//!
//! Nothing is half-written: an archive grows in a `.part` file that a later call goes on with, it
//! is unpacked into a temporary folder, and only a whole data set gets its final name.

mod download;
mod unpack;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// A data set that can be downloaded.
#[derive(Clone, Debug)]
pub struct Source {
    /// As the user names it.
    pub name: &'static str,
    /// Where the publisher keeps the archive's folder.
    pub publisher: &'static str,
    /// The archive's file name.
    pub archive: &'static str,
    /// The archive's MD5 sum in hexadecimal, as published.
    pub md5: String,
    /// The folder in the archive, which keeps its name.
    pub folder: &'static str,
    /// The files that make the data set whole, and their lengths in bytes.
    pub files: Vec<(&'static str, u64)>,
}

const TORONTO: &str = "https://www.cs.toronto.edu/~kriz";

impl Source {
    /// CIFAR-10 in its binary version.
    #[must_use]
    pub fn cifar10() -> Self {
        const BATCH: u64 = 10_000 * (1 + 3072);
        Self {
            name: "cifar10",
            publisher: TORONTO,
            archive: "cifar-10-binary.tar.gz",
            md5: "c32a1d4ab5d03f1284b67883e8d87530".into(),
            folder: "cifar-10-batches-bin",
            files: vec![
                ("data_batch_1.bin", BATCH),
                ("data_batch_2.bin", BATCH),
                ("data_batch_3.bin", BATCH),
                ("data_batch_4.bin", BATCH),
                ("data_batch_5.bin", BATCH),
                ("test_batch.bin", BATCH),
            ],
        }
    }

    /// CIFAR-100 in its binary version.
    #[must_use]
    pub fn cifar100() -> Self {
        const RECORD: u64 = 2 + 3072;
        Self {
            name: "cifar100",
            publisher: TORONTO,
            archive: "cifar-100-binary.tar.gz",
            md5: "03b5dce01913d631647c71ecec9e9cb8".into(),
            folder: "cifar-100-binary",
            files: vec![("train.bin", 50_000 * RECORD), ("test.bin", 10_000 * RECORD)],
        }
    }

    /// The first file of `folder` that is missing or of the wrong length, in words.
    fn flaw(&self, folder: &Path) -> Option<String> {
        self.files.iter().find_map(|&(file, length)| match fs::metadata(folder.join(file)) {
            Ok(found) if found.len() == length => None,
            Ok(found) => Some(format!("{file} has {} bytes, not {length}", found.len())),
            Err(_) => Some(format!("{file} is missing")),
        })
    }
}

/// What a fetch is at, for a progress bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// So many bytes are here, of so many where the server says.
    Downloading {
        /// Bytes in the `.part` file.
        here: u64,
        /// The archive's length.
        total: Option<u64>,
    },
    /// The connection broke; it is tried again.
    Reconnecting,
    /// The MD5 sum is computed.
    Checking,
    /// The archive is unpacked.
    Unpacking,
}

/// How a fetch ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// It was there already, whole.
    Present(PathBuf),
    /// It is there now.
    New {
        /// The data set's folder.
        folder: PathBuf,
        /// The archive's length in bytes.
        bytes: u64,
    },
}

/// How patient a download is.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Attempts in a row that bring nothing new before it gives up.
    pub attempts: u32,
    /// The pause before the first new attempt; it doubles from one to the next.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { attempts: 4, pause: Duration::from_secs(1) }
    }
}

/// Downloads `source` into a folder of `root`, from `mirror` where one is given.
///
/// # Errors
/// The folder cannot be written, the server cannot be reached or refuses, the archive is not the
/// published one (it is deleted), or it does not unpack to the data set.
pub fn fetch(
    source: &Source,
    root: &Path,
    mirror: Option<&str>,
    patience: Patience,
    mut report: impl FnMut(Stage),
) -> Result<Fetched> {
    let folder = root.join(source.folder);
    if source.flaw(&folder).is_none() {
        return Ok(Fetched::Present(folder));
    }
    fs::create_dir_all(root).with_context(|| format!("cannot create {}", root.display()))?;
    let base = mirror.unwrap_or(source.publisher).trim_end_matches('/');
    let url = format!("{base}/{}", source.archive);
    let part = root.join(format!("{}.part", source.archive));

    let bytes = download::to_file(&url, &part, patience, &mut report)?;
    report(Stage::Checking);
    let found = download::md5(&part)?;
    if found != source.md5 {
        remove(&part)?;
        bail!(
            "{url} is not the published archive: its MD5 sum is {found}, not {}; \
             deleted it, so that the next try starts afresh",
            source.md5
        );
    }
    report(Stage::Unpacking);
    unpack::archive(&part, source, &folder)?;
    remove(&part)?;
    Ok(Fetched::New { folder, bytes })
}

fn remove(file: &Path) -> Result<()> {
    fs::remove_file(file).with_context(|| format!("cannot delete {}", file.display()))
}
