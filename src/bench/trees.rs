//! What batching by depth is worth: a batch of random trees level by level, and one node at a time.

use std::time::Instant;

use super::peak::Roofline;
use super::profile::Profile;
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
use crate::tensor::random::Random;
use crate::tensor::{HostTensor, TensorType};
use crate::train::{Hyperparameters, Setup, Task, TrainerOptions, TreeTask, training_step};

/// Children of a node, and classes.
const ARITY: usize = 2;
const CLASSES: u32 = 5;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TreeSettings {
    /// The cell.
    pub cell: Cell,
    /// Elements of a state, and of a word vector.
    pub hidden: usize,
    /// Trees at a time.
    pub batch: usize,
    /// Measurements.
    pub rounds: usize,
    /// The roofline that each dispatch is to be held against, if profiles are wanted; needs a device with timestamps.
    pub profile: Option<Roofline>,
}

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The recursive cells, forward and backward, their weights' gradients included.
    Cells,
    /// A whole training step: words, cells, classifier, all gradients, AdamW.
    Step,
}

/// How a batch is gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Level by level over all trees: one run.
    Levels,
    /// Every inner node a level of its own, but all trees in one run. Leaves, which wait for nothing, are still taken
    /// together, as is all that stands outside of the cells.
    OneByOne,
    /// The same, tree by tree: a run each, so that nothing is batched.
    TreeByTree,
}

/// How fast a batch went.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeRow {
    /// What was timed.
    pub extent: Extent,
    /// How.
    pub way: Way,
    /// Seconds.
    pub seconds: Spread,
    /// Dispatches that had something to do; tree by tree, for the last tree.
    pub dispatches: usize,
    /// Where the time of the last run goes, if that was wanted.
    pub profile: Option<Profile>,
}

/// A measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeReport {
    /// Nodes of the batch.
    pub nodes: usize,
    /// Levels of inner nodes.
    pub levels: usize,
    /// The same work, in all ways.
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

/// Measures all ways over the same batch.
///
/// # Errors
/// When the batch does not fit the device, or the device was lost.
pub fn measure(device: &Device, settings: &TreeSettings) -> Result<TreeReport, Error> {
    let trees = random_trees(1, settings.batch)?;
    let vocabulary = Vocabulary::of_trees(&trees, 1);
    let mut report = TreeReport { nodes: 0, levels: 0, rows: Vec::new() };
    for extent in [Extent::Cells, Extent::Step] {
        for way in [Way::Levels, Way::OneByOne, Way::TreeByTree] {
            let (session, runs) = match extent {
                Extent::Cells => cells(device, settings, &trees, &vocabulary, way)?,
                Extent::Step => step(device, settings, &trees, &vocabulary, way)?,
            };
            let play = || {
                for inputs in &runs {
                    inputs.iter().try_for_each(|(name, value)| session.write(name, value))?;
                    session.submit();
                }
                Ok::<_, Error>(device.wait()?)
            };
            play()?;
            let mut samples = Vec::with_capacity(settings.rounds);
            for _ in 0..settings.rounds.max(1) {
                let start = Instant::now();
                play()?;
                samples.push(start.elapsed().as_secs_f64());
            }
            let (seconds, dispatches) = (Spread::of(&samples), session.playback().busy_count());
            let profile = settings.profile.map(|roof| Profile::measure(device, &session, roof, 3)).transpose()?;
            report.rows.push(TreeRow { extent, way, seconds, dispatches, profile });
        }
    }
    let room = Room::for_trees(trees.iter(), Order::Heights);
    (report.nodes, report.levels) = (trees.iter().map(|tree| tree.nodes().len()).sum(), room.levels);
    Ok(report)
}

/// Inputs of runs, one after another.
type Runs = Vec<Vec<(&'static str, HostTensor)>>;

impl Way {
    fn order(self) -> Order {
        if self == Self::Levels { Order::Heights } else { Order::OneByOne }
    }

    /// Trees of a run, of so many.
    fn batch(self, trees: usize) -> usize {
        if self == Self::TreeByTree { 1 } else { trees }
    }
}

/// The cells alone, forward and backward, over leaves that are given.
fn cells(
    device: &Device,
    settings: &TreeSettings,
    trees: &[Tree],
    vocabulary: &Vocabulary,
    way: Way,
) -> Result<(Session, Runs), Error> {
    let batches: Vec<Vec<&Tree>> = trees.chunks(way.batch(trees.len())).map(|trees| trees.iter().collect()).collect();
    let rooms = batches.iter().map(|trees| Room::for_trees(trees.iter().copied(), way.order()));
    let larger = |a: Room, b: Room| Room {
        leaves: a.leaves.max(b.leaves),
        inner: a.inner.max(b.inner),
        levels: a.levels.max(b.levels),
        arity: ARITY,
    };
    let room = rooms.fold(Room { leaves: 1, inner: 1, levels: 1, arity: ARITY }, larger);
    let runs = batches.iter().map(|trees| {
        let forest = Forest::new(trees, vocabulary, &room, way.order())?;
        let children = HostTensor::u32([room.inner, ARITY], forest.children).map(|table| ("children", table));
        let levels = HostTensor::u32([1 + room.levels, 2], forest.levels).map(|table| ("levels", table));
        Ok(children.into_iter().chain(levels).collect())
    });
    let runs = runs.collect::<Result<Runs, Error>>()?;
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
    Ok((session, runs))
}

/// A training step.
fn step(
    device: &Device,
    settings: &TreeSettings,
    trees: &[Tree],
    vocabulary: &Vocabulary,
    way: Way,
) -> Result<(Session, Runs), Error> {
    let &TreeSettings { cell, hidden, .. } = settings;
    let batch = way.batch(trees.len());
    let net = TreeNet {
        cell,
        arity: ARITY,
        vocabulary: vocabulary.size(),
        embedding: hidden,
        hidden,
        classes: CLASSES as usize,
        dropout: 0.0,
    };
    let task = TreeTask::new(net, vocabulary.clone(), trees.to_vec(), trees.to_vec())?.order(way.order());
    let optimizer = Optimizer::Adam(Adam::decoupled(0.01));
    let hyper = Hyperparameters { batch, optimizer, ..Hyperparameters::default() };
    let options = TrainerOptions { hyper, epochs: 1, ..TrainerOptions::default() };
    let setup = Setup { split: Split::Train, batch, caps: device.caps(), options: &options };
    let built = training_step(&options.hyper, |net| task.build(net, &setup, 0))?;
    let plan = Plan::new(&built.graph, &[("loss", built.loss)], device.caps(), &PlanOptions::default())?;
    let session = Session::new(device, plan, &Variables::new(device, &built.graph, 0)?)?;
    session.write_f32("rates", &optimizer.rates(1e-3, 0))?;
    // Program 0 has room for a quarter more than the mean: a batch that is the whole set fits, and a tree of 33 words.
    let runs =
        task.steps(&setup, Position::default())?.map(|step| Ok(step?.inputs)).collect::<Result<Runs, Error>>()?;
    Ok((session, runs))
}
