//! `girih bench trees`: what batching by depth is worth.

use anyhow::Result;
use girih::bench::trees::{Extent, TreeRow, TreeSettings, Way, measure};
use girih::ops::tree::Cell;
use girih::plan::Precision;
use serde::Serialize;

use super::args::{TreeCell, TreeFlags};
use super::{digits, profile, quartiles};
use crate::args::{Global, name_of};
use crate::engine::{self, failed};
use crate::output::Output;
use crate::table::{Align, Table, count};

/// One order over one batch: a JSON line.
#[derive(Serialize)]
#[serde(tag = "event", rename = "trees")]
struct Row {
    cell: String,
    hidden: u32,
    batch: u32,
    what: &'static str,
    order: &'static str,
    nodes: usize,
    levels: usize,
    dispatches: usize,
    ms: f64,
    ms_low: f64,
    ms_high: f64,
    nodes_per_s: f64,
    speedup: f64,
}

/// What a profile is of.
#[derive(Serialize)]
struct Of<'a> {
    cell: &'a str,
    what: &'static str,
    order: &'static str,
}

/// Runs `girih bench trees`.
///
/// # Errors
/// The batch does not fit the adapter, or a profile is wanted of one without timestamps.
pub fn run(flags: &TreeFlags, global: &Global, output: Output) -> Result<()> {
    let device = engine::open(global)?;
    let cell = match flags.cell {
        TreeCell::TreeLstm => Cell::NaryLstm,
        TreeCell::ChildSumTreeLstm => Cell::ChildSumLstm,
        TreeCell::Rntn => Cell::Tensor,
    };
    let hidden = flags.hidden.unwrap_or(if cell == Cell::Tensor { 28 } else { 100 });
    let [size, batch, rounds] = [hidden, flags.batch, flags.rounds].map(|n| n as usize);
    let profile = profile::roofline(flags.profile, &device, Precision::F32)?;
    let settings = TreeSettings { cell, hidden: size, batch, rounds, profile };
    let report = measure(&device, &settings).map_err(failed)?;
    let name = name_of(flags.cell);
    output.text(format!("{name} of {hidden} on {} ({})", device.name(), device.driver()))?;
    output.text(format!(
        "{} random trees, {} nodes, {} levels of inner nodes\n",
        flags.batch,
        count(report.nodes as u64),
        report.levels
    ))?;
    let mut table = Table::new(&[
        ("what", Align::Left),
        ("order", Align::Left),
        ("dispatches", Align::Right),
        ("ms", Align::Right),
        ("", Align::Left),
        ("nodes/s", Align::Right),
        ("", Align::Right),
    ]);
    for row in &report.rows {
        let (what, order) = words(row);
        let slowest = report.rows.iter().filter(|other| other.extent == row.extent).map(|r| r.seconds.median);
        let speedup = slowest.fold(0.0, f64::max) / row.seconds.median;
        let ms = row.seconds.scaled(1e3);
        let nodes_per_s = report.nodes as f64 / row.seconds.median;
        output.json(&Row {
            cell: name.clone(),
            hidden,
            batch: flags.batch,
            what,
            order,
            nodes: report.nodes,
            levels: report.levels,
            dispatches: row.dispatches,
            ms: ms.median,
            ms_low: ms.low,
            ms_high: ms.high,
            nodes_per_s,
            speedup,
        })?;
        table.row([
            what.to_owned(),
            order.to_owned(),
            row.dispatches.to_string(),
            digits(ms.median),
            quartiles(&ms),
            digits(nodes_per_s),
            format!("{speedup:.1} ×"),
        ]);
    }
    output.text(table.render(output.table_width()))?;
    for row in &report.rows {
        let Some(profile) = &row.profile else { continue };
        let (what, order) = words(row);
        output.text(format!("\n{what}, {order}:"))?;
        profile::show(&Of { cell: &name, what, order }, profile, output)?;
    }
    Ok(())
}

/// What a row times, and how.
fn words(row: &TreeRow) -> (&'static str, &'static str) {
    let what = match row.extent {
        Extent::Cells => "cells",
        Extent::Step => "training step",
    };
    let order = match row.way {
        Way::Levels => "level by level",
        Way::OneByOne => "one by one",
        Way::TreeByTree => "one by one, tree by tree",
    };
    (what, order)
}
