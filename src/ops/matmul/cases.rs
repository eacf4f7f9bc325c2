//! Cases of the product: every transposition, every kind of batch, and the edges of every strategy's tiles.

use std::sync::Arc;

use super::MatMul;
use crate::ops::pointwise::{FusedEpilogue, Instruction, Program, Value, functions};
use crate::ops::{Case, CaseInput};

const NN: MatMul = MatMul { transpose_a: false, transpose_b: false };
const NT: MatMul = MatMul { transpose_a: false, transpose_b: true };
const TN: MatMul = MatMul { transpose_a: true, transpose_b: false };
const TT: MatMul = MatMul { transpose_a: true, transpose_b: true };

/// Cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, op) in [("NN", NN), ("NT", NT), ("TN", TN), ("TT", TT)] {
        cases.push(matrices(format!("{name} odd"), op, 7, 11, 5));
        cases.push(matrices(format!("{name} of fours"), op, 8, 12, 16));
        cases.push(matrices(format!("{name} edges"), op, 37, 45, 67).forward_only());
        cases.push(matrices(format!("{name} edges of fours"), op, 132, 140, 84).forward_only());
        cases.push(matrices(format!("{name} one row"), op, 1, 19, 30));
        cases.push(matrices(format!("{name} one column"), op, 19, 1, 30));
        cases.push(matrices(format!("{name} outer"), op, 9, 6, 1));
        let batch = |shape: [usize; 2]| CaseInput::f32([3, shape[0], shape[1]]);
        let (a, b) = stored(op, 5, 6, 7);
        cases.push(Case::new(format!("{name} batched"), op, vec![batch(a), batch(b)]));
        cases.push(Case::new(format!("{name} batch against matrix"), op, vec![batch(a), CaseInput::f32(b)]));
        cases.push(Case::new(format!("{name} matrix against batch"), op, vec![CaseInput::f32(a), batch(b)]));
    }
    for rows in 1..=4 {
        cases.push(matrices(format!("{rows} rows NN"), NN, rows, 44, 20));
        cases.push(matrices(format!("{rows} rows NT"), NT, rows, 45, 20));
    }
    // Rows read through windows: all alike, the last ones past the end, and rows that begin between two windows' starts.
    cases.push(matrices("1 row through windows", NT, 1, 256, 512).forward_only());
    cases.push(matrices("2 rows through windows, edges", NT, 2, 37, 1056).forward_only());
    cases.push(matrices("3 rows through windows between", NT, 3, 70, 480).forward_only());
    cases.push(matrices("1 row through windows NN", NN, 1, 512, 128).forward_only());
    cases.push(matrices("2 rows through windows NN, edges", NN, 2, 544, 36).forward_only());
    cases.push(matrices("4 rows through windows NN, parts", NN, 4, 2080, 76).forward_only());
    cases.push(matrices("1 row, stored as a column", TN, 1, 44, 20));
    let [many_a, many_b] = [[66_000, 1, 2], [66_000, 2, 1]].map(CaseInput::f32);
    cases.push(Case::new("more matrices than a grid is long", NN, vec![many_a, many_b]).forward_only());
    cases.push(Case::new("broadcast batches", NN, vec![CaseInput::f32([2, 1, 3, 4]), CaseInput::f32([3, 4, 2])]));
    cases.push(Case::new(
        "three groups of batch axes",
        NT,
        vec![CaseInput::f32([2, 1, 2, 3, 4]), CaseInput::f32([3, 1, 2, 4])],
    ));
    cases.push(Case::new("two batch axes", TN, vec![CaseInput::f32([2, 2, 4, 3]), CaseInput::f32([2, 2, 4, 2])]));
    // Several tiles and several steps of `wide`, whole and not.
    cases.push(matrices("whole tiles", NT, 256, 512, 128).forward_only());
    cases.push(matrices("whole tiles NN", NN, 64, 512, 256).forward_only());
    cases.push(matrices("whole tiles, parts", NN, 64, 128, 1024).forward_only());
    cases.push(matrices("whole tiles TN, last window repeated", TN, 160, 384, 160).forward_only());
    cases.push(matrices("both in place, windows shorter than the longest", TN, 96, 160, 128).forward_only());
    cases.push(matrices("one in place, the other padded", NN, 70, 288, 512).forward_only());
    cases.push(matrices("in place, several steps", TN, 32, 512, 2048).forward_only());
    cases.push(matrices("several steps", NT, 16, 32, 8192).forward_only());
    cases.push(matrices("several steps and tiles", NN, 70, 300, 2100).forward_only());
    // Many products of whole tiles: packed as one tall matrix, one by one, or read in place; and of one matrix with many.
    for (name, op) in [("NN", NN), ("NT", NT), ("TN", TN)] {
        let (a, b) = stored(op, 32, 64, 20);
        let batch = |shape: [usize; 2]| CaseInput::f32([3, shape[0], shape[1]]);
        cases.push(Case::new(format!("{name} whole tiles batched"), op, vec![batch(a), batch(b)]).forward_only());
        let (a, b) = stored(op, 64, 32, 128);
        cases.push(
            Case::new(format!("{name} matrix against whole tiles"), op, vec![CaseInput::f32(a), batch(b)])
                .forward_only(),
        );
    }
    // More terms than Mesa 22.3 turns a loop.
    cases.push(matrices("long sum", NN, 2, 3, 66_001).forward_only());
    cases.push(matrices("very long sum", NT, 1, 2, 300_001).forward_only());
    cases.push(matrices("long sum transposed", TN, 4, 4, 66_000).forward_only());
    // In f16, exactly the products of the rounded operands: only the sums round.
    for (name, op) in [("NN", NN), ("NT", NT), ("TN", TN), ("TT", TT)] {
        let half = |name: String, m, n, k| {
            let mut case = matrices(name, op, m, n, k);
            case.inputs = case.inputs.into_iter().map(CaseInput::half).collect();
            case.forward_only().tolerance(HALF)
        };
        cases.push(half(format!("f16 {name} odd"), 7, 11, 5));
        cases.push(half(format!("f16 {name} whole tiles"), 128, 128, 64));
        cases.push(half(format!("f16 {name} whole tiles, odd steps"), 64, 64, 48));
        cases.push(half(format!("f16 {name} whole tiles, parts"), 128, 256, 1024));
        cases.push(half(format!("f16 {name} edges"), 37, 45, 67));
        cases.push(half(format!("f16 {name} edges of fours"), 132, 140, 84));
        cases.push(half(format!("f16 {name} parts"), 20, 24, 1100));
        let (a, b) = stored(op, 5, 6, 8);
        let batch = |shape: [usize; 2]| CaseInput::f32([3, shape[0], shape[1]]).half();
        let inputs = vec![batch(a), CaseInput::f32(b).half()];
        cases.push(Case::new(format!("f16 {name} batch against matrix"), op, inputs).forward_only().tolerance(HALF));
    }
    for (name, m, n, k) in [("", 70, 36, 20), (", parts", 20, 24, 1100)] {
        for to_half in [false, true] {
            cases.push(with_epilogue(name, m, n, k, to_half));
        }
    }
    cases
}

/// Of products of f16, whose sums matrix units round as they like.
const HALF: f64 = 1e-4;

/// A product of f16 with bias and ReLU, stored as f32 or as f16.
fn with_epilogue(name: &str, m: usize, n: usize, k: usize, to_half: bool) -> Case {
    let instruction = |function, operands| Instruction { function, operands };
    let mut program = Program {
        input_count: 2,
        instructions: vec![
            instruction(&functions::ADD, vec![Value::Input(0), Value::Input(1)]),
            instruction(&functions::RELU, vec![Value::Result(0)]),
        ],
    };
    if to_half {
        program.instructions.push(instruction(&functions::TO_F16, vec![Value::Result(1)]));
    }
    let op = FusedEpilogue { base: Arc::new(NT), base_inputs: 2, program };
    let inputs = vec![CaseInput::f32([m, k]).half(), CaseInput::f32([n, k]).half(), CaseInput::f32([n])];
    let (result, tolerance) = if to_half { ("f16", 1e-3) } else { ("f32", HALF) };
    Case::new(format!("f16, bias and relu to {result}{name}"), op, inputs).forward_only().tolerance(tolerance)
}

/// The stored shapes of an M×K and a K×N matrix.
fn stored(op: MatMul, m: usize, n: usize, k: usize) -> ([usize; 2], [usize; 2]) {
    let a = if op.transpose_a { [k, m] } else { [m, k] };
    (a, if op.transpose_b { [n, k] } else { [k, n] })
}

/// An M×K by K×N product. Rounding grows with √K; results do too.
fn matrices(name: impl Into<String>, op: MatMul, m: usize, n: usize, k: usize) -> Case {
    let (a, b) = stored(op, m, n, k);
    let tolerance = 1e-6 * (k as f64).sqrt().max(4.0);
    Case::new(name, op, vec![CaseInput::f32(a), CaseInput::f32(b)]).tolerance(tolerance)
}
