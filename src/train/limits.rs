//! Which batch fits a device.

use super::graphs::{Hyperparameters, evaluation_pass, training_step};
use super::images::{ImageModel, Images, scoring_graph, training_graph};
use super::task::{Setup, Task};
use crate::Error;
use crate::data::Split;
use crate::gpu::Caps;
use crate::graph::{Graph, GraphError, NodeId};
use crate::plan::{Plan, PlanError, PlanOptions};

/// The largest batch below `hyper.batch` whose training step can be planned for a device with `caps`; 0 when none can.
pub fn largest_batch(model: &ImageModel, hyper: &Hyperparameters, caps: &Caps) -> usize {
    largest(hyper.batch, caps, |batch| {
        let hyper = Hyperparameters { batch, ..hyper.clone() };
        training_graph(model, Images::Packed, &hyper).map(|built| (built.graph, built.loss))
    })
}

/// The largest batch below `asked` for which the graph and its output can be planned; 0 when none can.
fn largest(asked: usize, caps: &Caps, build: impl Fn(usize) -> Result<(Graph, NodeId), GraphError>) -> usize {
    let plan = |(graph, output)| Plan::new(&graph, &[("output", output)], caps, &PlanOptions::default());
    let fits = |batch| build(batch).is_ok_and(|built| plan(built).is_ok());
    let (mut fitting, mut failing) = (0, asked);
    while failing - fitting > 1 {
        let middle = fitting + (failing - fitting) / 2;
        if fits(middle) {
            fitting = middle;
        } else {
            failing = middle;
        }
    }
    fitting
}

/// Adds the largest batch that fits to an error about a limit.
fn explain(error: Error, asked: usize, largest: impl FnOnce() -> usize) -> Error {
    match error {
        Error::Plan(source @ PlanError::TooLarge { .. }) => Error::Batch { asked, largest: largest(), source },
        other => other,
    }
}

/// [`explain`] for a program of a task.
pub(super) fn explain_task(error: Error, task: &dyn Task, setup: &Setup<'_>, program: u32) -> Error {
    let hyper = &setup.options.hyper;
    let build = |batch| {
        let setup = Setup { batch, ..*setup };
        match setup.split {
            Split::Train => training_step(hyper, |net| task.build(net, &setup, program)).map(|b| (b.graph, b.loss)),
            Split::Test => evaluation_pass(|net| task.build(net, &setup, program)),
        }
    };
    explain(error, setup.batch, || largest(setup.batch, setup.caps, build))
}

/// [`explain`] for scoring.
pub(super) fn explain_scoring(error: Error, model: &ImageModel, batch: usize, caps: &Caps) -> Error {
    explain(error, batch, || largest(batch, caps, |batch| scoring_graph(model, batch)))
}
