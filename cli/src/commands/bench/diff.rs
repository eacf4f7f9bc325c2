//! `girih bench diff`: two files of JSON lines against one another.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::args::Diff;
use super::digits;
use crate::output::Output;
use crate::table::{Align, Table};

/// Differences of less than this are none, however little the measurements scatter: alignment and clocks make as much.
const LEAST: f64 = 0.03;
/// Measurements of which quartiles say something.
const FEWEST: u64 = 3;

/// What a line of either file may hold; the keys are those of `docs/json.md`.
#[derive(Deserialize)]
struct Line {
    event: Option<String>,
    op: Option<String>,
    shape: Option<String>,
    strategy: Option<String>,
    model: Option<String>,
    mode: Option<String>,
    precision: Option<String>,
    batch: Option<u64>,
    cell: Option<String>,
    hidden: Option<u64>,
    what: Option<String>,
    order: Option<String>,
    adapter: Option<String>,
    driver: Option<String>,
    name: Option<String>,
    unit: Option<String>,
    ms: Option<f64>,
    ms_low: Option<f64>,
    ms_high: Option<f64>,
    ms_min: Option<f64>,
    samples: Option<u64>,
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    best: Option<f64>,
}

/// A time, or what stands for one: less is better.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Measured {
    median: f64,
    low: f64,
    high: f64,
    /// The least; the median where the file does not say it.
    min: f64,
    /// How many measurements; enough where the file does not say it.
    samples: u64,
}

/// What became of a measurement.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Faster,
    Slower,
    Same,
    /// Measured too seldom to tell.
    Unsure,
}

/// One measurement that is in both files: a JSON line.
#[derive(Serialize)]
#[serde(tag = "event", rename = "diff")]
struct Row<'a> {
    what: &'a str,
    speedup: f64,
    verdict: Verdict,
}

/// Runs `girih bench diff`.
///
/// # Errors
/// A file cannot be read or holds nothing that can be compared.
pub fn run(files: &Diff, output: Output) -> Result<()> {
    let ((before, of_before), (after, of_after)) = (read(&files.before)?, read(&files.after)?);
    if let (Some(old), Some(new)) = (of_before, of_after)
        && old != new
    {
        eprintln!("warning: before is of {old}, after of {new}");
    }
    let mut table = Table::new(&[
        ("", Align::Left),
        ("before", Align::Right),
        ("after", Align::Right),
        ("speed", Align::Right),
        ("", Align::Left),
    ]);
    let mut counts = BTreeMap::new();
    let mut both = 0;
    for (what, (old, unit)) in &before {
        let Some((new, _)) = after.get(what) else { continue };
        both += 1;
        let (speedup, verdict) = (old.median / new.median, verdict(old, new));
        output.json(&Row { what, speedup, verdict })?;
        let word = match verdict {
            Verdict::Faster => "faster",
            Verdict::Slower => "slower",
            Verdict::Same => "same",
            Verdict::Unsure => "unsure",
        };
        *counts.entry(word).or_insert(0) += 1;
        let value = |measured: &Measured| unit.write(measured.median);
        table.row([what.clone(), value(old), value(new), format!("{speedup:.2}×"), word.to_owned()]);
    }
    if both == 0 {
        bail!("{} and {} have no measurement in common", files.before.display(), files.after.display());
    }
    output.text(table.render(output.table_width()))?;
    let said: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    output.text(format!("\n{}.", said.join(", ")))?;
    for (path, own) in [(&files.before, before.len() - both), (&files.after, after.len() - both)] {
        if own > 0 {
            output.text(format!("{own} only in {}.", path.display()))?;
        }
    }
    Ok(())
}

/// Faster or slower is what differs by more than its noise: the quartiles lie apart, and both the medians and the least
/// times, which a machine that was busy during one of the runs changes least, differ the same way.
fn verdict(old: &Measured, new: &Measured) -> Verdict {
    let is_less = |a: &Measured, b: &Measured| {
        let clearly = |a: f64, b: f64| b / a - 1.0 >= LEAST;
        a.high < b.low && clearly(a.median, b.median) && clearly(a.min, b.min)
    };
    match () {
        () if old.samples.min(new.samples) < FEWEST => Verdict::Unsure,
        () if is_less(new, old) => Verdict::Faster,
        () if is_less(old, new) => Verdict::Slower,
        () => Verdict::Same,
    }
}

/// What a measurement is counted in.
#[derive(Clone, Debug, PartialEq)]
enum Unit {
    /// More is better: kept as its reciprocal.
    Rate(String),
    Time(String),
}

impl Unit {
    fn write(&self, median: f64) -> String {
        match self {
            Self::Rate(unit) => format!("{} {unit}", digits(1.0 / median)),
            Self::Time(unit) => format!("{} {unit}", digits(median)),
        }
    }
}

type Measurements = BTreeMap<String, (Measured, Unit)>;

/// What a file measures, and the adapter it says that it is of.
fn read(path: &Path) -> Result<(Measurements, Option<String>)> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let (mut found, mut adapter) = (Measurements::new(), None);
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let line: Line = serde_json::from_str(line)
            .map_err(|_| anyhow::anyhow!("{}, line {number} is no JSON line of girih bench", path.display()))?;
        if let (Some(name), Some(driver)) = (&line.adapter, &line.driver) {
            adapter = Some(format!("{name} ({driver})"));
        }
        found.extend(line.measurement());
    }
    if found.is_empty() {
        bail!("{} holds no measurement", path.display());
    }
    Ok((found, adapter))
}

impl Line {
    /// What it measures and how much; none, if it says something else.
    fn measurement(self) -> Option<(String, (Measured, Unit))> {
        if self.event.as_deref() == Some("peak") {
            let (value, unit) = (self.value?, self.unit?);
            let (low, high) = (self.low.unwrap_or(value), self.high.unwrap_or(value));
            let (best, samples) = (self.best.unwrap_or(value), self.samples.unwrap_or(FEWEST));
            let measured = match &*unit {
                "us" => (Measured { median: value, low, high, min: best, samples }, Unit::Time(unit)),
                _ => {
                    let [median, low, high, min] = [value, high, low, best].map(f64::recip);
                    (Measured { median, low, high, min, samples }, Unit::Rate(unit))
                }
            };
            return Some((format!("peak {}", self.name?), measured));
        }
        if self.event.as_deref() == Some("profile") {
            return None;
        }
        let median = self.ms?;
        let what = match (self.op, self.model, self.cell) {
            (Some(op), ..) => format!("{op} {}: {}", self.shape?, self.strategy?),
            (_, Some(model), _) => {
                let precision = self.precision.filter(|precision| precision != "f32");
                let precision = precision.map(|precision| format!(", {precision}")).unwrap_or_default();
                format!("{model} {} batch {}{precision}", self.mode?, self.batch?)
            }
            (_, _, Some(cell)) => {
                let (hidden, batch, what, order) = (self.hidden?, self.batch?, self.what?, self.order?);
                format!("{cell} {hidden} batch {batch}, {what}, {order}")
            }
            _ => return None,
        };
        let (low, high) = (self.ms_low.unwrap_or(median), self.ms_high.unwrap_or(median));
        let (min, samples) = (self.ms_min.unwrap_or(median), self.samples.unwrap_or(FEWEST));
        Some((what, (Measured { median, low, high, min, samples }, Unit::Time("ms".into()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_no_difference() {
        let measured = |low, median, high| Measured { median, low, high, min: low, samples: FEWEST };
        let old = measured(9.0, 10.0, 11.0);
        assert_eq!(verdict(&old, &measured(10.5, 12.0, 13.0)), Verdict::Same, "they overlap");
        assert_eq!(verdict(&old, &measured(11.5, 12.0, 13.0)), Verdict::Slower);
        assert_eq!(verdict(&old, &measured(4.0, 5.0, 6.0)), Verdict::Faster);
        // As early as ever at its best: something else was running.
        let busy = Measured { min: 9.0, ..measured(11.5, 12.0, 13.0) };
        assert_eq!(verdict(&old, &busy), Verdict::Same, "the least times are the same");
        let seldom = Measured { samples: FEWEST - 1, ..measured(4.0, 5.0, 6.0) };
        assert_eq!(verdict(&old, &seldom), Verdict::Unsure);
        let sharp = measured(9.99, 10.0, 10.01);
        assert_eq!(verdict(&sharp, &measured(10.1, 10.1, 10.1)), Verdict::Same, "too little");
    }
}
