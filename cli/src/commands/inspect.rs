//! `girih inspect`: a model's layers and the plan that runs it.

use anyhow::Result;
use serde::Serialize;

use crate::output::Output;
use crate::table::{Align, Table, bytes, count};

/// One layer: a JSON line of `girih inspect`.
#[derive(Serialize, Clone, Debug)]
#[serde(tag = "event", rename = "layer")]
pub struct Layer {
    /// Its path in the model, such as `features.0.conv`.
    pub path: String,
    /// What it does, such as `conv2d 3→32, 3×3`.
    pub kind: String,
    /// The shape of its output for one image.
    pub output: Vec<usize>,
    /// Trained numbers in it.
    pub parameters: u64,
    /// Floating-point operations for one image, a multiply-add counted as two.
    pub flops: u64,
}

/// One plan: a JSON line of `girih inspect`.
#[derive(Serialize, Clone, Debug)]
#[serde(tag = "event", rename = "plan")]
pub struct Plan {
    /// `forward` or `training`.
    pub pass: String,
    /// Images a step.
    pub batch: u32,
    /// Whether operations are fused and buffers reused.
    pub fused: bool,
    /// Dispatches a step.
    pub dispatches: u64,
    /// Buffers on the device.
    pub buffers: u64,
    /// Bytes on the device at the most.
    pub peak_bytes: u64,
}

/// Shows the layer table.
///
/// # Errors
/// Standard output cannot be written.
pub fn show_layers(layers: &[Layer], output: Output) -> Result<()> {
    let mut table = Table::new(&[
        ("layer", Align::Left),
        ("", Align::Left),
        ("output", Align::Left),
        ("parameters", Align::Right),
        ("MFLOP", Align::Right),
    ]);
    let mflop = |flops: u64| format!("{:.2}", flops as f64 / 1e6);
    for layer in layers {
        output.json(layer)?;
        let shape: Vec<String> = layer.output.iter().map(ToString::to_string).collect();
        table.row([
            layer.path.clone(),
            layer.kind.clone(),
            shape.join("×"),
            count(layer.parameters),
            mflop(layer.flops),
        ]);
    }
    table.row([
        "total".into(),
        String::new(),
        String::new(),
        count(layers.iter().map(|layer| layer.parameters).sum()),
        mflop(layers.iter().map(|layer| layer.flops).sum()),
    ]);
    output.text(table.render(output.width()))
}

/// Shows the plans, with and without fusion and reuse.
///
/// # Errors
/// Standard output cannot be written.
pub fn show_plans(plans: &[Plan], output: Output) -> Result<()> {
    let mut table = Table::new(&[
        ("plan", Align::Left),
        ("batch", Align::Right),
        ("dispatches", Align::Right),
        ("buffers", Align::Right),
        ("peak", Align::Right),
    ]);
    for plan in plans {
        output.json(plan)?;
        let note = if plan.fused { "" } else { ", as written" };
        table.row([
            format!("{}{note}", plan.pass),
            plan.batch.to_string(),
            count(plan.dispatches),
            count(plan.buffers),
            bytes(plan.peak_bytes),
        ]);
    }
    output.text("")?;
    output.text(table.render(output.width()))
}
