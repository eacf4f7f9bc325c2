//! Which batch fits a device.

use super::graphs::{Hyperparameters, ImageModel, Images, training_graph};
use crate::Error;
use crate::gpu::Caps;
use crate::plan::{Plan, PlanError, PlanOptions};

/// The largest batch below `hyper.batch` whose training step can be planned for a device with `caps`; 0 when none can.
pub fn largest_batch(model: &ImageModel, hyper: &Hyperparameters, caps: &Caps) -> usize {
    let fits = |batch: usize| {
        let hyper = Hyperparameters { batch, ..hyper.clone() };
        training_graph(model, Images::Packed, &hyper)
            .is_ok_and(|t| Plan::new(&t.graph, &[("loss", t.loss)], caps, &PlanOptions::default()).is_ok())
    };
    let (mut fitting, mut failing) = (0, hyper.batch);
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
pub(super) fn explain(error: Error, model: &ImageModel, hyper: &Hyperparameters, caps: &Caps) -> Error {
    match error {
        Error::Plan(source @ PlanError::TooLarge { .. }) => {
            Error::Batch { asked: hyper.batch, largest: largest_batch(model, hyper, caps), source }
        }
        other => other,
    }
}
