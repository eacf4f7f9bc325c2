//! The graphs of an image classifier: training, evaluation, scoring.

use super::metrics::accumulate;
use crate::autodiff::gradients;
use crate::data::ChannelStats;
use crate::graph::{BankId, Graph, GraphError, Kind, NodeId};
use crate::nn::{Layer, Net, PARAMETERS, Sequential};
use crate::ops::cross_entropy::IGNORED;
use crate::ops::image_batch::Augmentation;
use crate::optim::{Optimizer, RATES, Sgd};
use crate::tensor::TensorType;

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

/// What shapes a training step beside the model.
#[derive(Clone, Debug)]
pub struct Hyperparameters {
    /// Images a step.
    pub batch: usize,
    /// The update rule.
    pub optimizer: Optimizer,
    /// The largest norm of all gradients together.
    pub clip_norm: Option<f32>,
    /// The share of each label spread over all classes.
    pub label_smoothing: f32,
    /// What is done to images at random; for packed and resident images.
    pub augmentation: Augmentation,
}

impl Default for Hyperparameters {
    /// Batches of 64, gradient descent with Nesterov momentum 0.9 and weight decay 5e-4, images as they are.
    fn default() -> Self {
        Self {
            batch: 64,
            optimizer: Optimizer::Sgd(Sgd { momentum: 0.9, nesterov: true, weight_decay: 5e-4 }),
            clip_norm: None,
            label_smoothing: 0.0,
            augmentation: Augmentation::default(),
        }
    }
}

/// A training step as a graph.
#[derive(Debug)]
pub struct TrainingGraph {
    /// The graph. Inputs: those of [`Images`], `clock` u32 `[2]` (seed, step) and `rates` (see [`Optimizer`]).
    pub graph: Graph,
    /// The mean loss, f32 `[]`.
    pub loss: NodeId,
    /// The logits, f32 `[batch, classes]`.
    pub logits: NodeId,
}

/// Forward, backward, optimiser and metrics of one step.
///
/// # Errors
/// When the images do not fit the model.
pub fn training_graph(
    model: &ImageModel,
    images: Images,
    hyper: &Hyperparameters,
) -> Result<TrainingGraph, GraphError> {
    let mut graph = Graph::new();
    let clock = graph.input("clock", TensorType::u32([2]));
    let (x, labels) = inputs(&mut graph, model, images, hyper.batch, clock, hyper.augmentation)?;
    let logits = model.layers.build(&mut Net::train(&mut graph, clock), x)?;
    let rows = graph.cross_entropy_rows(logits, labels, hyper.label_smoothing, IGNORED)?;
    let sum = graph.sum(rows, &[0], false)?;
    let count = graph.count_labels(labels, IGNORED)?;
    let loss = graph.div(sum, count)?;
    let correct = graph.correct(logits, labels)?;
    accumulate(&mut graph, [sum, correct, count])?;
    let parameters = Net::variables_of(&graph, PARAMETERS);
    let found = gradients(&mut graph, loss, &parameters)?;
    let packed = pack_gradients(&mut graph, &parameters, &found)?;
    let rates = graph.input("rates", TensorType::f32([RATES]));
    let factor = match hyper.clip_norm {
        Some(norm) => Some(graph.clip_factor(&packed.iter().map(|(_, node)| *node).collect::<Vec<_>>(), norm)?),
        None => None,
    };
    hyper.optimizer.build(&mut graph, &packed, rates, factor)?;
    Ok(TrainingGraph { graph, loss, logits })
}

/// Metrics of one batch, in evaluation mode, and its logits, f32 `[batch, classes]`. Images labelled [`IGNORED`], or
/// indexed past the end, do not count.
///
/// # Errors
/// When the images do not fit the model.
pub fn evaluation_graph(model: &ImageModel, images: Images, batch: usize) -> Result<(Graph, NodeId), GraphError> {
    let mut graph = Graph::new();
    let clock = graph.input("clock", TensorType::u32([2]));
    let (x, labels) = inputs(&mut graph, model, images, batch, clock, Augmentation::default())?;
    let logits = model.layers.build(&mut Net::eval(&mut graph), x)?;
    let rows = graph.cross_entropy_rows(logits, labels, 0.0, IGNORED)?;
    let sum = graph.sum(rows, &[0], false)?;
    let count = graph.count_labels(labels, IGNORED)?;
    let correct = graph.correct(logits, labels)?;
    accumulate(&mut graph, [sum, correct, count])?;
    Ok((graph, logits))
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

/// Lays the gradients out as their parameters lie in their banks, so that one kernel updates a whole bank. The planner
/// has most of them computed in place.
fn pack_gradients(
    graph: &mut Graph,
    parameters: &[NodeId],
    gradients: &[Option<NodeId>],
) -> Result<Vec<(BankId, NodeId)>, GraphError> {
    let mut packed = Vec::new();
    for bank in graph.banks_named(PARAMETERS) {
        let (mut inputs, mut offsets) = (Vec::new(), Vec::new());
        for (&parameter, &gradient) in parameters.iter().zip(gradients) {
            let Kind::Variable(id) = graph.node(parameter).kind else { continue };
            let variable = &graph.variables()[id.0 as usize];
            if let (true, Some(gradient)) = (variable.bank == bank, gradient) {
                inputs.push(gradient);
                offsets.push(variable.offset);
            }
        }
        let len = graph.banks()[bank.0 as usize].len;
        packed.push((bank, graph.pack(&inputs, &offsets, len)?));
    }
    Ok(packed)
}

fn inputs(
    graph: &mut Graph,
    model: &ImageModel,
    images: Images,
    batch: usize,
    clock: NodeId,
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
            let numbers = crate::tensor::HostTensor::u32([batch], (0..batch as u32).collect());
            let numbers = numbers.ok_or_else(|| graph.error("indices", &[pixels], "a batch too large to number"))?;
            (pixels, graph.constant(numbers), graph.input("labels", TensorType::u32([batch])))
        }
        Images::Resident { count } => {
            let pixels = graph.input("pixels", TensorType::u32([count, words]));
            let all = graph.input("labels", TensorType::u32([count]));
            let indices = graph.input("indices", TensorType::u32([batch]));
            let labels = graph.gather(all, indices)?;
            (pixels, indices, labels)
        }
    };
    let stats = &model.stats;
    let x = graph.image_batch(pixels, indices, clock, model.shape, &stats.mean, &stats.std, augmentation)?;
    Ok((x, labels))
}
