//! What is learnt: all that the fit loop, the evaluation, checkpoints and resuming need to know of a kind of data.

use super::trainer::TrainerOptions;
use crate::Error;
use crate::data::{Position, Split};
use crate::gpu::Caps;
use crate::graph::{Graph, GraphError, NodeId};
use crate::nn::Net;
use crate::ops::cross_entropy::IGNORED;
use crate::plan::Session;
use crate::tensor::HostTensor;

/// Something to be learnt from data: it builds the forward pass, and says which inputs each step writes.
///
/// The rest is the same for all: [`super::Trainer`] differentiates, adds the optimiser and the sums, plays a step a
/// submit and keeps time, and [`super::Evaluator`] judges. A task is a pure description. What a run changes lives in
/// variables on the device, so that a checkpoint has all of it: also what is carried from one step to the next, such as
/// the last state of a recurrent network, which is a variable that [`crate::graph::Graph::assign`] sets.
pub trait Task: Send + Sync {
    /// What is counted, in the plural and one word: `images`. Speeds and sizes are told in it.
    fn unit(&self) -> &'static str;

    /// Adds the forward pass of one step to `net`, which is in training exactly for [`Split::Train`].
    ///
    /// Steps need not all be of one shape: a task may have several programs, numbered as it likes, and say with each
    /// [`Step`] which one is played. Each is planned when it is first played and has buffers of its own; they share
    /// their variables, so every program must register the same ones in the same order. There must be a program 0.
    ///
    /// # Errors
    /// When the data does not fit the model.
    fn build(&self, net: &mut Net<'_>, setup: &Setup<'_>, program: u32) -> Result<Outcome, GraphError>;

    /// Inputs that stay the same throughout, such as a whole set that is kept on the device. Written once a program.
    fn resident(&self, _setup: &Setup<'_>) -> Vec<(&'static str, HostTensor)> {
        Vec::new()
    }

    /// Steps of an epoch; of an evaluation, of the whole pass.
    ///
    /// # Errors
    /// When the data does not make one step.
    fn step_count(&self, setup: &Setup<'_>) -> Result<u32, Error>;

    /// The steps from `from` on, to the end of the last epoch; of an evaluation, one pass. They must depend on nothing
    /// but the data, the setup and the position: that is what makes a resumed run the same, bit for bit.
    ///
    /// # Errors
    /// When the data does not make one step.
    fn steps(&self, setup: &Setup<'_>, from: Position) -> Result<Steps, Error>;
}

/// What a pass is made for.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    /// Learning, or being judged.
    pub split: Split,
    /// Examples at a time.
    pub batch: usize,
    /// What the device can do.
    pub caps: &'a Caps,
    /// How the run goes.
    pub options: &'a TrainerOptions,
}

/// What a forward pass ends in.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// The sum of the losses, f32 `[]`. What is minimised is their mean, this by `count`.
    pub loss: NodeId,
    /// How many answers are right, f32 `[]`.
    pub correct: NodeId,
    /// How many answers were asked for, f32 `[]`; padding is none.
    pub count: NodeId,
    /// The scores of the classes, f32 `[rows, classes]`, for whoever wants more than the sums.
    pub logits: NodeId,
}

impl Outcome {
    /// Of classes: logits f32 `[n, classes]` against `labels` u32 `[n]`, of which [`IGNORED`] ones do not count.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn of_classes(graph: &mut Graph, logits: NodeId, labels: NodeId, smoothing: f32) -> Result<Self, GraphError> {
        let rows = graph.cross_entropy_rows(logits, labels, smoothing, IGNORED)?;
        let loss = graph.sum(rows, &[0], false)?;
        let count = graph.count_labels(labels, IGNORED)?;
        let correct = graph.correct(logits, labels)?;
        Ok(Self { loss, correct, count, logits })
    }
}

/// One step: what it plays, on what.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The program.
    pub program: u32,
    /// Inputs by name.
    pub inputs: Vec<(&'static str, HostTensor)>,
}

impl Step {
    /// Writes its inputs.
    pub(super) fn write(&self, session: &Session) -> Result<(), Error> {
        self.inputs.iter().try_for_each(|(name, value)| Ok(session.write(name, value)?))
    }
}

/// Steps, made ready one by one or ahead on a thread.
pub type Steps = Box<dyn Iterator<Item = Result<Step, Error>> + Send>;
