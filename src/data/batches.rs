//! The order of an epoch, and its batches.

use super::{DataError, stream};
use crate::tensor::random::Random;

/// The index of a row that pads the last batch: no image has it. Consumers give such a row no weight.
pub const PAD_INDEX: u32 = u32::MAX;

/// In which order an epoch visits the images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they lie: for evaluation.
    Sequential,
    /// Shuffled by Fisher-Yates, another way each epoch; keyed by (seed, epoch).
    Shuffled {
        /// The run's seed.
        seed: u32,
    },
}

/// What becomes of the images that do not fill a last batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// They are left out of this epoch.
    Drop,
    /// Their batch is filled up with [`PAD_INDEX`].
    Pad,
}

/// How a set is cut into batches. It holds no state: any step of any epoch can be asked for, so a resumed run goes on
/// where it stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batches {
    image_count: u32,
    batch: u32,
    order: Order,
    tail: Tail,
}

impl Batches {
    /// Batches of `batch` images out of `image_count`.
    ///
    /// # Errors
    /// [`DataError::Argument`] when either is zero, when there are 2³² − 1 images or more, or when [`Tail::Drop`]
    /// would drop everything.
    pub fn new(image_count: usize, batch: usize, order: Order, tail: Tail) -> Result<Self, DataError> {
        let fail = |what, problem| Err(DataError::Argument { what, problem });
        let images = match u32::try_from(image_count) {
            Ok(count) if count > 0 && count < PAD_INDEX => count,
            _ => return fail("items", format!("{image_count} given, 1 to {} possible", PAD_INDEX - 1)),
        };
        let batch = match u32::try_from(batch) {
            Ok(batch) if batch > 0 => batch,
            _ => return fail("batch", format!("{batch} items asked, 1 to {} possible", u32::MAX)),
        };
        if tail == Tail::Drop && batch > images {
            return fail("batch", format!("{batch} items asked, but the set holds only {images}"));
        }
        Ok(Self { image_count: images, batch, order, tail })
    }

    /// Images in a batch, padding included.
    pub fn batch(&self) -> usize {
        self.batch as usize
    }

    /// Images in the set.
    pub fn image_count(&self) -> usize {
        self.image_count as usize
    }

    /// Batches in an epoch: at least one.
    pub fn step_count(&self) -> u32 {
        match self.tail {
            Tail::Drop => self.image_count / self.batch,
            Tail::Pad => self.image_count.div_ceil(self.batch),
        }
    }

    /// Works out one epoch's order: 4 bytes an image.
    pub fn epoch(&self, epoch: u32) -> Epoch {
        let mut order: Vec<u32> = (0..self.image_count).collect();
        if let Order::Shuffled { seed } = self.order {
            Random::new(seed, epoch, stream::SHUFFLE).shuffle(&mut order);
        }
        Epoch { order, batch: self.batch as usize, step_count: self.step_count() }
    }
}

/// The batches of one epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    order: Vec<u32>,
    batch: usize,
    step_count: u32,
}

impl Epoch {
    /// The image indices of one step, `[batch]`, padded with [`PAD_INDEX`]; none past the last step.
    pub fn step(&self, step: u32) -> Option<Vec<u32>> {
        if step >= self.step_count {
            return None;
        }
        let mut indices = self.order.chunks(self.batch).nth(step as usize)?.to_vec();
        indices.resize(self.batch, PAD_INDEX);
        Some(indices)
    }

    /// The batches from `step` on.
    pub fn steps_from(&self, step: u32) -> impl Iterator<Item = Vec<u32>> {
        (step..self.step_count).filter_map(|step| self.step(step))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shuffled(images: usize, batch: usize, tail: Tail) -> Batches {
        Batches::new(images, batch, Order::Shuffled { seed: 5 }, tail).unwrap()
    }

    #[test]
    fn an_epoch_visits_each_image_once() {
        let batches = shuffled(10, 4, Tail::Pad);
        assert_eq!(batches.step_count(), 3);
        let mut seen: Vec<u32> = batches.epoch(0).steps_from(0).flatten().collect();
        assert_eq!(seen.len(), 12);
        assert_eq!(seen[10..], [PAD_INDEX; 2]);
        seen.sort_unstable();
        assert_eq!(seen[..10], (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn a_dropped_tail_leaves_whole_batches() {
        let epoch = shuffled(10, 4, Tail::Drop).epoch(0);
        assert_eq!(epoch.steps_from(0).map(|batch| batch.len()).collect::<Vec<_>>(), [4, 4]);
        assert_eq!(epoch.step(2), None);
    }

    #[test]
    fn a_step_depends_on_seed_epoch_and_step_only() {
        let batches = shuffled(100, 8, Tail::Drop);
        assert_eq!(batches.epoch(3).step(7), shuffled(100, 8, Tail::Drop).epoch(3).steps_from(5).nth(2));
        assert_ne!(batches.epoch(3), batches.epoch(4));
        let other = Batches::new(100, 8, Order::Shuffled { seed: 6 }, Tail::Drop).unwrap();
        assert_ne!(batches.epoch(3), other.epoch(3));
    }

    #[test]
    fn the_order_is_pinned() {
        // A checkpoint's resumed run depends on it.
        assert_eq!(shuffled(8, 8, Tail::Drop).epoch(1).step(0).unwrap(), [0, 7, 4, 5, 2, 6, 1, 3]);
    }

    #[test]
    fn sequential_is_as_they_lie() {
        let batches = Batches::new(3, 2, Order::Sequential, Tail::Pad).unwrap();
        assert_eq!(batches.epoch(9).steps_from(0).collect::<Vec<_>>(), [vec![0, 1], vec![2, PAD_INDEX]]);
    }

    #[test]
    fn impossible_arguments_are_refused() {
        for (images, batch, tail, words) in [
            (0, 1, Tail::Pad, "items: 0 given"),
            (PAD_INDEX as usize, 1, Tail::Pad, "items: 4294967295"),
            (5, 0, Tail::Pad, "batch: 0 items asked"),
            (5, 6, Tail::Drop, "batch: 6 items asked, but the set holds only 5"),
        ] {
            let error = Batches::new(images, batch, Order::Sequential, tail).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        assert!(Batches::new(5, 6, Order::Sequential, Tail::Pad).is_ok());
    }
}
