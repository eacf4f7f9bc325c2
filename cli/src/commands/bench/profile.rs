//! `--profile` of the benches: where a run's time goes, and which share of the roofline each kernel reaches.

use anyhow::Result;
use girih::bench::{Effort, Profile, ProfileRow, Roofline};
use girih::gpu::Device;
use girih::plan::Precision;
use serde::Serialize;

use super::digits;
use crate::engine::failed;
use crate::error::usage;
use crate::output::Output;
use crate::table::{Align, Table};

/// Rows that people are shown.
const MOST_ROWS: usize = 24;

/// What one kind of dispatch takes: a JSON line.
#[derive(Serialize)]
#[serde(tag = "event", rename = "profile")]
struct Part<'a, T> {
    #[serde(flatten)]
    of: &'a T,
    label: &'a str,
    kernel: &'a str,
    dispatches: usize,
    ms: f64,
    gflops: f64,
    gbs: f64,
    roofline_percent: f64,
}

/// The roofline that a profile is held against, where one is wanted.
///
/// # Errors
/// The adapter has no timestamps within a pass, or fails.
pub fn roofline(wanted: bool, device: &Device, precision: Precision) -> Result<Option<Roofline>> {
    check(wanted, device)?;
    wanted.then(|| Roofline::measure(device, precision, Effort::SHORT)).transpose().map_err(failed)
}

/// Refuses a profile that the adapter cannot give.
///
/// # Errors
/// The adapter has no timestamps within a pass.
pub fn check(wanted: bool, device: &Device) -> Result<()> {
    if wanted && !device.caps().timestamps {
        return usage("--profile needs timestamps within a pass, which this adapter has not");
    }
    Ok(())
}

/// Shows a profile; `of` names what it is of in the JSON lines.
///
/// # Errors
/// Standard output cannot be written.
pub fn show(of: &impl Serialize, profile: &Profile, output: Output) -> Result<()> {
    let total: f64 = profile.rows.iter().map(|row| row.seconds).sum();
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
    for (i, row) in profile.rows.iter().enumerate() {
        let ProfileRow { label, kernel, seconds, dispatches, flops, bytes } = row;
        let (ms, gflops, gbs) = (seconds * 1e3, rate(*flops, *seconds), rate(*bytes, *seconds));
        let roofline_percent = 100.0 * row.roofline_share(&profile.roofline);
        let dispatches = *dispatches;
        output.json(&Part { of, label, kernel, dispatches, ms, gflops, gbs, roofline_percent })?;
        if i < MOST_ROWS {
            table.row([
                label.clone(),
                kernel.clone(),
                dispatches.to_string(),
                digits(ms),
                format!("{:.1} %", 100.0 * seconds / total),
                digits(gflops),
                digits(gbs),
                format!("{roofline_percent:.1} %"),
            ]);
        }
    }
    output.text("")?;
    output.text(table.render(output.table_width()))?;
    let rest: f64 = profile.rows.iter().skip(MOST_ROWS).map(|row| row.seconds * 1e3).sum();
    if rest > 0.0 {
        output.text(format!("and {} ms in {} more", digits(rest), profile.rows.len() - MOST_ROWS))?;
    }
    Ok(())
}

/// 10⁹ a second.
fn rate(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds * 1e-9 } else { 0.0 }
}
