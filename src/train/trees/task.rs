//! Trees as a [`Task`]: batches of any shapes, in a program with room for them.

use std::sync::Arc;

use super::super::task::{Outcome, Setup, Step, Steps, Task};
use super::scores::Tally;
use crate::Error;
use crate::data::trees::{Forest, Order, Room, Tree, Vocabulary};
use crate::data::{self, Batches, DataError, PAD_INDEX, Position, Split, Tail};
use crate::graph::GraphError;
use crate::nn::Net;
use crate::nn::models::TreeNet;
use crate::ops::cross_entropy::IGNORED;
use crate::tensor::{HostTensor, TensorType};

/// Learning to tell the classes of the nodes of trees.
///
/// Program 0 has room for a batch of a quarter more nodes than an average one, each further program for twice as many: the
/// smallest that holds a batch plays it.
#[derive(Debug)]
pub struct TreeTask {
    model: TreeNet,
    vocabulary: Arc<Vocabulary>,
    train: Arc<Vec<Tree>>,
    test: Arc<Vec<Tree>>,
    order: Order,
}

/// Rows that tables have a multiple of, so that their parts begin where bindings may.
const ROWS: usize = 64;

impl TreeTask {
    /// `model` is to learn from `train` and to be judged by `test`.
    ///
    /// # Errors
    /// When a node has more children than the model takes, or no node of either has a label.
    pub fn new(model: TreeNet, vocabulary: Vocabulary, train: Vec<Tree>, test: Vec<Tree>) -> Result<Self, Error> {
        let arity = train.iter().chain(&test).map(Tree::arity).max().unwrap_or(0);
        if arity > model.arity {
            let problem = format!("a node has {arity} children, and the model takes {} at most", model.arity);
            return Err(DataError::Argument { what: "trees", problem }.into());
        }
        for (trees, which) in [(&train, "training"), (&test, "test")] {
            if !trees.iter().flat_map(Tree::nodes).any(|node| node.label.is_some()) {
                let problem = format!("no node of the {which} trees has a label");
                return Err(DataError::Argument { what: "trees", problem }.into());
            }
        }
        let (train, test, vocabulary) = (Arc::new(train), Arc::new(test), Arc::new(vocabulary));
        Ok(Self { model, vocabulary, train, test, order: Order::Heights })
    }

    /// Sets which nodes share a level.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// The network.
    pub fn model(&self) -> &TreeNet {
        &self.model
    }

    fn trees(&self, split: Split) -> &Arc<Vec<Tree>> {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        }
    }

    fn batches(&self, setup: &Setup<'_>) -> Result<Batches, Error> {
        let trees = self.trees(setup.split);
        let (order, tail, batch) = match setup.split {
            Split::Train => (data::Order::Shuffled { seed: setup.options.seed }, Tail::Drop, setup.batch),
            Split::Test => (data::Order::Sequential, Tail::Pad, setup.batch.min(trees.len())),
        };
        Ok(Batches::new(trees.len(), batch, order, tail)?)
    }

    /// The room that program 0 has.
    fn room(&self, setup: &Setup<'_>) -> Room {
        let trees = self.trees(setup.split);
        let whole = Room::for_trees(trees.iter(), self.order);
        let share = |n: usize| (n * setup.batch * 5).div_ceil(trees.len().max(1) * 4).next_multiple_of(ROWS);
        let (leaves, inner) = (share(whole.leaves), share(whole.inner));
        let levels = if self.order == Order::OneByOne { inner } else { whole.levels };
        Room { leaves, inner, levels, arity: self.model.arity }
    }

    fn forests(&self, setup: &Setup<'_>) -> Forests {
        let (trees, vocabulary) = (Arc::clone(self.trees(setup.split)), Arc::clone(&self.vocabulary));
        Forests { trees, vocabulary, base: self.room(setup), order: self.order }
    }

    /// Where the nodes of the test trees stand among the logits of an evaluation with batches of `batch`.
    ///
    /// # Errors
    /// When there are no trees.
    pub fn tally(&self, setup: &Setup<'_>) -> Result<Tally, Error> {
        let (forests, epoch) = (self.forests(setup), self.batches(setup)?.epoch(0));
        let steps = epoch.steps_from(0).map(|indices| Ok(forests.of(&indices)?.2));
        Ok(Tally::new(steps.collect::<Result<Vec<Forest>, DataError>>()?, self.model.classes))
    }
}

/// What makes batches of trees into tables.
struct Forests {
    trees: Arc<Vec<Tree>>,
    vocabulary: Arc<Vocabulary>,
    base: Room,
    order: Order,
}

impl Forests {
    /// The tables of these trees, their room, and the program that has it.
    fn of(&self, indices: &[u32]) -> Result<(u32, Room, Forest), DataError> {
        let trees = indices.iter().filter(|&&i| i != PAD_INDEX).filter_map(|&i| self.trees.get(i as usize));
        let trees: Vec<&Tree> = trees.collect();
        let wanted = Room::for_trees(trees.iter().copied(), self.order);
        let rooms = (0..).map(|program| (program, roomier(&self.base, program, self.order)));
        // Each has twice the room of the one before: one of the first few holds any batch.
        let (program, room) = rooms.take(32).find(|(_, room)| room.holds(&wanted)).unwrap_or((0, self.base));
        Ok((program, room, Forest::new(&trees, &self.vocabulary, &room, self.order)?))
    }
}

/// The room of a program.
fn roomier(base: &Room, program: u32, order: Order) -> Room {
    let room = base.doubled(program);
    let levels = if order == Order::OneByOne { room.inner } else { base.levels };
    Room { levels, ..room }
}

impl Task for TreeTask {
    fn unit(&self) -> &'static str {
        "nodes"
    }

    fn build(&self, net: &mut Net<'_>, setup: &Setup<'_>, program: u32) -> Result<Outcome, GraphError> {
        let room = roomier(&self.room(setup), program, self.order);
        let tables = self.model.tables(net, room.leaves, room.inner, room.levels);
        let labels = net.graph().input("labels", TensorType::u32([room.rows()]));
        let logits = self.model.build(net, &tables)?;
        let graph = net.graph();
        let rows = graph.cross_entropy_rows(logits, labels, setup.options.hyper.label_smoothing, IGNORED)?;
        let loss = graph.sum(rows, &[0], false)?;
        let count = graph.count_labels(labels, IGNORED)?;
        let correct = graph.correct(logits, labels)?;
        Ok(Outcome { loss, correct, count, logits })
    }

    fn step_count(&self, setup: &Setup<'_>) -> Result<u32, Error> {
        Ok(self.batches(setup)?.step_count())
    }

    fn steps(&self, setup: &Setup<'_>, from: Position) -> Result<Steps, Error> {
        let (batches, forests) = (self.batches(setup)?, self.forests(setup));
        let epochs = if setup.split == Split::Train { setup.options.epochs } else { 1 };
        let indices = (from.epoch..epochs).flat_map(move |epoch| {
            let first = if epoch == from.epoch { from.step } else { 0 };
            batches.epoch(epoch).steps_from(first).collect::<Vec<_>>()
        });
        Ok(Box::new(indices.map(move |indices| {
            let (program, room, forest) = forests.of(&indices)?;
            Ok(step(program, &room, forest))
        })))
    }
}

/// The inputs of a batch.
fn step(program: u32, room: &Room, forest: Forest) -> Step {
    let inputs = [
        ("words", HostTensor::u32([room.leaves], forest.words)),
        ("children", HostTensor::u32([room.inner, room.arity], forest.children)),
        ("levels", HostTensor::u32([1 + room.levels, 2], forest.levels)),
        ("labels", HostTensor::u32([room.rows()], forest.labels)),
    ];
    // A forest's tables are as large as its room.
    let inputs = inputs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    Step { program, inputs }
}
