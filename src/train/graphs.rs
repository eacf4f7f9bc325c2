//! The graphs of any task: a training step and an evaluation around its forward pass.

use super::metrics::accumulate;
use super::task::Outcome;
use crate::autodiff::{gradients, gradients_from};
use crate::graph::{BankId, Graph, GraphError, Kind, NodeId};
use crate::nn::{Net, PARAMETERS};
use crate::ops::image_batch::Augmentation;
use crate::optim::{LossScale, Optimizer, RATES, Sgd};
use crate::tensor::TensorType;

/// What shapes a training step beside the model.
#[derive(Clone, Debug)]
pub struct Hyperparameters {
    /// Examples a step.
    pub batch: usize,
    /// The update rule.
    pub optimizer: Optimizer,
    /// The largest norm of all gradients together.
    pub clip_norm: Option<f32>,
    /// What the loss is scaled by: wanted where gradients pass through f16.
    pub loss_scale: Option<LossScale>,
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
            loss_scale: None,
            label_smoothing: 0.0,
            augmentation: Augmentation::default(),
        }
    }
}

/// A training step as a graph.
#[derive(Debug)]
pub struct TrainingGraph {
    /// The graph. Inputs: those of the task, `clock` u32 `[2]` (seed, step) and `rates` (see [`Optimizer`]).
    pub graph: Graph,
    /// The mean loss, f32 `[]`.
    pub loss: NodeId,
    /// The logits, f32 `[rows, classes]`.
    pub logits: NodeId,
}

/// Forward, backward, optimiser and metrics of one step, around the forward pass that `build` adds.
///
/// # Errors
/// What `build` returns; when an op of it has no gradient.
pub fn training_step(
    hyper: &Hyperparameters,
    build: impl FnOnce(&mut Net<'_>) -> Result<Outcome, GraphError>,
) -> Result<TrainingGraph, GraphError> {
    let mut graph = Graph::new();
    let clock = graph.input("clock", TensorType::u32([2]));
    let Outcome { loss: sum, correct, count, logits } = build(&mut Net::train(&mut graph, clock))?;
    let loss = graph.div(sum, count)?;
    accumulate(&mut graph, [sum, correct, count])?;
    let parameters = Net::variables_of(&graph, PARAMETERS);
    let scaled = hyper.loss_scale.map(|scale| scale.begin(&mut graph)).transpose()?;
    let found = match &scaled {
        Some(scaled) => gradients_from(&mut graph, loss, scaled.scale, &parameters)?,
        None => gradients(&mut graph, loss, &parameters)?,
    };
    let packed = pack_gradients(&mut graph, &parameters, &found)?;
    let rates = graph.input("rates", TensorType::f32([RATES]));
    let all: Vec<NodeId> = packed.iter().map(|(_, node)| *node).collect();
    let factor = match (scaled, hyper.clip_norm) {
        (Some(scaled), clip_norm) => Some(scaled.factor(&mut graph, &all, clip_norm)?),
        (None, Some(norm)) => Some(graph.clip_factor(&all, norm)?),
        (None, None) => None,
    };
    hyper.optimizer.build(&mut graph, &packed, rates, factor)?;
    Ok(TrainingGraph { graph, loss, logits })
}

/// The metrics of one batch, in evaluation mode, around the forward pass that `build` adds; and its logits.
///
/// # Errors
/// What `build` returns.
pub fn evaluation_pass(
    build: impl FnOnce(&mut Net<'_>) -> Result<Outcome, GraphError>,
) -> Result<(Graph, NodeId), GraphError> {
    let mut graph = Graph::new();
    let Outcome { loss, correct, count, logits } = build(&mut Net::eval(&mut graph))?;
    accumulate(&mut graph, [loss, correct, count])?;
    Ok((graph, logits))
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
