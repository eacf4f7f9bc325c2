//! Cases of the element-wise ops.

use super::functions::{self, FUNCTIONS};
use super::{Fused, Instruction, Pointwise, Program, Value};
use crate::ops::{Case, CaseInput, Values};

/// The last place of f16: drivers round to the nearest or towards zero.
const HALF: f64 = 1e-3;

/// Every function on a vector-width and an odd shape; broadcasting in all its forms; a fused chain.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for function in FUNCTIONS {
        let domain = |i: usize| *function.domain.get(i).unwrap_or(&function.domain[0]);
        for shape in [[4, 8], [3, 5]] {
            let operand = |i: usize| CaseInput::f32_of(shape, Values::Uniform(domain(i).0, domain(i).1));
            let inputs = (0..function.arity).map(operand).collect();
            let case = Case::new(format!("{} {shape:?}", function.name), Pointwise(function), inputs).tolerance(2e-5);
            let flat = matches!(function.name, "equal" | "greater" | "sign" | "to_f16");
            let case = if function.name == "to_f16" { case.tolerance(HALF) } else { case };
            cases.push(if flat || function.name.ends_with("_grad") { case.forward_only() } else { case });
        }
    }
    let add = |name: &str, inputs: Vec<CaseInput>| Case::new(name, Pointwise(&functions::ADD), inputs);
    cases.push(add("bias over rows", vec![CaseInput::f32([6, 8]), CaseInput::f32([8])]));
    cases.push(add("bias over channels", vec![CaseInput::f32([2, 3, 4, 4]), CaseInput::f32([3, 1, 1])]));
    cases.push(add("bias over odd channels", vec![CaseInput::f32([2, 3, 5, 5]), CaseInput::f32([1, 3, 1, 1])]));
    cases.push(add("outer sum", vec![CaseInput::f32([5, 1]), CaseInput::f32([1, 7])]));
    cases.push(add("a middle axis repeats", vec![CaseInput::f32([4, 3, 8]), CaseInput::f32([4, 1, 8])]));
    cases.push(add("outer axes repeat", vec![CaseInput::f32([3, 4, 8]), CaseInput::f32([1, 4, 8])]));
    cases.push(add("a column repeats", vec![CaseInput::f32([4, 8]), CaseInput::f32([4, 1])]));
    cases.push(add("a scalar", vec![CaseInput::f32([4, 8]), CaseInput::f32([])]));
    cases.push(add("both scalars", vec![CaseInput::f32([]), CaseInput::f32([])]));
    cases.push(
        add("larger than a grid row", vec![CaseInput::f32([1031, 33]), CaseInput::f32([1031, 1])]).forward_only(),
    );
    // Where an invocation of a GPU does several Elems, the last ones beside the tensor.
    for shape in [[2051, 1024], [729, 721]] {
        cases.push(add("large", vec![CaseInput::f32(shape), CaseInput::f32(shape)]).forward_only());
    }
    cases.push(
        Case::new(
            "labels as numbers",
            Pointwise(&functions::EQUAL),
            vec![CaseInput::index([33], 4), CaseInput::index([33], 4)],
        )
        .forward_only(),
    );
    // relu(x · a + b) · 2
    let instruction = |function, operands| Instruction { function, operands };
    let program = Program {
        input_count: 3,
        instructions: vec![
            instruction(&functions::MUL, vec![Value::Input(0), Value::Input(1)]),
            instruction(&functions::ADD, vec![Value::Result(0), Value::Input(2)]),
            instruction(&functions::RELU, vec![Value::Result(1)]),
            instruction(&functions::MUL, vec![Value::Result(2), Value::Literal(2.0)]),
        ],
    };
    let mut to_half = program.clone();
    to_half.instructions.push(instruction(&functions::TO_F16, vec![Value::Result(3)]));
    for (name, c) in [("fused chain", 4), ("fused odd chain", 3)] {
        let inputs = || vec![CaseInput::f32([2, c, c]), CaseInput::f32([c]), CaseInput::f32([c, 1])];
        cases.push(Case::new(name, Fused(program.clone()), inputs()).forward_only());
        cases
            .push(Case::new(format!("{name} to f16"), Fused(to_half.clone()), inputs()).forward_only().tolerance(HALF));
        let halves = inputs().into_iter().map(CaseInput::half).collect();
        cases.push(Case::new(format!("{name} of f16"), Fused(program.clone()), halves).forward_only());
    }
    // Three words and a half, over a row and a column that repeat.
    let halves = vec![CaseInput::f32([7, 1]).half(), CaseInput::f32([7]).half()];
    let sum = Program {
        input_count: 2,
        instructions: vec![
            instruction(&functions::ADD, vec![Value::Input(0), Value::Input(1)]),
            instruction(&functions::TO_F16, vec![Value::Result(0)]),
        ],
    };
    cases.push(Case::new("f16 to an odd number of f16", Fused(sum), halves).forward_only().tolerance(HALF));
    for count in [64, 7] {
        let large = CaseInput::f32_of([count], Values::Uniform(-2e5, 2e5));
        let op = Pointwise(&functions::TO_F16);
        cases.push(Case::new(format!("{count} beyond f16"), op, vec![large]).forward_only().tolerance(HALF));
    }
    cases
}
