//! Element-wise ops with broadcasting: one table of functions ([`functions`]), one op that applies a row of it, and one
//! ([`Fused`]) that applies a whole chain in one kernel.

mod backward;
mod cases;
mod erf;
pub mod functions;
mod fused;
mod lower;
mod program;

use std::fmt;

pub use cases::cases;
pub use fused::{Fused, FusedEpilogue};
pub use program::{Instruction, Program, Value};

use crate::graph::{Function, Gradients, Graph, GraphError, Lowering, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Size};
use crate::tensor::{Array, Shape, TensorType};

/// A function of the table applied to each element.
///
/// Operands broadcast as in NumPy; u32 operands are read as numbers (exact below 2²⁴), f16 as f32; the output is f32, or
/// f16 from [`functions::TO_F16`].
#[derive(Clone, Copy, PartialEq)]
pub struct Pointwise(pub &'static Function);

impl fmt::Debug for Pointwise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl Op for Pointwise {
    fn name(&self) -> &'static str {
        self.0.name
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        if inputs.len() != self.0.arity {
            return Err(ShapeError::new(format!("takes {} operands, not {}", self.0.arity, inputs.len())));
        }
        broadcast_all(&Program::of(self.0), inputs)
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        Program::of(self.0).reference(inputs)
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        let gradients = backward::gradients(self.0, graph, io)?;
        gradients
            .into_iter()
            .zip(io.inputs)
            .map(|(gradient, &input)| {
                let shape = graph.ty(input).shape.clone();
                gradient.map(|g| graph.sum_to(g, &shape)).transpose()
            })
            .collect()
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        lower::lower(&Program::of(self.0), l)
    }

    fn sizes(&self, types: &OpTypes<'_>) -> Option<Vec<Size>> {
        let alike = types.inputs.iter().all(|input| input == types.output);
        alike.then(|| vec![Size::extent("count", types.output.count())])
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        types.output.count() as u64
    }

    fn function(&self) -> Option<&'static Function> {
        Some(self.0)
    }

    fn takes_f16(&self) -> bool {
        true
    }
}

/// The type of `program` over `inputs`: the shape they all broadcast to.
fn broadcast_all(program: &Program, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
    let mut shape = Shape::default();
    for input in inputs {
        shape = shape
            .broadcast(&input.shape)
            .ok_or_else(|| ShapeError::new(format!("{shape} and {} do not broadcast", input.shape)))?;
    }
    Ok(TensorType { shape, dtype: program.dtype() })
}
