//! `girih bench peak`: what the adapter can do.

use anyhow::Result;
use girih::bench::{Effort, Peak, Spread, Unit, peaks};
use serde::Serialize;

use super::{digits, quartiles};
use crate::args::{Global, Precision};
use crate::engine::{self, failed};
use crate::output::Output;
use crate::table::{Align, Table};

/// One ability: a JSON line of `girih bench peak`.
#[derive(Serialize, Debug)]
#[serde(tag = "event", rename = "peak")]
struct Row {
    name: &'static str,
    unit: &'static str,
    value: f64,
    low: f64,
    high: f64,
    best: f64,
    samples: usize,
}

impl Row {
    fn new(peak: &Peak) -> Self {
        let (unit, factor) = match peak.unit {
            Unit::FlopsPerSecond => ("GFLOP/s", 1e-9),
            Unit::BytesPerSecond => ("GB/s", 1e-9),
            Unit::OperationsPerSecond => ("Gop/s", 1e-9),
            Unit::Seconds => ("us", 1e6),
        };
        let Spread { median, low, high, min, max, count } = peak.value.scaled(factor);
        let best = if peak.unit == Unit::Seconds { min } else { max };
        Self { name: peak.name, unit, value: median, low, high, best, samples: count }
    }
}

/// What a row measures, for people.
fn meaning(name: &str) -> &'static str {
    match name {
        "fma f32" | "fma f16" => "multiply-adds in registers, two operations each",
        "coop f16" => "products of cooperative matrices of f16, added up in f32",
        "read" => "reading memory through storage buffers",
        "write" => "writing it",
        "copy" => "both, read and written bytes counted",
        "workgroup memory" => "reading workgroup memory",
        "uniform buffer" => "reading 64 KiB of a uniform buffer again and again",
        "subgroup add" | "subgroup shuffle" => "operations, one an invocation",
        "dispatch" => "a dispatch that waits for the one before",
        "submit" => "recording and submitting one pass, on the host",
        "submit and wait" => "the same, and waiting for the device",
        _ => "",
    }
}

/// Runs `girih bench peak`.
///
/// # Errors
/// There is no adapter, or it fails.
pub fn run(global: &Global, output: Output) -> Result<()> {
    // Whatever it has, experimental or not.
    let device = engine::open_for(global, Precision::Mixed)?;
    output.text(format!("{} ({})\n", device.name(), device.driver()))?;
    let mut rows = Vec::new();
    let mut written = Ok(());
    peaks(&device, Effort::FULL, |peak| {
        let row = Row::new(&peak);
        if written.is_ok() {
            written = output.json(&row);
        }
        rows.push((row, peak.value));
    })
    .map_err(failed)?;
    written?;
    let mut table = Table::new(&[
        ("peak", Align::Left),
        ("median", Align::Right),
        ("", Align::Left),
        ("quartiles", Align::Right),
        ("best", Align::Right),
        ("what it is", Align::Left),
    ]);
    for (row, value) in &rows {
        let factor = if value.median == 0.0 { 1.0 } else { row.value / value.median };
        let (unit, spread) = (if row.unit == "us" { "µs" } else { row.unit }, quartiles(&value.scaled(factor)));
        table.row([row.name, &digits(row.value), unit, &spread, &digits(row.best), meaning(row.name)]);
    }
    output.text(table.render(output.table_width()))
}
