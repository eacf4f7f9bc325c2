//! The table of known data sets: where each lies under a root, which files it has, and how big they are when whole.

use super::idx::{self, IMAGE_MAGIC, LABEL_MAGIC, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS};
use super::names::{FASHION_MNIST_CLASSES, MNIST_CLASSES};
use super::{DataError, ImageSet, Split, cifar};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// What a set is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetKind {
    /// Labelled images.
    Images,
    /// Plain text.
    Text,
    /// Labelled sentences with their parse trees.
    Trees,
    /// Labelled series of measurements.
    Series,
}

type ReadFolder = fn(&Path, Split) -> Result<ImageSet, DataError>;

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct KnownSet {
    /// The name it is asked for by.
    pub name: &'static str,
    /// What it is made of.
    pub kind: SetKind,
    /// Where it may lie, relative to the root; the first is the usual place.
    folders: &'static [&'static str],
    /// Where a distribution's package puts it.
    system_folders: &'static [&'static str],
    files: &'static [FileRule],
    /// For images: how one part of a folder of it is read.
    read: Option<ReadFolder>,
}

/// A file that a set must have.
#[derive(Clone, Copy, Debug)]
struct FileRule {
    spellings: &'static [&'static str],
    whole: Whole,
}

/// When a file is whole, as far as its size and its first bytes tell.
#[derive(Clone, Copy, Debug)]
enum Whole {
    /// It has this many bytes.
    Bytes(u64),
    /// It has this magic word, this many records of this many bytes, and nothing more.
    Idx { magic: u32, count: u64, record_bytes: u64 },
    /// It holds something: its publisher states no size.
    NotEmpty,
}

/// What is at a set's place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetStatus {
    /// None of its files.
    Absent,
    /// All of its files, with the right sizes and headers.
    Whole {
        /// Where.
        folder: PathBuf,
        /// What the files take on disk.
        size_bytes: u64,
    },
    /// Some of its files, or files that are not right.
    Damaged {
        /// Where.
        folder: PathBuf,
        /// Which file, and what is wrong with it.
        problem: String,
    },
}

const fn sized(name: &'static [&'static str], bytes: u64) -> FileRule {
    FileRule { spellings: name, whole: Whole::Bytes(bytes) }
}

const fn some(name: &'static [&'static str]) -> FileRule {
    FileRule { spellings: name, whole: Whole::NotEmpty }
}

const CIFAR10_BATCH_BYTES: u64 = 10_000 * 3073;
const CIFAR10_FILES: &[FileRule] = &[
    sized(&["data_batch_1.bin"], CIFAR10_BATCH_BYTES),
    sized(&["data_batch_2.bin"], CIFAR10_BATCH_BYTES),
    sized(&["data_batch_3.bin"], CIFAR10_BATCH_BYTES),
    sized(&["data_batch_4.bin"], CIFAR10_BATCH_BYTES),
    sized(&["data_batch_5.bin"], CIFAR10_BATCH_BYTES),
    sized(&[cifar::CIFAR10_TEST], CIFAR10_BATCH_BYTES),
];
const CIFAR100_FILES: &[FileRule] =
    &[sized(&[cifar::CIFAR100_TRAIN], 50_000 * 3074), sized(&[cifar::CIFAR100_TEST], 10_000 * 3074)];

const fn idx_rule(spellings: &'static [&'static str], magic: u32, count: u64, record_bytes: u64) -> FileRule {
    FileRule { spellings, whole: Whole::Idx { magic, count, record_bytes } }
}

const MNIST_FILES: &[FileRule] = &[
    idx_rule(TRAIN_IMAGES, IMAGE_MAGIC, 60_000, 28 * 28),
    idx_rule(TRAIN_LABELS, LABEL_MAGIC, 60_000, 1),
    idx_rule(TEST_IMAGES, IMAGE_MAGIC, 10_000, 28 * 28),
    idx_rule(TEST_LABELS, LABEL_MAGIC, 10_000, 1),
];

/// Every known set.
pub const KNOWN_SETS: &[KnownSet] = &[
    KnownSet {
        name: "cifar10",
        kind: SetKind::Images,
        folders: &["cifar10", "cifar10/cifar-10-batches-bin", "cifar-10-batches-bin"],
        system_folders: &[],
        files: CIFAR10_FILES,
        read: Some(|folder, split| cifar::read_cifar10(folder, "cifar10", split)),
    },
    KnownSet {
        name: "cifar100",
        kind: SetKind::Images,
        folders: &["cifar100", "cifar100/cifar-100-binary", "cifar-100-binary"],
        system_folders: &[],
        files: CIFAR100_FILES,
        read: Some(|folder, split| cifar::read_cifar100(folder, "cifar100", split)),
    },
    KnownSet {
        name: "mnist",
        kind: SetKind::Images,
        folders: &["mnist", "MNIST/raw"],
        system_folders: &[],
        files: MNIST_FILES,
        read: Some(|folder, split| idx::read_idx(folder, "mnist", &MNIST_CLASSES, split)),
    },
    KnownSet {
        name: "fashion-mnist",
        kind: SetKind::Images,
        folders: &["fashion-mnist", "FashionMNIST/raw"],
        // Debian's package dataset-fashion-mnist.
        system_folders: &["/usr/share/datasets/fashion-mnist"],
        files: MNIST_FILES,
        read: Some(|folder, split| idx::read_idx(folder, "fashion-mnist", &FASHION_MNIST_CLASSES, split)),
    },
    KnownSet {
        name: "text:tinyshakespeare",
        kind: SetKind::Text,
        folders: &["tinyshakespeare"],
        system_folders: &[],
        files: &[sized(&["input.txt"], 1_115_394)],
        read: None,
    },
    KnownSet {
        name: "sst",
        kind: SetKind::Trees,
        folders: &["sst"],
        system_folders: &[],
        files: &[some(&["train.txt"]), some(&["dev.txt"]), some(&["test.txt"])],
        read: None,
    },
    KnownSet {
        name: "japanese-vowels",
        kind: SetKind::Series,
        folders: &["japanese-vowels"],
        system_folders: &[],
        files: &[some(&["JapaneseVowels_TRAIN.ts"]), some(&["JapaneseVowels_TEST.ts"])],
        read: None,
    },
];

/// The names of the sets of images.
pub(super) fn image_set_names() -> Vec<&'static str> {
    KNOWN_SETS.iter().filter(|set| set.kind == SetKind::Images).map(|set| set.name).collect()
}

impl KnownSet {
    /// Every folder the set may lie in, the first being where to put it.
    pub fn folders(&self, root: &Path) -> Vec<PathBuf> {
        let own = self.folders.iter().map(|folder| root.join(folder));
        own.chain(self.system_folders.iter().map(PathBuf::from)).collect()
    }

    /// What there is of the set: a whole one, else a damaged one, else none. It costs file sizes and first bytes.
    pub fn status(&self, root: &Path) -> SetStatus {
        let mut damaged = SetStatus::Absent;
        for folder in self.folders(root) {
            match self.status_in(&folder) {
                SetStatus::Absent => {}
                whole @ SetStatus::Whole { .. } => return whole,
                found if damaged == SetStatus::Absent => damaged = found,
                _ => {}
            }
        }
        damaged
    }

    fn status_in(&self, folder: &Path) -> SetStatus {
        let find = |rule: &FileRule| rule.spellings.iter().map(|name| folder.join(name)).find(|path| path.is_file());
        if self.files.iter().all(|rule| find(rule).is_none()) {
            return SetStatus::Absent;
        }
        let mut size_bytes = 0;
        for rule in self.files {
            let checked = match find(rule) {
                Some(path) => check_file(&path, rule.whole).map_err(|error| error.to_string()),
                None => Err(format!("{} is missing", rule.spellings.first().unwrap_or(&"a file"))),
            };
            match checked {
                Ok(bytes) => size_bytes += bytes,
                Err(problem) => return SetStatus::Damaged { folder: folder.to_owned(), problem },
            }
        }
        SetStatus::Whole { folder: folder.to_owned(), size_bytes }
    }

    /// Reads one part of a set of images from under `root`. The other part need only be whole as far as
    /// [`KnownSet::status`] tells.
    ///
    /// # Errors
    /// [`DataError::NotImages`], [`DataError::Absent`], [`DataError::Damaged`], or what reading its files gives.
    pub fn load(&self, root: &Path, split: Split) -> Result<ImageSet, DataError> {
        let read = self.read.ok_or(DataError::NotImages { set: self.name })?;
        match self.status(root) {
            SetStatus::Whole { folder, .. } => read(&folder, split),
            SetStatus::Damaged { folder, problem } => Err(DataError::Damaged { set: self.name, folder, problem }),
            SetStatus::Absent => Err(DataError::Absent { set: self.name, looked_in: self.folders(root) }),
        }
    }
}

/// The size on disk of a file that is whole.
fn check_file(path: &Path, whole: Whole) -> Result<u64, DataError> {
    let on_disk = fs::metadata(path).map_err(DataError::io("read", path))?.len();
    let wrong = |expected: String, found_bytes| Err(DataError::Length { path: path.to_owned(), expected, found_bytes });
    match whole {
        Whole::Bytes(bytes) if on_disk != bytes => wrong(bytes.to_string(), on_disk),
        Whole::NotEmpty if on_disk == 0 => wrong("some".to_owned(), 0),
        Whole::Bytes(_) | Whole::NotEmpty => Ok(on_disk),
        Whole::Idx { magic, count, record_bytes } => {
            let dims = idx::dimensions(path, magic)?;
            let wanted = 4 + 4 * dims.len() as u64 + count * record_bytes;
            let found = unpacked_bytes(path, on_disk).map_err(DataError::io("read", path))?;
            if found != wanted || dims.first() != Some(&(count as usize)) {
                let stated = dims.first().copied().unwrap_or(0);
                return wrong(format!("{wanted} for {count} records (its header says {stated})"), found);
            }
            Ok(on_disk)
        }
    }
}

/// The length of a file's content. Gzip's last four bytes state it (modulo 2³²), which spares decompressing; in a
/// file that breaks off they are noise, and will not agree.
fn unpacked_bytes(path: &Path, on_disk: u64) -> std::io::Result<u64> {
    if path.extension().is_none_or(|extension| extension != "gz") {
        return Ok(on_disk);
    }
    let mut file = File::open(path)?;
    let mut last = [0; 4];
    file.seek(SeekFrom::End(-4))?;
    file.read_exact(&mut last)?;
    Ok(u64::from(u32::from_le_bytes(last)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::scratch::Scratch;

    fn known(name: &str) -> &'static KnownSet {
        KNOWN_SETS.iter().find(|set| set.name == name).unwrap()
    }

    /// A file of this length that takes no disk.
    fn sparse(scratch: &Scratch, name: &str, bytes: u64) {
        File::create(scratch.write(name, b"")).unwrap().set_len(bytes).unwrap();
    }

    #[test]
    fn cifar_is_absent_then_damaged_then_whole() {
        let scratch = Scratch::new("known-cifar");
        let (set, root) = (known("cifar10"), scratch.path());
        assert_eq!(set.status(root), SetStatus::Absent);
        let error = set.load(root, Split::Test).unwrap_err().to_string();
        assert!(error.starts_with("cifar10 is not there; looked in"), "{error}");

        for file in cifar::CIFAR10_TRAIN {
            sparse(&scratch, &format!("cifar-10-batches-bin/{file}"), 30_730_000);
        }
        let SetStatus::Damaged { problem, .. } = set.status(root) else { panic!("it is not damaged") };
        assert_eq!(problem, "test_batch.bin is missing");

        sparse(&scratch, "cifar-10-batches-bin/test_batch.bin", 30_730_000 - 3073);
        let error = set.load(root, Split::Train).unwrap_err();
        assert!(matches!(error, DataError::Damaged { set: "cifar10", .. }));
        assert!(error.to_string().contains("test_batch.bin has 30726927 bytes, expected 30730000"), "{error}");

        sparse(&scratch, "cifar-10-batches-bin/test_batch.bin", 30_730_000);
        let whole = SetStatus::Whole { folder: root.join("cifar-10-batches-bin"), size_bytes: 6 * 30_730_000 };
        assert_eq!(set.status(root), whole);
    }

    #[test]
    fn idx_files_are_checked_by_header_and_length() {
        use flate2::{Compression, write::GzEncoder};
        use std::io::Write;
        let scratch = Scratch::new("known-idx");
        let (set, root) = (known("mnist"), scratch.path());
        let gzip = |words: &[u32], bytes: usize| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            words.iter().for_each(|word| encoder.write_all(&word.to_be_bytes()).unwrap());
            encoder.write_all(&vec![0; bytes]).unwrap();
            encoder.finish().unwrap()
        };
        scratch.write("mnist/train-images-idx3-ubyte.gz", &gzip(&[IMAGE_MAGIC, 60_000, 28, 28], 60_000 * 784));
        scratch.write("mnist/train-labels-idx1-ubyte.gz", &gzip(&[LABEL_MAGIC, 60_000], 60_000));
        scratch.write("mnist/t10k-images-idx3-ubyte.gz", &gzip(&[IMAGE_MAGIC, 10_000, 28, 28], 10_000 * 784));
        let labels = gzip(&[LABEL_MAGIC, 10_000], 10_000);
        let last = "mnist/t10k-labels-idx1-ubyte.gz";

        for (bytes, words) in [
            (gzip(&[LABEL_MAGIC, 9_999], 10_000), "its header says 9999"),
            (gzip(&[LABEL_MAGIC, 10_000], 9_999), "has 10007 bytes, expected 10008"),
            (gzip(&[IMAGE_MAGIC, 10_000], 10_000), "starts with 0x00000803"),
            (labels[..labels.len() - 6].to_vec(), "expected 10008"),
            (vec![], "IDX header"),
        ] {
            scratch.write(last, &bytes);
            let SetStatus::Damaged { problem, .. } = set.status(root) else { panic!("{words}") };
            assert!(problem.contains(words), "{problem}");
        }
        scratch.write(last, &labels);
        assert!(matches!(set.status(root), SetStatus::Whole { .. }));
        assert_eq!(set.load(root, Split::Test).unwrap().len(), 10_000);
    }

    #[test]
    fn sets_without_images_say_so() {
        let scratch = Scratch::new("known-sst");
        for file in ["train", "dev", "test"] {
            scratch.write(&format!("sst/{file}.txt"), b"(3 good)");
        }
        assert!(matches!(known("sst").status(scratch.path()), SetStatus::Whole { size_bytes: 24, .. }));
        assert_eq!(
            known("sst").load(scratch.path(), Split::Test).unwrap_err().to_string(),
            "sst is not a set of images"
        );
        scratch.write("sst/dev.txt", b"");
        let SetStatus::Damaged { problem, .. } = known("sst").status(scratch.path()) else { panic!("not damaged") };
        assert!(problem.contains("dev.txt has 0 bytes"), "{problem}");
    }
}
