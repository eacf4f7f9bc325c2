//! `girih tune`: which strategy of each operation of a model is fastest on an adapter.

use std::path::Path;

use anyhow::{Context, Result, bail};
use girih::plan::{Choices, Measured, PlanOptions, Precision, ProfileError, TuningProfile};
use girih::train::{Hyperparameters, Images, evaluation_graph, scoring_graph, training_graph};
use serde::Serialize;

use super::inspect::Subject;
use crate::args::{self, Global};
use crate::engine::{self, failed};
use crate::error::told;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::run_folder::RunFolder;
use crate::table::{Align, Table};
use crate::target_file;
use crate::tuning;

/// A use of an operation: a JSON line.
#[derive(Serialize)]
#[serde(tag = "event", rename = "tuned")]
struct Row<'a> {
    op: &'a str,
    r#use: &'a str,
    strategy: &'a str,
    ms: f64,
    heuristic: &'a str,
    heuristic_ms: f64,
    gap_percent: f64,
}

/// What came of it all: the last JSON line.
#[derive(Serialize)]
#[serde(tag = "event", rename = "tune")]
struct Done<'a> {
    out: &'a str,
    measured: usize,
    known: usize,
    left_out: usize,
    seconds: f64,
    ms: f64,
    heuristic_ms: f64,
    worst_gap_percent: f64,
}

/// Runs `girih tune`: measures what training steps, evaluation and scoring of so many images at a time consist of.
///
/// # Errors
/// There is no such model, run or adapter, the batch does not fit it, or the file cannot be written.
pub fn run(flags: &args::Tune, global: &Global, output: Output) -> Result<()> {
    let Subject { model, mut config, run } = Subject::of(&flags.subject, None, None)?;
    config.precision = flags.precision.unwrap_or(config.precision);
    let own_batch = if run.is_some() { config.batch } else { 64 };
    let batch = flags.batch.unwrap_or(own_batch) as usize;
    let out = flags.out.clone().unwrap_or_else(|| run.unwrap_or_default().join(RunFolder::TUNING));
    target_file::check(&out)?;
    let mut profile = earlier(&out)?;
    let hyper = Hyperparameters { batch, ..engine::hyperparameters(&config, model.shape[2]) };
    let training = training_graph(&model, Images::Packed, &hyper).map_err(told)?;
    let (evaluation, logits) = evaluation_graph(&model, Images::Packed, batch).map_err(told)?;
    let (scoring, scores) = scoring_graph(&model, batch).map_err(told)?;
    let device = engine::open_for(global, config.precision)?;
    output.text(format!("{} on {} ({})", flags.subject, device.name(), device.driver()))?;
    let precision = engine::precision(&device, config.precision, output)?;
    let interrupt = Interrupt::install("this operation")?;
    let known = if flags.again { Choices::default() } else { profile.choices(&device).cloned().unwrap_or_default() };
    let tuner = tuning::tuner(output, flags.seconds).knowing(known).stop_when(move || interrupt.is_set());
    for (graph, outputs, precision) in [
        (&training.graph, vec![("loss", training.loss), ("logits", training.logits)], precision),
        (&evaluation, vec![("logits", logits)], Precision::F32),
        (&scoring, vec![("scores", scores)], Precision::F32),
    ] {
        let options = PlanOptions { precision, ..PlanOptions::default() };
        tuner.measure(&device, graph, &outputs, &options).map_err(failed)?;
    }
    let choices = tuner.choices();
    if choices.is_empty() && tuner.left_out() > 0 {
        bail!("nothing was measured in {:.1} s; --seconds gives it more", tuner.spent().as_secs_f64());
    }
    // First, so that a file that cannot be written loses nothing.
    if !choices.is_empty() {
        show(&choices, output)?;
    }
    profile.add(&device, choices.clone());
    profile.save(&out).map_err(told)?;
    let total = |seconds: fn(&Measured) -> f64| choices.iter().map(|(_, _, m)| seconds(m)).sum::<f64>() * 1e3;
    let worst = choices.iter().map(|(_, _, measured)| measured.gap()).fold(0.0, f64::max);
    let done = Done {
        out: &out.display().to_string(),
        measured: choices.len(),
        known: tuner.known(),
        left_out: tuner.left_out(),
        seconds: tuner.spent().as_secs_f64(),
        ms: total(|measured| measured.seconds),
        heuristic_ms: total(|measured| measured.heuristic_seconds),
        worst_gap_percent: 100.0 * worst,
    };
    output.json(&done)?;
    if done.measured > 0 {
        output.text(format!(
            "\n{} uses measured in {:.1} s: {:.1} ms in all, {:.1} ms by the engine's own choice, which is at worst {:.0} % \
             slower. {} has them.",
            done.measured, done.seconds, done.ms, done.heuristic_ms, done.worst_gap_percent, done.out
        ))?;
    }
    if done.known > 0 {
        output.text(format!("{} has {} uses from before; --again measures them anew.", done.out, done.known))?;
    }
    if done.left_out > 0 {
        let more = "the same command goes on, --seconds gives it more";
        output.text(format!("There was no time for {} more; {more}.", done.left_out))?;
    }
    Ok(())
}

/// What the file holds already. One of another version is kept beside the new one.
fn earlier(out: &Path) -> Result<TuningProfile> {
    if !out.exists() {
        return Ok(TuningProfile::default());
    }
    match TuningProfile::load(out) {
        Ok(profile) => Ok(profile),
        Err(why @ ProfileError::OtherVersion { .. }) => {
            let mut aside = out.as_os_str().to_owned();
            aside.push(".old");
            std::fs::rename(out, &aside).with_context(|| format!("{why}, and cannot be moved aside"))?;
            eprintln!("warning: {why}; it is now {}", Path::new(&aside).display());
            Ok(TuningProfile::default())
        }
        Err(why) => bail!("{why}; it is left as it is: name another file, or remove it"),
    }
}

/// What an operation is, for people: its name and its inputs; what else its use says in the file is long.
fn in_words(op: &str, key: &str) -> String {
    let (what, inputs) = key.rsplit_once("}: ").or_else(|| key.split_once(": ")).unwrap_or((key, ""));
    let fused = if what.contains("Fused") { " +" } else { "" };
    format!("{op}{fused} {inputs}")
}

fn show(choices: &Choices, output: Output) -> Result<()> {
    let mut rows: Vec<Row<'_>> = choices
        .iter()
        .map(|(op, key, measured)| Row {
            op,
            r#use: key,
            strategy: &measured.strategy,
            ms: measured.seconds * 1e3,
            heuristic: &measured.heuristic,
            heuristic_ms: measured.heuristic_seconds * 1e3,
            gap_percent: 100.0 * measured.gap(),
        })
        .collect();
    rows.sort_by(|a, b| b.ms.total_cmp(&a.ms));
    let mut table = Table::new(&[
        ("operation", Align::Left),
        ("fastest", Align::Left),
        ("ms", Align::Right),
        ("own choice", Align::Left),
        ("ms", Align::Right),
        ("gap", Align::Right),
    ]);
    for row in &rows {
        output.json(row)?;
        table.row([
            in_words(row.op, row.r#use),
            row.strategy.to_owned(),
            format!("{:.3}", row.ms),
            row.heuristic.to_owned(),
            format!("{:.3}", row.heuristic_ms),
            format!("{:.0} %", row.gap_percent),
        ]);
    }
    output.text(table.render(output.table_width()))?;
    let fused = rows.iter().any(|row| in_words(row.op, row.r#use).contains(" + "));
    if fused { output.text("\n+: with what is fused behind it") } else { Ok(()) }
}
