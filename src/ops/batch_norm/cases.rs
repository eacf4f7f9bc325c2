//! Cases of batch normalisation.

use std::sync::Arc;

use super::{BnApply, BnGrad, BnRunning, BnStats, BnSums};
use crate::ops::pointwise::{FusedEpilogue, Instruction, Program, Value, functions};
use crate::ops::{Case, CaseInput, Values};
use crate::tensor::TensorType;

const EPS: f32 = 1e-5;

fn x(shape: &[usize]) -> CaseInput {
    // A mean far from zero against its deviation: E[x²] − E[x]² would lose every digit of the variance.
    CaseInput { ty: TensorType::f32(shape), values: Values::Uniform(9.0, 11.0) }
}

fn d(shape: &[usize]) -> CaseInput {
    CaseInput { ty: TensorType::f32(shape), values: Values::Uniform(-1.0, 1.0) }
}

fn stats(channels: usize) -> CaseInput {
    CaseInput::f32_of([2, channels], Values::Uniform(0.5, 1.5))
}

/// Small shapes for finite differences, then training's, in planes of every kind.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let small: [(&str, &[usize]); 3] =
        [("images", &[3, 2, 2, 4]), ("odd images", &[2, 3, 3, 3]), ("features", &[6, 5])];
    for (name, shape) in small {
        let c = shape[1];
        cases.push(Case::new(format!("statistics of {name}"), BnStats, vec![d(shape)]));
        let inputs = vec![d(shape), stats(c), CaseInput::f32([c]), CaseInput::f32([c])];
        cases.push(Case::new(format!("apply to {name}"), BnApply { eps: EPS }, inputs));
    }
    let large: [(&str, &[usize]); 8] = [
        ("large images", &[16, 8, 32, 32]),
        ("many small images", &[64, 96, 4, 4]),
        ("one image of odd words", &[1, 50, 6, 6]),
        ("odd large images", &[5, 3, 33, 31]),
        ("wide features", &[100, 260]),
        ("signals", &[4, 6, 50]),
        ("large batches", &[66, 32, 32, 32]),
        ("large odd batches", &[33, 17, 31, 33]),
    ];
    for (name, shape) in large {
        let c = shape[1];
        cases.push(Case::new(format!("statistics of {name}"), BnStats, vec![x(shape)]).forward_only());
        let inputs = vec![d(shape), stats(c), CaseInput::f32([c]), CaseInput::f32([c])];
        cases.push(Case::new(format!("apply to {name}"), BnApply { eps: EPS }, inputs).forward_only());
        for (relu, behind) in [(false, ""), (true, ", behind ReLU")] {
            let sums = BnSums { eps: EPS, relu };
            let inputs = vec![d(shape), d(shape), stats(c), CaseInput::f32([c]), CaseInput::f32([c])];
            cases.push(Case::new(format!("sums of {name}{behind}"), sums, inputs).tolerance(1e-4).forward_only());
            let inputs = vec![d(shape), d(shape), stats(c), d(&[2, c]), CaseInput::f32([c]), CaseInput::f32([c])];
            let grad = BnGrad { eps: EPS, relu };
            cases.push(Case::new(format!("gradient of {name}{behind}"), grad, inputs).forward_only());
        }
    }
    // A residual, added as networks have it, where an invocation of a GPU has several elements.
    let shape = &[66, 32, 32, 32];
    let instruction = Instruction { function: &functions::ADD, operands: vec![Value::Input(0), Value::Input(1)] };
    let program = Program { input_count: 2, instructions: vec![instruction] };
    let op = FusedEpilogue { base: Arc::new(BnApply { eps: EPS }), base_inputs: 4, program };
    let inputs = vec![d(shape), stats(32), CaseInput::f32([32]), CaseInput::f32([32]), d(shape)];
    cases.push(Case::new("apply to large batches, then a residual", op, inputs).forward_only());
    let running = vec![CaseInput::f32([70]), CaseInput::f32_of([70], Values::Uniform(0.5, 1.5)), stats(70)];
    cases.push(Case::new("running statistics", BnRunning { momentum: 0.1, count: 12 }, running).forward_only());
    cases
}
