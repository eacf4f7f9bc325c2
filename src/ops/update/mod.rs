//! Effects on variables: optimiser steps over whole banks, and accumulation.
//!
//! A bank holds all parameters one after another, so that one dispatch updates them all. Its gaps are zero and have zero
//! gradients; every update leaves them zero.

mod accumulate;
mod adam;
mod sgd;

pub use accumulate::Accumulate;
pub use adam::Adam;
pub use sgd::Sgd;

use super::stream::{Piece, Read, pieces};
use super::{Case, CaseInput, Values};
use crate::graph::{Lowering, ShapeError};
use crate::kernel::{Kernel, KernelCall, Operand, Strategy, linear_grid};
use crate::tensor::{DType, TensorType};

/// What changes from step to step, as the f32 `[4]` input that the host writes: learning rate, factor of the gradients
/// (1, or that of an accumulation), and Adam's bias corrections `1 − β₁ᵗ` and `1 − β₂ᵗ` at step t = 1, 2, ….
pub const RATES: usize = 4;

/// The order of an optimiser's inputs: `tensors` of one f32 type, rates `[4]`, and when `scaled` the device's own factor
/// of the gradients, `[]`.
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

/// The binding of the device's own factor, behind the rates, and what the gradients are multiplied by.
fn factor_code(binding: usize, scaled: bool) -> String {
    if scaled {
        format!(
            "@group(0) @binding({binding}) var<storage, read> factor: array<f32>;\n\
             fn gradient_factor() -> f32 {{ return rates[0].y * factor[0]; }}"
        )
    } else {
        "fn gradient_factor() -> f32 { return rates[0].y; }".to_owned()
    }
}

/// An element-wise update of the first `changed` inputs by the next, which the kernel calls `read`: by vectors of four,
/// what does not fill 256 bytes on its own where there is an odd one; and one element at a time. `finish` adds parameters.
fn strategies(
    l: &Lowering<'_>,
    kernel: &Kernel,
    changed: usize,
    read: &'static str,
    finish: impl Fn(KernelCall) -> KernelCall,
) -> Vec<Strategy> {
    const WORKGROUP: usize = 64;
    let total = l.inputs[0].count();
    let begin = |element: &'static str, first: usize, count: usize| {
        let kernel = kernel.clone().constant("Elem", element).constant("WG", WORKGROUP);
        let call = KernelCall::new(kernel, linear_grid(count.div_ceil(WORKGROUP), l.caps));
        finish(call.bind_inputs(changed).param("first", first).param("count", count))
    };
    let end = |mut call: KernelCall| {
        for i in changed + 1..l.inputs.len() {
            let ty = &l.inputs[i];
            if l.caps.slow_storage && ty.count() == RATES {
                call.kernel = call.kernel.window("rates", 1);
                call = call.bind_window(Operand::Input(i), 0, ty.bytes());
            } else {
                call = call.bind(Operand::Input(i));
            }
        }
        call
    };
    let scalars = |first: usize| {
        let (offset, bytes) = (first as u64 * 4, (total - first) as u64 * 4);
        end(begin("f32", first, total - first).bind_window(Operand::Input(changed), offset, bytes))
    };
    let scalar = Strategy::single("scalar", scalars(0));
    let words = if total.is_multiple_of(4) { total / 4 } else { total / 64 * 16 };
    if words == 0 {
        return vec![scalar];
    }
    let reads = [Read { operand: Operand::Input(changed), name: read, bytes: 16 }];
    let vectors = |piece: Piece| end(piece.bind(begin("vec4<f32>", piece.first, piece.count), &reads));
    let mut calls: Vec<_> = pieces(words, &reads, l.caps).into_iter().map(vectors).collect();
    if words * 4 < total {
        calls.push(scalars(words * 4));
    }
    vec![Strategy { name: "vec4", calls, scratch: Vec::new() }, scalar]
}

/// Cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let rates = || CaseInput::f32_of([RATES], Values::Uniform(0.1, 0.9));
    for (size, count) in [("bank", 1028), ("odd bank", 1031), ("long odd bank", 50_001), ("two", 2)] {
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
    }
    cases.push(
        Case::new("accumulate a scalar", Accumulate, vec![CaseInput::f32([]), CaseInput::f32([])]).forward_only(),
    );
    cases
}
