//! A chain of element-wise functions as a small program.

use std::fmt;
use std::fmt::Write as _;

use super::functions;
use crate::graph::Function;
use crate::tensor::{Array, DType, Shape};

/// An operand of an instruction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// The program's operand with this number.
    Input(usize),
    /// The result of the instruction with this number.
    Result(usize),
    /// A number.
    Literal(f32),
}

/// One function applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Instruction {
    /// The function.
    pub function: &'static Function,
    /// Its operands.
    pub operands: Vec<Value>,
}

/// Instructions in order; the last one's result is the program's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    /// How many operands it takes.
    pub input_count: usize,
    /// The instructions; with none, the result is operand 0.
    pub instructions: Vec<Instruction>,
}

/// The names of its functions, in order.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.instructions.iter().map(|instruction| instruction.function.name).collect();
        f.write_str(&names.join(", "))
    }
}

impl Program {
    /// One function over operands 0, 1, ….
    pub fn of(function: &'static Function) -> Self {
        let operands = (0..function.arity).map(Value::Input).collect();
        Self { input_count: function.arity, instructions: vec![Instruction { function, operands }] }
    }

    /// The program that returns its one operand.
    pub fn identity() -> Self {
        Self { input_count: 1, instructions: Vec::new() }
    }

    /// The element type of the result.
    pub fn dtype(&self) -> DType {
        match self.instructions.last() {
            Some(last) if *last.function == functions::TO_F16 => DType::F16,
            _ => DType::F32,
        }
    }

    /// The f64 value for one element.
    pub fn value(&self, inputs: &[f64]) -> f64 {
        let mut results: Vec<f64> = Vec::with_capacity(self.instructions.len());
        for instruction in &self.instructions {
            let operand = |v: &Value| match *v {
                Value::Input(i) => inputs[i],
                Value::Result(i) => results[i],
                Value::Literal(x) => f64::from(x),
            };
            let operands: Vec<f64> = instruction.operands.iter().map(operand).collect();
            results.push((instruction.function.value)(&operands));
        }
        results.last().copied().unwrap_or(inputs[0])
    }

    /// The f64 value over broadcast arrays.
    pub fn reference(&self, inputs: &[&Array]) -> Array {
        let shapes = inputs.iter().try_fold(Shape::default(), |s, a| s.broadcast(&a.shape)).unwrap_or_default();
        let mut operands = vec![0.0; inputs.len()];
        Array::from_fn(shapes, |index| {
            for (operand, input) in operands.iter_mut().zip(inputs) {
                *operand = input.at(index);
            }
            self.value(&operands)
        })
    }

    /// WGSL statements that compute the program; operand `i` is the expression `input(i)`. Returns the statements and
    /// the name of the result.
    pub fn wgsl(&self, input: impl Fn(usize) -> String) -> (String, String) {
        let mut out = String::new();
        for (n, instruction) in self.instructions.iter().enumerate() {
            let mut expression = instruction.function.wgsl.to_owned();
            for (i, operand) in instruction.operands.iter().enumerate() {
                let text = match *operand {
                    Value::Input(i) => input(i),
                    Value::Result(i) => format!("t{i}"),
                    Value::Literal(x) => format!("Elem({x:?})"),
                };
                expression = expression.replace(&format!("{{{i}}}"), &text);
            }
            // Writing to a string cannot fail.
            let _ = writeln!(out, "    let t{n} = {expression};");
        }
        let result = match self.instructions.len() {
            0 => input(0),
            n => format!("t{}", n - 1),
        };
        (out, result)
    }
}
