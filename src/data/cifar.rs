//! CIFAR-10 and CIFAR-100 in their binary format (Krizhevsky, *Learning Multiple Layers of Features from Tiny Images*,
//! 2009; <https://www.cs.toronto.edu/~kriz/cifar.html>).
//!
//! A file is a row of records without header: one label byte (CIFAR-100: the coarse, then the fine label), then
//! 3 × 32 × 32 bytes of pixels, one plane a channel. Any number of whole records is accepted, so that a set of one's
//! own can come in this format.

use super::names::{CIFAR10_CLASSES, CIFAR100_CLASSES, read_names};
use super::{DataError, ImageSet, Split};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// CIFAR-10's training files.
pub(super) const CIFAR10_TRAIN: [&str; 5] =
    ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"];
/// CIFAR-10's test file.
pub(super) const CIFAR10_TEST: &str = "test_batch.bin";
/// CIFAR-100's training file.
pub(super) const CIFAR100_TRAIN: &str = "train.bin";
/// CIFAR-100's test file.
pub(super) const CIFAR100_TEST: &str = "test.bin";

const SHAPE: [usize; 3] = [3, 32, 32];
const PIXEL_BYTES: usize = 3 * 32 * 32;
const COARSE_COUNT: usize = 20;

/// Reads one part of the folder of `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`, and of the other
/// nothing; class names come from `batches.meta.txt` where there is one, and say how many labels there are.
///
/// # Errors
/// [`DataError`] naming the file: missing, unreadable, empty, not a whole number of records, a label out of range.
pub fn read_cifar10(folder: &Path, name: &str, split: Split) -> Result<ImageSet, DataError> {
    let classes = read_names(&folder.join("batches.meta.txt"), &CIFAR10_CLASSES)?;
    let files: &[&str] = match split {
        Split::Train => &CIFAR10_TRAIN,
        Split::Test => &[CIFAR10_TEST],
    };
    let labels = [classes.len()];
    read(folder, name, classes, files, &labels)
}

/// Reads one part of the folder of `train.bin` and `test.bin`, and of the other nothing: the labels are the fine ones;
/// their names come from `fine_label_names.txt` where there is one.
///
/// # Errors
/// As [`read_cifar10`].
pub fn read_cifar100(folder: &Path, name: &str, split: Split) -> Result<ImageSet, DataError> {
    let classes = read_names(&folder.join("fine_label_names.txt"), &CIFAR100_CLASSES)?;
    let labels = [COARSE_COUNT, classes.len()];
    let file = match split {
        Split::Train => CIFAR100_TRAIN,
        Split::Test => CIFAR100_TEST,
    };
    read(folder, name, classes, &[file], &labels)
}

/// `label_counts` holds one entry for each label byte of a record, the last being the one that counts.
fn read(
    folder: &Path,
    name: &str,
    classes: Vec<String>,
    files: &[&str],
    label_counts: &[usize],
) -> Result<ImageSet, DataError> {
    let mut images = Images::default();
    for file in files {
        images.append(&folder.join(file), label_counts)?;
    }
    ImageSet::new(name, SHAPE, classes, images.pixels, images.labels)
}

#[derive(Default)]
struct Images {
    pixels: Vec<u8>,
    labels: Vec<u32>,
}

impl Images {
    fn append(&mut self, path: &Path, label_counts: &[usize]) -> Result<(), DataError> {
        let record_bytes = label_counts.len() + PIXEL_BYTES;
        let length = match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => metadata.len(),
            Ok(_) => return Err(DataError::Missing { path: path.to_owned(), what: "CIFAR records, not a folder" }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(DataError::Missing { path: path.to_owned(), what: "CIFAR records" });
            }
            Err(error) => return Err(DataError::io("read", path)(error)),
        };
        let check = |found: u64| {
            if found > 0 && found.is_multiple_of(record_bytes as u64) {
                return Ok(());
            }
            let whole = found / record_bytes as u64;
            let expected = format!("one or more records of {record_bytes} bytes ({whole} are whole)");
            Err(DataError::Length { path: path.to_owned(), expected, found_bytes: found })
        };
        // Before reading: a file of another kind may be of any size.
        check(length)?;
        let mut bytes = Vec::new();
        File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(DataError::io("read", path))?;
        // And after: it may have changed meanwhile.
        check(bytes.len() as u64)?;

        self.pixels.reserve(bytes.len());
        for (record, bytes) in bytes.chunks_exact(record_bytes).enumerate() {
            let (labels, pixels) = bytes.split_at(label_counts.len());
            for (&label, &class_count) in labels.iter().zip(label_counts) {
                let label = u32::from(label);
                if label as usize >= class_count {
                    return Err(DataError::Label { path: path.to_owned(), record, label, class_count });
                }
            }
            self.labels.extend(labels.last().map(|&label| u32::from(label)));
            self.pixels.extend_from_slice(pixels);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Splits;
    use crate::data::scratch::Scratch;

    fn both10(scratch: &Scratch) -> Result<Splits, DataError> {
        Splits::both(|split| read_cifar10(scratch.path(), "cifar10", split))
    }

    fn both100(scratch: &Scratch) -> Result<Splits, DataError> {
        Splits::both(|split| read_cifar100(scratch.path(), "cifar100", split))
    }

    /// Records whose pixels are all `label`.
    fn records(labels: &[&[u8]]) -> Vec<u8> {
        let record = |labels: &&[u8]| [labels, &[labels[0]; PIXEL_BYTES][..]].concat();
        labels.iter().flat_map(record).collect()
    }

    fn cifar10(test: &str) -> Scratch {
        let scratch = Scratch::new(test);
        for (index, file) in CIFAR10_TRAIN.iter().enumerate() {
            scratch.write(file, &records(&[&[index as u8], &[9]]));
        }
        scratch.write(CIFAR10_TEST, &records(&[&[7]]));
        scratch
    }

    #[test]
    fn cifar10_reads_in_file_order() {
        let scratch = cifar10("cifar10");
        let splits = both10(&scratch).unwrap();
        assert_eq!(splits.train.labels(), [0, 9, 1, 9, 2, 9, 3, 9, 4, 9]);
        assert_eq!(splits.train.record(4), Some((2, &[2u8; PIXEL_BYTES][..])));
        assert_eq!(splits.test.class_name(7), Some("horse"));
        assert_eq!(splits.test.shape(), [3, 32, 32]);
    }

    #[test]
    fn cifar100_takes_the_fine_label() {
        let scratch = Scratch::new("cifar100");
        scratch.write(CIFAR100_TRAIN, &records(&[&[19, 99], &[0, 1]]));
        scratch.write(CIFAR100_TEST, &records(&[&[1, 2]]));
        let splits = both100(&scratch).unwrap();
        assert_eq!(splits.train.labels(), [99, 1]);
        assert_eq!(splits.train.class_name(99), Some("worm"));
        assert_eq!(splits.train.record(0).unwrap().1, [19; PIXEL_BYTES]);
    }

    #[test]
    fn names_in_the_folder_decide_the_classes() {
        let scratch = cifar10("cifar-names");
        scratch.write("batches.meta.txt", b"a\nb\n");
        let error = both10(&scratch).unwrap_err().to_string();
        assert!(error.ends_with("data_batch_1.bin, record 1: label 9, expected 0 to 1"), "{error}");
    }

    #[test]
    fn each_bad_file_has_its_error() {
        let bad: [(&str, Vec<u8>, &str); 5] = [
            ("data_batch_3.bin", vec![], "data_batch_3.bin has 0 bytes, expected one or more records of 3073 bytes"),
            ("data_batch_2.bin", vec![0; 3072], "has 3072 bytes"),
            ("test_batch.bin", vec![0; 3073 * 2 + 1], "has 6147 bytes, expected one or more records of 3073 bytes (2"),
            (
                "data_batch_5.bin",
                records(&[&[1], &[2], &[10]]),
                "data_batch_5.bin, record 2: label 10, expected 0 to 9",
            ),
            ("batches.meta.txt", vec![0xff, b'\n'], "batches.meta.txt: class names must be UTF-8"),
        ];
        for (file, bytes, words) in bad {
            let scratch = cifar10("cifar-bad");
            scratch.write(file, &bytes);
            let error = both10(&scratch).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn one_part_is_read_without_the_other() {
        let scratch = cifar10("cifar-part");
        let whole = both10(&scratch).unwrap();
        scratch.write("data_batch_2.bin", b"damaged");
        assert_eq!(read_cifar10(scratch.path(), "cifar10", Split::Test).unwrap(), whole.test);
        let error = read_cifar10(scratch.path(), "cifar10", Split::Train).unwrap_err().to_string();
        assert!(error.contains("data_batch_2.bin has 7 bytes"), "{error}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let scratch = cifar10("cifar-missing");
        fs::remove_file(scratch.path().join("data_batch_4.bin")).unwrap();
        let error = both10(&scratch).unwrap_err().to_string();
        assert!(error.contains("data_batch_4.bin is missing"), "{error}");
        fs::create_dir(scratch.path().join("data_batch_4.bin")).unwrap();
        let error = both10(&scratch).unwrap_err().to_string();
        assert!(error.contains("not a folder"), "{error}");
    }

    #[test]
    fn cifar100_checks_the_coarse_label_too() {
        let scratch = Scratch::new("cifar100-bad");
        scratch.write(CIFAR100_TRAIN, &records(&[&[20, 5]]));
        let error = both100(&scratch).unwrap_err().to_string();
        assert!(error.contains("record 0: label 20, expected 0 to 19"), "{error}");
        scratch.write(CIFAR100_TRAIN, &records(&[&[0, 100]]));
        let error = both100(&scratch).unwrap_err().to_string();
        assert!(error.contains("record 0: label 100, expected 0 to 99"), "{error}");
    }
}
