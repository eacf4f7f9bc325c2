//! `girih bench model`: images a second of a training step and of inference.

use anyhow::Result;
use girih::bench::model::{Mode, ModelReport, ModelSettings, measure};
use girih::bench::{Effort, Profile, ProfileRow, Roofline};
use girih::gpu::Device;
use girih::plan::{PlanOptions, Precision};
use serde::Serialize;

use super::args::ModelFlags;
use super::{digits, quartiles, width};
use crate::args::Global;
use crate::engine::{self, failed};
use crate::error::usage;
use crate::metrics::Speed;
use crate::output::Output;
use crate::table::{Align, Table, count};
use crate::tuning;

/// Rows of a profile that people are shown.
const MOST_ROWS: usize = 24;

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

/// What one kind of dispatch takes: a JSON line.
#[derive(Serialize)]
#[serde(tag = "event", rename = "profile")]
struct Part<'a> {
    model: &'a str,
    mode: &'static str,
    batch: u32,
    label: &'a str,
    kernel: &'a str,
    dispatches: usize,
    ms: f64,
    gflops: f64,
    gbs: f64,
    roofline_percent: f64,
}

/// Runs `girih bench model`.
///
/// # Errors
/// The batch does not fit the adapter, or a profile is wanted of one without timestamps.
pub fn run(flags: &ModelFlags, global: &Global, output: Output) -> Result<()> {
    let device = engine::open_for(global, flags.precision)?;
    let precision = Precision::from(flags.precision);
    precision.check(&device).map_err(|error| failed(error.into()))?;
    if flags.profile && !device.caps().timestamps {
        return usage("--profile needs timestamps within a pass, which this adapter has not");
    }
    let model = engine::image_model(flags.model)?;
    output.text(format!("{} on {} ({})", model.name(), device.name(), device.driver()))?;
    let both = !flags.train && !flags.infer;
    let plan = PlanOptions { precision, ..tuning::options(&flags.tuning, None, &device) };
    let (batch, rounds) = (flags.batch as usize, flags.rounds as usize);
    let settings = ModelSettings { batch, rounds, profile: roofline(flags.profile, &device, precision)?, plan };
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

/// The roofline of a profile, where one is wanted.
pub(super) fn roofline(wanted: bool, device: &Device, precision: Precision) -> Result<Option<Roofline>> {
    wanted.then(|| Roofline::measure(device, precision, Effort::SHORT)).transpose().map_err(failed)
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
    for row in &profile.rows {
        let ProfileRow { label, kernel, seconds, dispatches, flops, bytes } = row;
        let (ms, gflops, gbs) = (seconds * 1e3, rate(*flops, *seconds), rate(*bytes, *seconds));
        let roofline_percent = 100.0 * row.roofline_share(&profile.roofline);
        output.json(&Part {
            model,
            mode,
            batch,
            label,
            kernel,
            dispatches: *dispatches,
            ms,
            gflops,
            gbs,
            roofline_percent,
        })?;
    }
    show_profile(profile, output)
}

/// 10⁹ a second.
fn rate(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds * 1e-9 } else { 0.0 }
}

fn show_profile(profile: &Profile, output: Output) -> Result<()> {
    let rows = &profile.rows;
    let mut table = Table::new(&[
        ("dispatch", Align::Left),
        ("kernel", Align::Left),
        ("count", Align::Right),
        ("ms", Align::Right),
        ("", Align::Right),
        ("GFLOP/s", Align::Right),
        ("GB/s", Align::Right),
        ("roofline", Align::Right),
    ]);
    let total: f64 = rows.iter().map(|row| row.seconds).sum();
    for row in rows.iter().take(MOST_ROWS) {
        table.row([
            row.label.clone(),
            row.kernel.clone(),
            row.dispatches.to_string(),
            digits(row.seconds * 1e3),
            format!("{:.1} %", 100.0 * row.seconds / total),
            digits(rate(row.flops, row.seconds)),
            digits(rate(row.bytes, row.seconds)),
            format!("{:.1} %", 100.0 * row.roofline_share(&profile.roofline)),
        ]);
    }
    output.text("")?;
    output.text(table.render(width(output)))?;
    let rest: f64 = rows.iter().skip(MOST_ROWS).map(|row| row.seconds * 1e3).sum();
    if rest > 0.0 {
        output.text(format!("and {} ms in {} more", digits(rest), rows.len() - MOST_ROWS))?;
    }
    Ok(())
}
