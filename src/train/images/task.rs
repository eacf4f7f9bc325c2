//! Images as a [`Task`]: kept on the device, or sent batch by batch.

use std::sync::Arc;

use super::super::task::{Outcome, Setup, Step, Steps, Task};
use super::graphs::{ImageModel, Images, forward};
use crate::Error;
use crate::data::{
    Batch, Batches, Feed, ImageSet, Loader, Order, Position, Split, Splits, Tail, packed_words, row_words,
};
use crate::graph::GraphError;
use crate::nn::Net;
use crate::tensor::HostTensor;

/// Learning to tell the classes of images.
#[derive(Debug)]
pub struct ImageTask {
    model: Arc<ImageModel>,
    train: Arc<ImageSet>,
    test: Arc<ImageSet>,
}

/// Batches made ahead of the one in use.
const PREFETCH: usize = 4;

impl ImageTask {
    /// `model` is to learn from `data`.
    pub fn new(model: impl Into<Arc<ImageModel>>, data: Splits) -> Self {
        Self { model: model.into(), train: Arc::new(data.train), test: Arc::new(data.test) }
    }

    /// `model` is to be judged by `test` alone.
    pub fn to_test(model: impl Into<Arc<ImageModel>>, test: Arc<ImageSet>) -> Self {
        Self { model: model.into(), train: Arc::clone(&test), test }
    }

    fn set(&self, split: Split) -> &Arc<ImageSet> {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        }
    }

    /// How the images reach the device: once and for all where they fit the budget and one binding.
    fn images(&self, setup: &Setup<'_>) -> Images {
        let set = self.set(setup.split);
        let bytes = set.len() as u64 * row_words(set.image_bytes()) as u64 * 4;
        if bytes <= setup.options.resident_bytes.min(setup.caps.binding_bytes) {
            Images::Resident { count: set.len() }
        } else {
            Images::Packed
        }
    }

    /// Images at a time: a short test set makes a short batch.
    fn batch(&self, setup: &Setup<'_>) -> usize {
        match setup.split {
            Split::Train => setup.batch,
            Split::Test => setup.batch.min(self.test.len()),
        }
    }

    fn batches(&self, setup: &Setup<'_>) -> Result<Batches, Error> {
        let (order, tail) = match setup.split {
            Split::Train => (Order::Shuffled { seed: setup.options.seed }, Tail::Drop),
            Split::Test => (Order::Sequential, Tail::Pad),
        };
        Ok(Batches::new(self.set(setup.split).len(), self.batch(setup), order, tail)?)
    }
}

impl Task for ImageTask {
    fn unit(&self) -> &'static str {
        "images"
    }

    fn build(&self, net: &mut Net<'_>, setup: &Setup<'_>, _: u32) -> Result<Outcome, GraphError> {
        let hyper = &setup.options.hyper;
        let (images, batch) = (self.images(setup), self.batch(setup));
        forward(net, &self.model, images, batch, hyper.label_smoothing, hyper.augmentation)
    }

    fn resident(&self, setup: &Setup<'_>) -> Vec<(&'static str, HostTensor)> {
        let Images::Resident { count } = self.images(setup) else { return Vec::new() };
        let set = self.set(setup.split);
        let words = row_words(set.image_bytes());
        let pixels = HostTensor::u32([count, words], packed_words(set)).map(|pixels| ("pixels", pixels));
        let labels = HostTensor::u32([count], set.labels().to_vec()).map(|labels| ("labels", labels));
        pixels.into_iter().chain(labels).collect()
    }

    fn step_count(&self, setup: &Setup<'_>) -> Result<u32, Error> {
        Ok(self.batches(setup)?.step_count())
    }

    fn steps(&self, setup: &Setup<'_>, from: Position) -> Result<Steps, Error> {
        let (images, batches) = (self.images(setup), self.batches(setup)?);
        let feed = match images {
            Images::Resident { .. } => Feed::Indices,
            Images::Packed | Images::Tensors => Feed::Pixels,
        };
        let (epochs, ahead) = match setup.split {
            Split::Train if cfg!(not(target_arch = "wasm32")) => (setup.options.epochs, PREFETCH),
            Split::Train => (setup.options.epochs, 0),
            Split::Test => (1, 0),
        };
        let loader = Loader::start(Arc::clone(self.set(setup.split)), batches, from, epochs, feed, ahead)?;
        Ok(Box::new(loader.map(move |batch| Ok(step(batch?, images)))))
    }
}

/// The inputs of a batch: indices alone of a resident set.
fn step(batch: Batch, images: Images) -> Step {
    let rows = batch.indices.len();
    let inputs = match images {
        Images::Resident { .. } => vec![("indices", HostTensor::u32([rows], batch.indices))],
        Images::Packed | Images::Tensors => {
            let words = batch.words.len() / rows;
            vec![
                ("pixels", HostTensor::u32([rows, words], batch.words)),
                ("labels", HostTensor::u32([rows], batch.labels)),
            ]
        }
    };
    // A loader's batches are whole.
    let inputs = inputs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    Step { program: 0, inputs }
}
