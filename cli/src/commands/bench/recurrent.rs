//! `girih bench recurrent`: a whole recurrent layer over a sequence, forwards, and with all gradients.

use anyhow::Result;
use girih::bench::model::ModelSettings;
use girih::bench::recurrent::{Unrolling, measure};
use girih::plan::{PlanOptions, Precision};

use super::args::RecurrentFlags;
use super::model::show;
use super::profile::roofline;
use crate::args::{Global, name_of};
use crate::engine::{self, failed};
use crate::output::Output;

/// Runs `girih bench recurrent`.
///
/// # Errors
/// The layer does not fit the adapter.
pub fn run(flags: &RecurrentFlags, global: &Global, output: Output) -> Result<()> {
    let device = engine::open(global)?;
    let cell = flags.cell.cell();
    let [input, hidden, steps] = [flags.input, flags.hidden, flags.steps].map(|n| n as usize);
    let name = format!("{} {input}→{hidden}, {steps} steps", name_of(flags.cell));
    output.text(format!("{name} on {} ({})", device.name(), device.driver()))?;
    let (batch, rounds) = (flags.batch as usize, flags.rounds as usize);
    let profile = roofline(flags.profile, &device, Precision::F32)?;
    let settings = ModelSettings { batch, rounds, profile, plan: PlanOptions::default() };
    for (mode, backward) in [("forward", false), ("forward and backward", true)] {
        let report = measure(&device, Unrolling { cell, input, hidden, steps }, backward, &settings).map_err(failed)?;
        show(&name, mode, "sequences", flags.batch, &report, output)?;
    }
    Ok(())
}
