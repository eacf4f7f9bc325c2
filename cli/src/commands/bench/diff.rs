//! `girih bench diff`: two files of JSON lines against one another.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::args::Diff;
use super::{digits, width};
use crate::output::Output;
use crate::table::{Align, Table};

/// Differences of less than this are none, however little the measurements scatter: alignment and clocks make as much.
const LEAST: f64 = 0.03;

/// What a line of either file may hold; the keys are those of `docs/json.md`.
#[derive(Deserialize)]
struct Line {
    event: Option<String>,
    op: Option<String>,
    shape: Option<String>,
    strategy: Option<String>,
    model: Option<String>,
    mode: Option<String>,
    batch: Option<u64>,
    name: Option<String>,
    unit: Option<String>,
    ms: Option<f64>,
    ms_low: Option<f64>,
    ms_high: Option<f64>,
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
}

/// A time, or what stands for one: less is better.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Measured {
    median: f64,
    low: f64,
    high: f64,
}

/// What became of a measurement.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Faster,
    Slower,
    Same,
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
    let (before, after) = (read(&files.before)?, read(&files.after)?);
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
        };
        *counts.entry(word).or_insert(0) += 1;
        let value = |measured: &Measured| unit.write(measured.median);
        table.row([what.clone(), value(old), value(new), format!("{speedup:.2}×"), word.to_owned()]);
    }
    if both == 0 {
        bail!("{} and {} have no measurement in common", files.before.display(), files.after.display());
    }
    output.text(table.render(width(output)))?;
    let said: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    output.text(format!("\n{}.", said.join(", ")))?;
    for (path, own) in [(&files.before, before.len() - both), (&files.after, after.len() - both)] {
        if own > 0 {
            output.text(format!("{own} only in {}.", path.display()))?;
        }
    }
    Ok(())
}

/// Faster or slower is what differs by more than its noise: the quartiles lie apart, and the medians differ.
fn verdict(old: &Measured, new: &Measured) -> Verdict {
    let apart = new.high < old.low || old.high < new.low;
    let ratio = old.median / new.median;
    if !apart || (ratio.max(1.0 / ratio) - 1.0) < LEAST {
        Verdict::Same
    } else if ratio > 1.0 {
        Verdict::Faster
    } else {
        Verdict::Slower
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

fn read(path: &Path) -> Result<Measurements> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut found = Measurements::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let line: Line = serde_json::from_str(line)
            .map_err(|_| anyhow::anyhow!("{}, line {number} is no JSON line of girih bench", path.display()))?;
        found.extend(line.measurement());
    }
    if found.is_empty() {
        bail!("{} holds no measurement", path.display());
    }
    Ok(found)
}

impl Line {
    /// What it measures and how much; none, if it says something else.
    fn measurement(self) -> Option<(String, (Measured, Unit))> {
        if self.event.as_deref() == Some("peak") {
            let (value, unit) = (self.value?, self.unit?);
            let (low, high) = (self.low.unwrap_or(value), self.high.unwrap_or(value));
            let measured = match &*unit {
                "us" => (Measured { median: value, low, high }, Unit::Time(unit)),
                _ => (Measured { median: 1.0 / value, low: 1.0 / high, high: 1.0 / low }, Unit::Rate(unit)),
            };
            return Some((format!("peak {}", self.name?), measured));
        }
        if self.event.as_deref() == Some("profile") {
            return None;
        }
        let median = self.ms?;
        let what = match (self.op, self.model) {
            (Some(op), _) => format!("{op} {}: {}", self.shape?, self.strategy?),
            (None, Some(model)) => format!("{model} {} batch {}", self.mode?, self.batch?),
            _ => return None,
        };
        let (low, high) = (self.ms_low.unwrap_or(median), self.ms_high.unwrap_or(median));
        Some((what, (Measured { median, low, high }, Unit::Time("ms".into()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_no_difference() {
        let measured = |low, median, high| Measured { median, low, high };
        let old = measured(9.0, 10.0, 11.0);
        assert_eq!(verdict(&old, &measured(10.5, 12.0, 13.0)), Verdict::Same, "they overlap");
        assert_eq!(verdict(&old, &measured(11.5, 12.0, 13.0)), Verdict::Slower);
        assert_eq!(verdict(&old, &measured(4.0, 5.0, 6.0)), Verdict::Faster);
        let sharp = measured(9.99, 10.0, 10.01);
        assert_eq!(verdict(&sharp, &measured(10.1, 10.1, 10.1)), Verdict::Same, "too little");
    }
}
