//! What batching by depth is worth: a batch of random trees level by level, and one node at a time.

use std::time::Instant;

use super::spread::Spread;
use crate::Error;
use crate::autodiff::gradients;
use crate::data::trees::{Forest, Order, Room, Tree, Vocabulary, parse_trees};
use crate::data::{Position, Split};
use crate::gpu::Device;
use crate::graph::{Graph, Init};
use crate::nn::PARAMETERS;
use crate::nn::models::TreeNet;
use crate::ops::tree::Cell;
use crate::optim::{Adam, Optimizer};
use crate::plan::{Plan, PlanOptions, Session, Variables};
use crate::tensor::TensorType;
use crate::tensor::random::Random;
use crate::train::{Hyperparameters, Setup, Task, TrainerOptions, TreeTask, training_step};

/// Children of a node, and classes.
const ARITY: usize = 2;
const CLASSES: u32 = 5;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeSettings {
    /// The cell.
    pub cell: Cell,
    /// Elements of a state, and of a word vector.
    pub hidden: usize,
    /// Trees at a time.
    pub batch: usize,
    /// Measurements.
    pub rounds: usize,
}

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The recursive cells, forward and backward, their weights' gradients included.
    Cells,
    /// A whole training step: words, cells, classifier, all gradients, AdamW.
    Step,
}

/// How fast a batch went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TreeRow {
    /// What was timed.
    pub extent: Extent,
    /// By height, or one by one.
    pub order: Order,
    /// Seconds.
    pub seconds: Spread,
    /// Dispatches that had something to do.
    pub dispatches: usize,
}

/// A measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeReport {
    /// Nodes of the batch.
    pub nodes: usize,
    /// Levels of inner nodes.
    pub levels: usize,
    /// The same work, in both orders.
    pub rows: Vec<TreeRow>,
}

/// A tree over so many words, split at random: with 19 words, the mean of the Stanford Sentiment Treebank, about as deep
/// as that one's trees.
fn random_tree(random: &mut Random, words: u32) -> String {
    let label = random.below(CLASSES);
    if words == 1 {
        return format!("({label} w{})", random.below(1000));
    }
    let left = 1 + random.below(words - 1);
    let (left, right) = (random_tree(random, left), random_tree(random, words - left));
    format!("({label} {left} {right})")
}

/// Random trees of 5 to 33 words.
fn random_trees(seed: u32, count: usize) -> Result<Vec<Tree>, Error> {
    let mut random = Random::new(seed, 0, 0);
    let text: Vec<String> = (0..count)
        .map(|_| {
            let words = 5 + random.below(29);
            random_tree(&mut random, words)
        })
        .collect();
    Ok(parse_trees(&text.join("\n"), std::path::Path::new("random trees"), CLASSES)?)
}

/// Measures both orders over the same batch. One by one, every inner node is a level of its own; leaves, which wait for
/// nothing, are still taken together, as is all that stands outside of the cells: so the true price of one node at a
/// time is higher.
///
/// # Errors
/// When the batch does not fit the device, or the device was lost.
pub fn measure(device: &Device, settings: &TreeSettings) -> Result<TreeReport, Error> {
    let trees = random_trees(1, settings.batch)?;
    let vocabulary = Vocabulary::of_trees(&trees, 1);
    let all: Vec<&Tree> = trees.iter().collect();
    let mut report = TreeReport { nodes: 0, levels: 0, rows: Vec::new() };
    for extent in [Extent::Cells, Extent::Step] {
        for order in [Order::Heights, Order::OneByOne] {
            let session = match extent {
                Extent::Cells => cells(device, settings, &all, &vocabulary, order)?,
                Extent::Step => step(device, settings, &trees, &vocabulary, order)?,
            };
            session.submit();
            device.wait()?;
            let mut samples = Vec::with_capacity(settings.rounds);
            for _ in 0..settings.rounds.max(1) {
                let start = Instant::now();
                session.submit();
                device.wait()?;
                samples.push(start.elapsed().as_secs_f64());
            }
            let (seconds, dispatches) = (Spread::of(&samples), session.playback().busy_count());
            report.rows.push(TreeRow { extent, order, seconds, dispatches });
        }
    }
    let room = Room::for_trees(trees.iter(), Order::Heights);
    (report.nodes, report.levels) = (trees.iter().map(|tree| tree.nodes().len()).sum(), room.levels);
    Ok(report)
}

/// The cells alone, forward and backward, over leaves that are given.
fn cells(
    device: &Device,
    settings: &TreeSettings,
    trees: &[&Tree],
    vocabulary: &Vocabulary,
    order: Order,
) -> Result<Session, Error> {
    let room = Room { arity: ARITY, ..Room::for_trees(trees.iter().copied(), order) };
    let forest = Forest::new(trees, vocabulary, &room, order)?;
    let shapes = settings.cell.shapes(settings.hidden, ARITY);
    let mut graph = Graph::new();
    let children = graph.input("children", TensorType::u32([room.inner, ARITY]));
    let levels = graph.input("levels", TensorType::u32([1 + room.levels, 2]));
    let mut variable =
        |name: &str, shape: &[usize]| graph.variable(PARAMETERS, name, TensorType::f32(shape), Init::Normal(0.1));
    let leaves = variable("leaves", &[room.leaves, shapes.leaf]);
    let (weight, bias) = (variable("weight", &shapes.weight), variable("bias", &[shapes.bias]));
    let hidden = graph.tree(settings.cell, leaves, weight, bias, children, levels)?;
    let loss = graph.sum(hidden, &[0, 1], false)?;
    let found = gradients(&mut graph, loss, &[leaves, weight, bias])?;
    let outputs: Vec<_> = ["leaves", "weight", "bias"].into_iter().zip(found.into_iter().flatten()).collect();
    let plan = Plan::new(&graph, &outputs, device.caps(), &PlanOptions::default())?;
    let session = Session::new(device, plan, &Variables::new(device, &graph, 0)?)?;
    session.write_u32("children", &forest.children)?;
    session.write_u32("levels", &forest.levels)?;
    Ok(session)
}

/// A training step.
fn step(
    device: &Device,
    settings: &TreeSettings,
    trees: &[Tree],
    vocabulary: &Vocabulary,
    order: Order,
) -> Result<Session, Error> {
    let &TreeSettings { cell, hidden, batch, .. } = settings;
    let net = TreeNet {
        cell,
        arity: ARITY,
        vocabulary: vocabulary.size(),
        embedding: hidden,
        hidden,
        classes: CLASSES as usize,
        dropout: 0.0,
    };
    let task = TreeTask::new(net, vocabulary.clone(), trees.to_vec(), trees.to_vec())?.order(order);
    let optimizer = Optimizer::Adam(Adam::decoupled(0.01));
    let hyper = Hyperparameters { batch, optimizer, ..Hyperparameters::default() };
    let options = TrainerOptions { hyper, epochs: 1, ..TrainerOptions::default() };
    let setup = Setup { split: Split::Train, batch, caps: device.caps(), options: &options };
    let built = training_step(&options.hyper, |net| task.build(net, &setup, 0))?;
    let plan = Plan::new(&built.graph, &[("loss", built.loss)], device.caps(), &PlanOptions::default())?;
    let session = Session::new(device, plan, &Variables::new(device, &built.graph, 0)?)?;
    session.write_f32("rates", &optimizer.rates(1e-3, 0))?;
    for step in task.steps(&setup, Position::default())?.take(1) {
        for (name, value) in step?.inputs {
            session.write(name, &value)?;
        }
    }
    Ok(session)
}
