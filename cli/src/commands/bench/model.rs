//! `girih bench model`: images a second of a training step and of inference.

use anyhow::Result;
use girih::bench::model::{Mode, ModelReport, ModelSettings, measure};
use girih::plan::{PlanOptions, Precision};
use serde::Serialize;

use super::args::ModelFlags;
use super::{digits, profile, quartiles};
use crate::args::Global;
use crate::engine::{self, failed};
use crate::metrics::Speed;
use crate::output::Output;
use crate::table::count;
use crate::tuning;

/// A model in one mode: a JSON line.
#[derive(Serialize)]
#[serde(tag = "event", rename = "model")]
struct Row<'a> {
    model: &'a str,
    mode: &'static str,
    batch: u32,
    precision: String,
    #[serde(flatten)]
    speed: Speed,
    ms: f64,
    ms_low: f64,
    ms_high: f64,
    ms_min: f64,
    ms_max: f64,
    samples: usize,
    first_s: f64,
    dispatches: usize,
    recording_us: f64,
}

/// What a profile is of.
#[derive(Serialize)]
struct Of<'a> {
    model: &'a str,
    mode: &'static str,
    batch: u32,
}

/// Runs `girih bench model`.
///
/// # Errors
/// The batch does not fit the adapter, or a profile is wanted of one without timestamps.
pub fn run(flags: &ModelFlags, global: &Global, output: Output) -> Result<()> {
    let device = engine::open_for(global, flags.precision)?;
    let precision = Precision::from(flags.precision);
    precision.check(&device).map_err(|error| failed(error.into()))?;
    let model = engine::image_model(flags.model)?;
    let profile = profile::roofline(flags.profile, &device, precision)?;
    output.text(format!("{} on {} ({})", model.name(), device.name(), device.driver()))?;
    let both = !flags.train && !flags.infer;
    let plan = PlanOptions { precision, ..tuning::options(&flags.tuning, None, &device) };
    let (batch, rounds) = (flags.batch as usize, flags.rounds as usize);
    let settings = ModelSettings { batch, rounds, profile, plan };
    for (mode, wanted) in [(Mode::Train, flags.train || both), (Mode::Infer, flags.infer || both)] {
        if wanted {
            let report = measure(&device, model, mode, &settings).map_err(failed)?;
            let mode = match mode {
                Mode::Train => "train",
                Mode::Infer => "infer",
            };
            show(model.name(), mode, "images", flags.batch, &report, output)?;
        }
    }
    Ok(())
}

/// Shows a report of `batch` examples a run, counted in `unit`.
///
/// # Errors
/// Standard output cannot be written.
pub(super) fn show(
    model: &str,
    mode: &'static str,
    unit: &str,
    batch: u32,
    report: &ModelReport,
    output: Output,
) -> Result<()> {
    report.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    let ms = report.seconds.scaled(1e3);
    let row = Row {
        model,
        mode,
        batch,
        precision: report.precision.to_string(),
        speed: Speed { unit: unit.to_owned(), per_s: f64::from(batch) / report.seconds.median },
        ms: ms.median,
        ms_low: ms.low,
        ms_high: ms.high,
        ms_min: ms.min,
        ms_max: ms.max,
        samples: ms.count,
        first_s: report.first_seconds,
        dispatches: report.dispatches,
        recording_us: report.recording_seconds * 1e6,
    };
    output.json(&row)?;
    output.text(format!(
        "\n{mode}, batch {batch}, {}: {} {unit}/s, {} ms ({}); the first took {} s\n{} dispatches, {} µs each to record",
        row.precision,
        digits(row.speed.per_s),
        digits(row.ms),
        quartiles(&ms),
        digits(row.first_s),
        count(row.dispatches as u64),
        digits(row.recording_us),
    ))?;
    let Some(profile) = &report.profile else { return Ok(()) };
    profile::show(&Of { model, mode, batch }, profile, output)
}
