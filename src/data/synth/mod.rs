//! The procedural set: ten figures on 32 × 32 RGB images, for machines that have no data set at all.
//!
//! It is made so that a linear classifier on its pixels fails and a small convolutional network succeeds (the figures
//! stand in `docs/benchmarks.md`). An image is a pure function of (seed, split, index): the same bytes on every
//! machine and for any number of threads.

mod draw;
mod shapes;
mod write;

pub use shapes::CLASSES;
pub use write::write_synthetic;

use super::{DataError, ImageSet, Split, Splits, stream};
use crate::tensor::random::Random;
use draw::{IMAGE_BYTES, SIDE};
use std::num::NonZeroUsize;
use std::thread;

/// Training images unless asked otherwise.
pub const DEFAULT_TRAIN_COUNT: u32 = 10_000;
/// Test images unless asked otherwise.
pub const DEFAULT_TEST_COUNT: u32 = 2_000;
/// The seed of the set called `synthetic`: of the data, not of the training run.
pub const DEFAULT_SEED: u32 = 0;
/// The most images of one split: 1.5 GB, which a 32-bit host can still allocate.
pub const MAX_COUNT: u32 = 500_000;

/// The files of CIFAR-10's training part, and so the fewest training images: a file of none is not one.
pub(super) const TRAIN_FILE_COUNT: u32 = 5;

/// Draws `train_count` and `test_count` images (`[3, 32, 32]`, ten balanced classes in random order) in memory: the
/// same that [`write_synthetic`] writes for the same seed.
///
/// # Errors
/// [`DataError::Argument`] unless `train_count` is 5 to [`MAX_COUNT`] and `test_count` is 1 to [`MAX_COUNT`];
/// [`DataError::Thread`] when the system gives no threads.
pub fn synthetic(seed: u32, train_count: u32, test_count: u32) -> Result<Splits, DataError> {
    check("training images", train_count, TRAIN_FILE_COUNT)?;
    check("test images", test_count, 1)?;
    Splits::both(|split| match split {
        Split::Train => generate(seed, split, train_count),
        Split::Test => generate(seed, split, test_count),
    })
}

/// One part of the set called `synthetic`.
pub(super) fn default_split(split: Split) -> Result<ImageSet, DataError> {
    match split {
        Split::Train => generate(DEFAULT_SEED, split, DEFAULT_TRAIN_COUNT),
        Split::Test => generate(DEFAULT_SEED, split, DEFAULT_TEST_COUNT),
    }
}

fn check(what: &'static str, count: u32, least: u32) -> Result<(), DataError> {
    if (least..=MAX_COUNT).contains(&count) {
        return Ok(());
    }
    Err(DataError::Argument { what, problem: format!("{count} asked, {least} to {MAX_COUNT} possible") })
}

fn generate(seed: u32, split: Split, count: u32) -> Result<ImageSet, DataError> {
    let split = match split {
        Split::Train => 0,
        Split::Test => 1,
    };
    let mut labels: Vec<u32> = (0..count).map(|index| index % CLASSES.len() as u32).collect();
    Random::new(seed, split, stream::SYNTH_LABELS).shuffle(&mut labels);

    let mut pixels = vec![0u8; count as usize * IMAGE_BYTES];
    let worker_count = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let share = labels.len().div_ceil(worker_count).max(1);
    let started = thread::scope(|scope| {
        let parts = pixels.chunks_mut(share * IMAGE_BYTES).zip(labels.chunks(share)).enumerate();
        for (part, (pixels, labels)) in parts {
            let mut work = move || {
                for (offset, (image, &label)) in pixels.chunks_exact_mut(IMAGE_BYTES).zip(labels).enumerate() {
                    let index = (part * share + offset) as u32;
                    let mut random = Random::new(seed, index, stream::SYNTH_IMAGES.wrapping_add(split));
                    draw::draw(&mut random, label as usize, image);
                }
            };
            // One worker may mean a platform without threads: the caller's will do.
            if worker_count == 1 {
                work();
            } else {
                thread::Builder::new().spawn_scoped(scope, work)?;
            }
        }
        Ok::<(), std::io::Error>(())
    });
    started.map_err(|error| DataError::Thread { what: "drawing", problem: error.to_string() })?;
    let classes = CLASSES.map(str::to_owned).to_vec();
    ImageSet::new("synthetic", [3, SIDE, SIDE], classes, pixels, labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FNV-1a, enough to pin bytes.
    fn hash(bytes: &[u8]) -> u64 {
        bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
    }

    #[test]
    fn bytes_are_pinned_for_a_seed() {
        let splits = synthetic(7, 50, 20).unwrap();
        assert_eq!(
            hash(splits.train.pixels()),
            6_171_861_062_133_523_518,
            "the set has changed: every figure measured on it is void"
        );
        assert_eq!(hash(splits.test.pixels()), 17_119_521_426_401_424_760);
    }

    #[test]
    fn an_image_depends_on_its_seed_split_and_index_only() {
        let small = synthetic(1, 20, 20).unwrap();
        assert_ne!(small.train.pixels(), small.test.pixels());
        assert_ne!(small.train.pixels(), synthetic(2, 20, 20).unwrap().train.pixels());
        assert_eq!(small, synthetic(1, 20, 20).unwrap());
    }

    #[test]
    fn classes_are_balanced_and_shuffled() {
        let train = synthetic(3, 200, 10).unwrap().train;
        for class in 0..10 {
            assert_eq!(train.labels().iter().filter(|&&label| label == class).count(), 20);
        }
        assert_ne!(train.labels()[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn impossible_counts_are_refused() {
        for (train, test) in [(4, 1), (5, 0), (MAX_COUNT + 1, 1), (5, u32::MAX)] {
            let error = synthetic(0, train, test).unwrap_err().to_string();
            assert!(error.contains("asked"), "{error}");
        }
    }
}
