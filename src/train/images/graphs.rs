//! The graphs of an image classifier: forward pass, training step, scoring.

use super::super::graphs::{Hyperparameters, TrainingGraph, evaluation_pass, training_step};
use super::super::task::Outcome;
use crate::data::ChannelStats;
use crate::graph::{Graph, GraphError, NodeId};
use crate::nn::{Layer, Mode, Net, Sequential};
use crate::ops::image_batch::Augmentation;
use crate::tensor::{HostTensor, TensorType};

/// A network and the images it is for.
#[derive(Debug)]
pub struct ImageModel {
    /// The layers: f32 `[N, C, H, W]` → logits `[N, classes]`.
    pub layers: Sequential,
    /// `[C, H, W]`.
    pub shape: [usize; 3],
    /// The number of classes.
    pub classes: usize,
    /// Each channel's mean and deviation, of pixels in [0, 1].
    pub stats: ChannelStats,
}

/// Where a graph's images come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Images {
    /// Inputs `images` f32 `[batch, C, H, W]`, as the host made them, and `labels` u32 `[batch]`.
    Tensors,
    /// Inputs `pixels` u32 `[batch, words]`, packed bytes, and `labels` u32 `[batch]`.
    Packed,
    /// Inputs `pixels` u32 `[count, words]` and `labels` u32 `[count]`, a whole set that stays on the device, and
    /// `indices` u32 `[batch]`.
    Resident {
        /// Images in the set.
        count: usize,
    },
}

/// Forward, backward, optimiser and metrics of one step on `hyper.batch` images.
///
/// # Errors
/// When the images do not fit the model.
pub fn training_graph(
    model: &ImageModel,
    images: Images,
    hyper: &Hyperparameters,
) -> Result<TrainingGraph, GraphError> {
    training_step(hyper, |net| forward(net, model, images, hyper.batch, hyper.label_smoothing, hyper.augmentation))
}

/// Images evaluated: the metrics of a batch, accumulated, and its logits.
///
/// # Errors
/// When the images do not fit the model.
pub fn evaluation_graph(model: &ImageModel, images: Images, batch: usize) -> Result<(Graph, NodeId), GraphError> {
    evaluation_pass(|net| forward(net, model, images, batch, 0.0, Augmentation::default()))
}

/// The forward pass and its sums. Images labelled [`crate::ops::cross_entropy::IGNORED`], or indexed past the end, do not count. In evaluation
/// nothing is smoothed or varied.
pub(super) fn forward(
    net: &mut Net<'_>,
    model: &ImageModel,
    images: Images,
    batch: usize,
    smoothing: f32,
    augmentation: Augmentation,
) -> Result<Outcome, GraphError> {
    let (smoothing, augmentation) = match net.mode() {
        Mode::Train => (smoothing, augmentation),
        Mode::Eval => (0.0, Augmentation::default()),
    };
    let clock = net.clock();
    let (x, labels) = inputs(net.graph(), model, images, batch, clock, augmentation)?;
    let logits = model.layers.build(net, x)?;
    Outcome::of_classes(net.graph(), logits, labels, smoothing)
}

/// Input `images` f32 `[batch, C, H, W]`, normalised → the scores, f32 `[batch, classes]`, each row a probability
/// distribution.
///
/// # Errors
/// When the images do not fit the model.
pub fn scoring_graph(model: &ImageModel, batch: usize) -> Result<(Graph, NodeId), GraphError> {
    let mut graph = Graph::new();
    let [c, h, w] = model.shape;
    let x = graph.input("images", TensorType::f32([batch, c, h, w]));
    let logits = model.layers.build(&mut Net::eval(&mut graph), x)?;
    let scores = graph.softmax(logits, 1)?;
    Ok((graph, scores))
}

fn inputs(
    graph: &mut Graph,
    model: &ImageModel,
    images: Images,
    batch: usize,
    clock: Option<NodeId>,
    augmentation: Augmentation,
) -> Result<(NodeId, NodeId), GraphError> {
    let [c, h, w] = model.shape;
    let words = crate::data::row_words(c * h * w);
    let (pixels, indices, labels) = match images {
        Images::Tensors => {
            let x = graph.input("images", TensorType::f32([batch, c, h, w]));
            return Ok((x, graph.input("labels", TensorType::u32([batch]))));
        }
        Images::Packed => {
            let pixels = graph.input("pixels", TensorType::u32([batch, words]));
            let indices = numbers(graph, (0..batch as u32).collect())?;
            (pixels, indices, graph.input("labels", TensorType::u32([batch])))
        }
        Images::Resident { count } => {
            let pixels = graph.input("pixels", TensorType::u32([count, words]));
            let all = graph.input("labels", TensorType::u32([count]));
            let indices = graph.input("indices", TensorType::u32([batch]));
            let labels = graph.gather(all, indices)?;
            (pixels, indices, labels)
        }
    };
    // Where nothing is random, any clock will do.
    let clock = match clock {
        Some(clock) => clock,
        None => numbers(graph, vec![0, 0])?,
    };
    let stats = &model.stats;
    let x = graph.image_batch(pixels, indices, clock, model.shape, &stats.mean, &stats.std, augmentation)?;
    Ok((x, labels))
}

/// A constant u32 vector.
fn numbers(graph: &mut Graph, values: Vec<u32>) -> Result<NodeId, GraphError> {
    let vector = HostTensor::u32([values.len()], values);
    let vector = vector.ok_or_else(|| graph.error("constant", &[], "a vector of another length"))?;
    Ok(graph.constant(vector))
}
