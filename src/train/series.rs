//! Labelled series as a [`Task`].

use std::sync::Arc;

use super::task::{Outcome, Setup, Step, Steps, Task};
use crate::Error;
use crate::data::{Batches, DataError, Order, Position, SeriesSet, Split, Tail};
use crate::graph::GraphError;
use crate::nn::Net;
use crate::nn::models::SeriesClassifier;
use crate::ops::cross_entropy::IGNORED;
use crate::tensor::{HostTensor, TensorType};

/// Learning to tell the classes of series. Each dimension is normalised by mean and deviation; a batch is as long as the
/// longest series of all, and says how long each of its own is.
#[derive(Clone, Debug)]
pub struct SeriesTask {
    model: SeriesClassifier,
    train: Arc<SeriesSet>,
    test: Arc<SeriesSet>,
    mean: Vec<f32>,
    deviation: Vec<f32>,
    steps: usize,
}

impl SeriesTask {
    /// `model` is to learn from `train` and to be judged by `test`, their dimensions normalised by `mean` and `deviation`.
    ///
    /// # Errors
    /// [`DataError::Set`] when the two have other dimensions or classes.
    pub fn new(
        model: SeriesClassifier,
        train: Arc<SeriesSet>,
        test: Arc<SeriesSet>,
        (mean, deviation): (Vec<f32>, Vec<f32>),
    ) -> Result<Self, DataError> {
        let interface = |set: &SeriesSet| (set.dimensions, set.classes.clone());
        if interface(&train) != interface(&test) || mean.len() != train.dimensions {
            let problem = "its parts differ in their dimensions or classes".to_owned();
            return Err(DataError::Set { name: train.name.clone(), problem });
        }
        let steps = train.longest().max(test.longest());
        Ok(Self { model, train, test, mean, deviation, steps })
    }

    fn set(&self, split: Split) -> &Arc<SeriesSet> {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        }
    }

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

impl Task for SeriesTask {
    fn unit(&self) -> &'static str {
        "sequences"
    }

    fn build(&self, net: &mut Net<'_>, setup: &Setup<'_>, _: u32) -> Result<Outcome, GraphError> {
        let batch = self.batch(setup);
        let graph = net.graph();
        let series = graph.input("series", TensorType::f32([self.steps, batch, self.train.dimensions]));
        let lengths = graph.input("lengths", TensorType::u32([batch]));
        let labels = graph.input("labels", TensorType::u32([batch]));
        let logits = self.model.build(net, series, lengths)?;
        let smoothing = match setup.split {
            Split::Train => setup.options.hyper.label_smoothing,
            Split::Test => 0.0,
        };
        Outcome::of_classes(net.graph(), logits, labels, smoothing)
    }

    fn step_count(&self, setup: &Setup<'_>) -> Result<u32, Error> {
        Ok(self.batches(setup)?.step_count())
    }

    fn steps(&self, setup: &Setup<'_>, from: Position) -> Result<Steps, Error> {
        let batches = self.batches(setup)?;
        let epochs = match setup.split {
            Split::Train => setup.options.epochs,
            Split::Test => 1,
        };
        let (task, split) = (self.clone(), setup.split);
        let made = (from.epoch..epochs).flat_map(move |epoch| {
            let first = if epoch == from.epoch { from.step } else { 0 };
            batches.epoch(epoch).steps_from(first).collect::<Vec<_>>()
        });
        Ok(Box::new(made.map(move |indices| Ok(task.step(split, &indices)))))
    }
}

impl SeriesTask {
    /// The inputs of a batch; an index past the end pads it.
    fn step(&self, split: Split, indices: &[u32]) -> Step {
        let set = self.set(split);
        let (batch, dimensions) = (indices.len(), set.dimensions);
        let mut series = vec![0.0; self.steps * batch * dimensions];
        let (mut lengths, mut labels) = (vec![0; batch], vec![IGNORED; batch]);
        for (row, &index) in indices.iter().enumerate() {
            let Some(values) = set.series.get(index as usize) else { continue };
            labels[row] = set.labels[index as usize];
            lengths[row] = (values.len() / dimensions) as u32;
            for (t, values) in values.chunks_exact(dimensions).enumerate() {
                let to = &mut series[(t * batch + row) * dimensions..][..dimensions];
                for (d, (to, value)) in to.iter_mut().zip(values).enumerate() {
                    *to = (value - self.mean[d]) / self.deviation[d];
                }
            }
        }
        // All have as many elements as their shapes say.
        let mut inputs = Vec::new();
        inputs.extend(HostTensor::f32([self.steps, batch, dimensions], series).map(|value| ("series", value)));
        inputs.extend(HostTensor::u32([batch], lengths).map(|value| ("lengths", value)));
        inputs.extend(HostTensor::u32([batch], labels).map(|value| ("labels", value)));
        Step { program: 0, inputs }
    }
}
