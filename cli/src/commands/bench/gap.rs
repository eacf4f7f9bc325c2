//! How far the engine's own choice is from the fastest strategy.

use anyhow::Result;
use serde::Serialize;

use super::digits;
use crate::output::Output;

/// Percent below which two strategies are as fast as each other.
const NOISE: f64 = 3.0;

/// A shape with several strategies: a JSON line.
#[derive(Serialize, Clone, Debug, PartialEq)]
#[serde(tag = "event", rename = "gap")]
pub struct Gap {
    pub op: &'static str,
    pub shape: String,
    pub chosen: &'static str,
    pub chosen_ms: f64,
    pub fastest: &'static str,
    pub fastest_ms: f64,
    /// How much longer the chosen one takes.
    pub percent: f64,
}

/// A strategy and its time.
#[derive(Clone, Copy, Debug)]
pub struct Timed<'a> {
    pub op: &'static str,
    pub shape: &'a str,
    pub strategy: &'static str,
    pub chosen: bool,
    pub ms: f64,
}

/// The gaps of shapes that have more than one strategy, in the order of `times`.
pub fn gaps<'a>(times: impl IntoIterator<Item = Timed<'a>>) -> Vec<Gap> {
    let mut shapes: Vec<Vec<Timed<'_>>> = Vec::new();
    for time in times {
        match shapes.last_mut() {
            Some(last) if last.iter().all(|t| (t.op, t.shape) == (time.op, time.shape)) => last.push(time),
            _ => shapes.push(vec![time]),
        }
    }
    let gap = |times: &Vec<Timed<'_>>| {
        let chosen = times.iter().find(|time| time.chosen).filter(|_| times.len() > 1)?;
        let fastest = times.iter().min_by(|a, b| a.ms.total_cmp(&b.ms))?;
        Some(Gap {
            op: chosen.op,
            shape: chosen.shape.to_owned(),
            chosen: chosen.strategy,
            chosen_ms: chosen.ms,
            fastest: fastest.strategy,
            fastest_ms: fastest.ms,
            percent: 100.0 * (chosen.ms / fastest.ms - 1.0),
        })
    };
    shapes.iter().filter_map(gap).collect()
}

/// Shows the gaps: in JSON all, to people those beyond noise, the widest first.
pub fn show(gaps: &[Gap], output: Output) -> Result<()> {
    gaps.iter().try_for_each(|gap| output.json(gap))?;
    let mut wide: Vec<&Gap> = gaps.iter().filter(|gap| gap.percent > NOISE).collect();
    wide.sort_by(|a, b| b.percent.total_cmp(&a.percent));
    let Some(worst) = wide.first() else {
        return match gaps.len() {
            0 => Ok(()),
            count => output.text(format!("On all {count} shapes that leave a choice, none is more than 3 % faster.")),
        };
    };
    output.text(format!(
        "Of {} shapes that leave a choice, on {} another strategy is more than 3 % faster; at worst the engine takes {:.0} % \
         longer than it might:",
        gaps.len(),
        wide.len(),
        worst.percent
    ))?;
    wide.into_iter().try_for_each(|Gap { op, shape, chosen, chosen_ms, fastest, fastest_ms, percent }| {
        let (chosen_ms, fastest_ms) = (digits(*chosen_ms), digits(*fastest_ms));
        output.text(format!("  {percent:.0} %  {op} {shape}: {chosen} {chosen_ms} ms, {fastest} {fastest_ms} ms"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_strategy_is_held_against_the_fastest() {
        let time = |shape, strategy, chosen, ms| Timed { op: "matmul", shape, strategy, chosen, ms };
        let gaps = gaps([
            time("a", "wide", true, 3.0),
            time("a", "tile", false, 2.0),
            time("a", "simple", false, 9.0),
            time("alone", "simple", true, 1.0),
            time("b", "wide", true, 1.0),
            time("b", "tile", false, 4.0),
            time("unchosen", "wide", false, 1.0),
            time("unchosen", "tile", false, 2.0),
        ]);
        let found: Vec<_> = gaps.iter().map(|gap| (gap.shape.as_str(), gap.chosen, gap.fastest, gap.percent)).collect();
        assert_eq!(found, [("a", "wide", "tile", 50.0), ("b", "wide", "wide", 0.0)]);
    }
}
