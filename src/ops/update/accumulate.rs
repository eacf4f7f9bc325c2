//! Adding to a variable.

use crate::graph::{Gradients, Graph, GraphError, Lowering, NodeId, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Kernel, source};
use crate::tensor::{Array, DType, TensorType};

/// An effect: `variable ← variable + x`, of one f32 type.
#[derive(Clone, Debug, PartialEq)]
pub struct Accumulate;

impl Op for Accumulate {
    fn name(&self) -> &'static str {
        "accumulate"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        match inputs {
            [variable, x] if variable == x && x.dtype == DType::F32 => Ok(TensorType::f32([0])),
            [variable, x] => Err(ShapeError::new(format!("adds {x} to {variable}"))),
            _ => Err(ShapeError::new("takes a variable and what is added")),
        }
    }

    fn reference(&self, _: &[&Array]) -> Array {
        Array::zeros([0])
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        io.undefined(graph)
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        super::strategies(l, &Kernel::new(source!("accumulate")), |call| call)
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        types.inputs[0].count() as u64
    }

    fn mutates(&self) -> &'static [usize] {
        &[0]
    }

    fn mutate(&self, inputs: &mut [Array]) {
        let [variable, x] = inputs else { return };
        variable.values.iter_mut().zip(&x.values).for_each(|(sum, x)| *sum += x);
    }
}

impl Graph {
    /// Adds `x` to `variable` after all values of a run are there.
    ///
    /// # Errors
    /// When the types differ.
    pub fn accumulate(&mut self, variable: NodeId, x: NodeId) -> Result<NodeId, GraphError> {
        self.apply(Accumulate, &[variable, x])
    }
}
