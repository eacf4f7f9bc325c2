//! MNIST and its kin in the IDX format (<http://yann.lecun.com/exdb/mnist>), plain or gzipped.
//!
//! A file starts with a magic word and one word a dimension, all big-endian: `0x803, N, H, W` and `N × H × W` bytes of
//! pixels, or `0x801, N` and `N` bytes of labels.

use super::{DataError, ImageSet, Split};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The first word of an image file: unsigned bytes in three dimensions.
pub(super) const IMAGE_MAGIC: u32 = 0x0803;
/// The first word of a label file: unsigned bytes in one dimension.
pub(super) const LABEL_MAGIC: u32 = 0x0801;

/// The spellings in use of each file's name.
pub(super) const TRAIN_IMAGES: &[&str] =
    &["train-images-idx3-ubyte", "train-images-idx3-ubyte.gz", "train-images.idx3-ubyte", "train-images.idx3-ubyte.gz"];
/// As [`TRAIN_IMAGES`].
pub(super) const TRAIN_LABELS: &[&str] =
    &["train-labels-idx1-ubyte", "train-labels-idx1-ubyte.gz", "train-labels.idx1-ubyte", "train-labels.idx1-ubyte.gz"];
/// As [`TRAIN_IMAGES`].
pub(super) const TEST_IMAGES: &[&str] =
    &["t10k-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz", "t10k-images.idx3-ubyte", "t10k-images.idx3-ubyte.gz"];
/// As [`TRAIN_IMAGES`].
pub(super) const TEST_LABELS: &[&str] =
    &["t10k-labels-idx1-ubyte", "t10k-labels-idx1-ubyte.gz", "t10k-labels.idx1-ubyte", "t10k-labels.idx1-ubyte.gz"];

/// Reads one part of the folder of `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and their `t10k-` counterparts,
/// each plain or `.gz`, as images of `[1, H, W]`; of the other part, nothing.
///
/// # Errors
/// [`DataError`] naming the file: missing, unreadable, another kind of file, shorter or longer than its header says,
/// a label that is none of `classes`, as many images as not labels.
pub fn read_idx(folder: &Path, name: &str, classes: &[&str], split: Split) -> Result<ImageSet, DataError> {
    let (images, labels) = match split {
        Split::Train => (TRAIN_IMAGES, TRAIN_LABELS),
        Split::Test => (TEST_IMAGES, TEST_LABELS),
    };
    let (images_path, labels_path) = (find(folder, images, "images")?, find(folder, labels, "labels")?);
    let (dims, pixels) = read_bytes(&images_path, IMAGE_MAGIC)?;
    let (_, labels) = read_bytes(&labels_path, LABEL_MAGIC)?;
    let image_count = dims.first().copied().unwrap_or(0);
    if image_count != labels.len() {
        let label_count = labels.len();
        return Err(DataError::Count { images: images_path, image_count, labels: labels_path, label_count });
    }
    if let Some(record) = labels.iter().position(|&label| usize::from(label) >= classes.len()) {
        let label = u32::from(labels[record]);
        return Err(DataError::Label { path: labels_path, record, label, class_count: classes.len() });
    }
    let [_, height, width] = dims[..] else { return Err(header_error(&images_path, 0)) };
    let classes = classes.iter().map(|&class| class.to_owned()).collect();
    ImageSet::new(name, [1, height, width], classes, pixels, labels.into_iter().map(u32::from).collect())
}

fn find(folder: &Path, spellings: &[&str], what: &'static str) -> Result<PathBuf, DataError> {
    let mut paths = spellings.iter().map(|name| folder.join(name));
    paths.clone().find(|path| path.is_file()).ok_or_else(|| DataError::Missing {
        path: paths.next().unwrap_or_default(),
        what: if what == "images" { "IDX images (plain or .gz)" } else { "IDX labels (plain or .gz)" },
    })
}

fn header_error(path: &Path, found_bytes: u64) -> DataError {
    DataError::Length { path: path.to_owned(), expected: "an IDX header".to_owned(), found_bytes }
}

/// The file's bytes, decompressed where its name ends in `.gz`.
fn open(path: &Path) -> Result<Box<dyn Read>, DataError> {
    let file = BufReader::new(File::open(path).map_err(DataError::io("open", path))?);
    let is_gzip = path.extension().is_some_and(|extension| extension == "gz");
    Ok(if is_gzip { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

/// Reads at most `limit` bytes. A gzip stream that breaks off counts as a short file: that is what it is to the user.
fn read_up_to(reader: &mut dyn Read, limit: u64, path: &Path) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    match reader.take(limit).read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(bytes),
        Err(error) => Err(DataError::io("read", path)(error)),
    }
}

/// Reads the header of an IDX file: its dimensions, of which `magic` says how many there are.
fn read_header(reader: &mut dyn Read, magic: u32, path: &Path) -> Result<Vec<usize>, DataError> {
    let bytes = 4 + 4 * u64::from(magic & 0xff);
    let header = read_up_to(reader, bytes, path)?;
    let mut words = header.as_chunks::<4>().0.iter().map(|word| u32::from_be_bytes(*word));
    match words.next() {
        Some(found) if found != magic => {
            return Err(DataError::Magic { path: path.to_owned(), expected: magic, found });
        }
        _ if (header.len() as u64) < bytes => return Err(header_error(path, header.len() as u64)),
        _ => {}
    }
    Ok(words.map(|word| word as usize).collect())
}

/// The dimensions of an IDX file, from its first bytes alone.
pub(super) fn dimensions(path: &Path, magic: u32) -> Result<Vec<usize>, DataError> {
    read_header(&mut *open(path)?, magic, path)
}

/// The dimensions and the bytes of an IDX file.
fn read_bytes(path: &Path, magic: u32) -> Result<(Vec<usize>, Vec<u8>), DataError> {
    let mut reader = open(path)?;
    let dims = read_header(&mut *reader, magic, path)?;
    // A damaged header may ask for anything: nothing is allocated on its word.
    let wanted = dims.iter().try_fold(1u64, |product, &dim| product.checked_mul(dim as u64)).unwrap_or(u64::MAX);
    let bytes = read_up_to(&mut *reader, wanted.saturating_add(1), path)?;
    let found = bytes.len() as u64;
    if found == wanted && wanted > 0 {
        return Ok((dims, bytes));
    }
    let header_bytes = 4 + 4 * dims.len() as u64;
    let shape = dims.iter().map(ToString::to_string).collect::<Vec<_>>().join("x");
    let expected = match (wanted, found > wanted) {
        (0, _) => format!("at least one record, but its header says {shape}"),
        (_, true) => format!("{}, as its header says {shape}; there are more", header_bytes.saturating_add(wanted)),
        (_, false) => format!("{}, as its header says {shape}", header_bytes.saturating_add(wanted)),
    };
    // A longer file is read no further than it takes to see that it is.
    let on_disk = path.metadata().map_or(0, |metadata| metadata.len());
    let is_gzip = path.extension().is_some_and(|extension| extension == "gz");
    let found_bytes = if found > wanted && !is_gzip { on_disk } else { header_bytes + found };
    Err(DataError::Length { path: path.to_owned(), expected, found_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Splits;
    use crate::data::names::MNIST_CLASSES;
    use crate::data::scratch::Scratch;
    use flate2::{Compression, write::GzEncoder};
    use std::fs;
    use std::io::Write;

    fn idx(magic: u32, dims: &[u32], bytes: &[u8]) -> Vec<u8> {
        let words = [&[magic], dims].concat();
        words.into_iter().flat_map(u32::to_be_bytes).chain(bytes.iter().copied()).collect()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Two training images and one test image of 1 × 2 × 3.
    fn whole(test: &str) -> Scratch {
        let scratch = Scratch::new(test);
        let pixels: Vec<u8> = (0..12).collect();
        scratch.write(TRAIN_IMAGES[0], &idx(IMAGE_MAGIC, &[2, 2, 3], &pixels));
        scratch.write(TRAIN_LABELS[1], &gzip(&idx(LABEL_MAGIC, &[2], &[9, 3])));
        scratch.write(TEST_IMAGES[3], &gzip(&idx(IMAGE_MAGIC, &[1, 2, 3], &[5; 6])));
        scratch.write(TEST_LABELS[2], &idx(LABEL_MAGIC, &[1], &[4]));
        scratch
    }

    fn read(scratch: &Scratch) -> Result<Splits, DataError> {
        Splits::both(|split| read_idx(scratch.path(), "mnist", &MNIST_CLASSES, split))
    }

    #[test]
    fn plain_and_gzip_under_every_spelling() {
        let splits = read(&whole("idx")).unwrap();
        assert_eq!(splits.train.shape(), [1, 2, 3]);
        assert_eq!(splits.train.record(1), Some((3, &[6u8, 7, 8, 9, 10, 11][..])));
        assert_eq!(splits.test.record(0), Some((4, &[5u8; 6][..])));
    }

    #[test]
    fn each_bad_file_has_its_error() {
        let (images, labels) = (TRAIN_IMAGES[0], TEST_LABELS[2]);
        let gz = gzip(&idx(IMAGE_MAGIC, &[1, 2, 3], &[5; 6]));
        // Random bytes, which do not compress: half the file is then half the images.
        let mut random = crate::tensor::random::Random::new(0, 0, 0);
        let noise: Vec<u8> = (0..5000).map(|_| random.below(256) as u8).collect();
        let long_gz = gzip(&idx(IMAGE_MAGIC, &[1, 50, 100], &noise));
        let mut corrupt = gz.clone();
        corrupt[0] = 0;
        let bad: [(&str, Vec<u8>, &str); 14] = [
            (images, vec![], "has 0 bytes, expected an IDX header"),
            (images, idx(IMAGE_MAGIC, &[2, 2], &[]), "has 12 bytes, expected an IDX header"),
            (images, idx(LABEL_MAGIC, &[2], &[1, 2]), "starts with 0x00000801, expected 0x00000803"),
            (images, gz.clone(), "starts with 0x1f8b0800"),
            (images, idx(IMAGE_MAGIC, &[2, 2, 3], &[0; 11]), "has 27 bytes, expected 28, as its header says 2x2x3"),
            (images, idx(IMAGE_MAGIC, &[2, 2, 3], &[0; 15]), "has 31 bytes, expected 28"),
            (images, idx(IMAGE_MAGIC, &[u32::MAX; 3], &[0; 12]), "4294967295x4294967295x4294967295"),
            (images, idx(IMAGE_MAGIC, &[0, 2, 3], &[]), "at least one record"),
            (images, idx(IMAGE_MAGIC, &[2, 3, 2], &[0; 12]), "training images are 1x3x2, but test images 1x2x3"),
            (labels, idx(LABEL_MAGIC, &[2], &[1, 2]), "holds 1 images, but"),
            (labels, idx(LABEL_MAGIC, &[1], &[10]), "idx1-ubyte, record 0: label 10, expected 0 to 9"),
            (TEST_IMAGES[3], gz[..12].to_vec(), "bytes, expected an IDX header"),
            (TEST_IMAGES[3], long_gz[..3000].to_vec(), "expected 5016, as its header says 1x50x100"),
            (TEST_IMAGES[3], corrupt, "could not read"),
        ];
        for (file, bytes, words) in bad {
            let scratch = whole("idx-bad");
            scratch.write(file, &bytes);
            let error = read(&scratch).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_missing_file_is_named_and_only_its_part_needs_it() {
        let scratch = whole("idx-missing");
        let train = read(&scratch).unwrap().train;
        fs::remove_file(scratch.path().join(TEST_LABELS[2])).unwrap();
        let error = read(&scratch).unwrap_err().to_string();
        assert!(error.contains("t10k-labels-idx1-ubyte is missing"), "{error}");
        assert_eq!(read_idx(scratch.path(), "mnist", &MNIST_CLASSES, Split::Train).unwrap(), train);
    }
}
