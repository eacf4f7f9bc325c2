//! Effects on variables: optimiser steps over whole banks, accumulation and assignment.
//!
//! A bank holds all parameters one after another, so that one dispatch updates them all. Its gaps are zero and have zero
//! gradients; every update leaves them zero.

mod accumulate;
mod adam;
mod assign;
mod scale;
mod sgd;

pub use accumulate::Accumulate;
pub use adam::Adam;
pub use assign::Assign;
pub use scale::{NextScale, SKIP, UnlessOverflow};
pub use sgd::Sgd;

use super::launch::Launch;
use super::{Case, CaseInput, Values};
use crate::graph::{Lowering, ShapeError};
use crate::kernel::{Kernel, KernelCall, Strategy, element};
use crate::tensor::{DType, TensorType};

/// What changes from step to step, as the f32 `[4]` input that the host writes: learning rate, factor of the gradients
/// (1, or that of an accumulation), and Adam's bias corrections `1 − β₁ᵗ` and `1 − β₂ᵗ` at step t = 1, 2, ….
pub const RATES: usize = 4;

/// The order of an optimiser's inputs: `tensors` of one f32 type, rates `[4]`, and when `scaled` the device's own factor
/// of the gradients, `[]`, which leaves everything as it is where it is below 0.
fn check(inputs: &[TensorType], tensors: usize, scaled: bool) -> Result<TensorType, ShapeError> {
    if inputs.len() != tensors + 1 + usize::from(scaled) {
        return Err(ShapeError::new(format!(
            "takes {tensors} tensors, rates{}",
            if scaled { " and a factor" } else { "" }
        )));
    }
    let first = &inputs[0];
    if let Some(other) = inputs[..tensors].iter().find(|&t| t != first || t.dtype != DType::F32) {
        return Err(ShapeError::new(format!("updates {first} by {other}")));
    }
    if inputs[tensors] != TensorType::f32([RATES]) {
        return Err(ShapeError::new(format!("rates are {}, f32[4] wanted", inputs[tensors])));
    }
    match inputs.get(tensors + 1) {
        Some(factor) if *factor != TensorType::f32([]) => Err(ShapeError::new(format!("a factor of {factor}"))),
        _ => Ok(TensorType::f32([0])),
    }
}

/// The binding of the device's own factor, behind the rates, what the gradients are multiplied by, and whether the update
/// is skipped.
fn factor_code(binding: usize, scaled: bool) -> String {
    if scaled {
        format!(
            "@group(0) @binding({binding}) var<storage, read> factor: array<f32>;\n\
             fn gradient_factor() -> f32 {{ return rates[1] * factor[0]; }}\n\
             fn skipped() -> bool {{ return factor[0] < 0.0; }}"
        )
    } else {
        "fn gradient_factor() -> f32 { return rates[1]; }\nfn skipped() -> bool { return false; }".to_owned()
    }
}

/// An element-wise update by vectors of four, the last one to three elements on their own; and one element at a time.
/// `finish` adds parameters.
fn strategies(l: &Lowering<'_>, kernel: &Kernel, finish: impl Fn(KernelCall) -> KernelCall) -> Vec<Strategy> {
    let count = l.inputs[0].count();
    // What is updated is read and written, the gradient read.
    let tensors = 2 * l.inputs.iter().filter(|ty| ty.count() == count).count() - 1;
    let call = |width: usize, first: usize, end: usize| {
        let launch = Launch::new(end - first, 4 * width * tensors, 1, l.caps);
        let kernel = launch.define(kernel.clone().constant("Elem", element(width)));
        let call = KernelCall::new(kernel, launch.grid(end - first, l.caps)).bind_inputs(l.inputs.len());
        finish(call.param("first", first).param("end", end))
    };
    let scalar = Strategy::single("scalar", call(1, 0, count));
    if count < 4 {
        return vec![scalar];
    }
    let mut calls = vec![call(4, 0, count / 4)];
    if !count.is_multiple_of(4) {
        calls.push(call(1, count / 4 * 4, count));
    }
    vec![Strategy { name: "vec4", calls, scratch: Vec::new() }, scalar]
}

/// Cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let rates = || CaseInput::f32_of([RATES], Values::Uniform(0.1, 0.9));
    let scalar = |low, high| CaseInput::f32_of([], Values::Uniform(low, high));
    for (name, factor) in [("a step", scalar(0.5, 0.9)), ("a skipped step", scalar(-1.0, -0.5))] {
        for (count, steps) in [("one of many", scalar(1.0, 1.5)), ("the last of many", scalar(8.5, 8.9))] {
            let op = NextScale { growth: 2.0, backoff: 0.5, interval: 9 };
            let inputs = vec![scalar(512.0, 1024.0), steps, factor.clone()];
            cases.push(Case::new(format!("{name}, {count}"), op, inputs).forward_only());
        }
        let tensor = || CaseInput::f32([67]);
        let sgd = Sgd { momentum: 0.9, nesterov: true, weight_decay: 0.01, scaled: true };
        let inputs = vec![tensor(), tensor(), tensor(), rates(), factor.clone()];
        cases.push(Case::new(format!("SGD, {name}"), sgd, inputs).forward_only());
        let sgd = Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.01, scaled: true };
        cases.push(
            Case::new(format!("plain SGD, {name}"), sgd, vec![tensor(), tensor(), rates(), factor.clone()])
                .forward_only(),
        );
        let adam = Adam { beta1: 0.9, beta2: 0.999, eps: 1e-3, weight_decay: 0.01, decoupled: true, scaled: true };
        let moments = CaseInput::f32_of([67], Values::Uniform(0.0, 1.0));
        let inputs = vec![tensor(), tensor(), moments, tensor(), rates(), factor];
        cases.push(Case::new(format!("AdamW, {name}"), adam, inputs).forward_only());
    }
    let inputs = |low, high| vec![scalar(low, high), scalar(0.1, 0.9)];
    cases.push(Case::new("a finite norm", UnlessOverflow, inputs(0.0, 10.0)).forward_only());
    cases.push(Case::new("an infinite norm", UnlessOverflow, inputs(f32::MAX, f32::INFINITY)).forward_only());
    for (size, count) in [("bank", 1028), ("odd bank", 1031), ("two", 2), ("large bank", 2_100_227)] {
        let tensor = || CaseInput::f32([count]);
        let positive = || CaseInput::f32_of([count], Values::Uniform(0.0, 1.0));
        for (name, momentum, nesterov, scaled) in
            [("plain", 0.0, false, false), ("momentum", 0.9, false, true), ("Nesterov", 0.9, true, false)]
        {
            let op = Sgd { momentum, nesterov, weight_decay: 0.01, scaled };
            let mut inputs = vec![tensor(), tensor(), rates()];
            if momentum > 0.0 {
                inputs.insert(0, tensor());
            }
            if scaled {
                inputs.push(CaseInput::f32_of([], Values::Uniform(0.5, 0.9)));
            }
            cases.push(Case::new(format!("SGD {name} on a {size}"), op, inputs).forward_only());
        }
        for (decoupled, scaled) in [(false, true), (true, false)] {
            let op = Adam { beta1: 0.9, beta2: 0.999, eps: 1e-3, weight_decay: 0.01, decoupled, scaled };
            let mut inputs = vec![tensor(), tensor(), positive(), tensor(), rates()];
            if scaled {
                inputs.push(CaseInput::f32_of([], Values::Uniform(0.5, 0.9)));
            }
            let name = if decoupled { "AdamW" } else { "Adam" };
            cases.push(Case::new(format!("{name} on a {size}"), op, inputs).forward_only());
        }
        cases.push(Case::new(format!("accumulate {size}"), Accumulate, vec![tensor(), tensor()]).forward_only());
        cases.push(Case::new(format!("assign {size}"), Assign, vec![tensor(), tensor()]).forward_only());
    }
    cases.push(
        Case::new("accumulate a scalar", Accumulate, vec![CaseInput::f32([]), CaseInput::f32([])]).forward_only(),
    );
    cases
}
