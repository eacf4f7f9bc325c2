//! Setting a variable.

use crate::graph::{Gradients, Graph, GraphError, Lowering, NodeId, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Kernel, source};
use crate::tensor::{Array, DType, TensorType};

/// An effect: `variable ← x`, of one f32 type. What the next run reads of the variable is this run's x.
#[derive(Clone, Debug, PartialEq)]
pub struct Assign;

impl Op for Assign {
    fn name(&self) -> &'static str {
        "assign"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        match inputs {
            [variable, x] if variable == x && x.dtype == DType::F32 => Ok(TensorType::f32([0])),
            [variable, x] => Err(ShapeError::new(format!("sets {variable} to {x}"))),
            _ => Err(ShapeError::new("takes a variable and its next value")),
        }
    }

    fn reference(&self, _: &[&Array]) -> Array {
        Array::zeros([0])
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        io.undefined(graph)
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        super::strategies(l, &Kernel::new(source!("assign")), |call| call)
    }

    fn flops(&self, _: &OpTypes<'_>) -> u64 {
        0
    }

    fn mutates(&self) -> &'static [usize] {
        &[0]
    }

    fn mutate(&self, inputs: &mut [Array]) {
        let [variable, x] = inputs else { return };
        variable.values.clone_from(&x.values);
    }
}

impl Graph {
    /// Sets `variable` to `x` after all values of a run are there: how a run hands something on to the next.
    ///
    /// # Errors
    /// When the types differ.
    pub fn assign(&mut self, variable: NodeId, x: NodeId) -> Result<NodeId, GraphError> {
        self.apply(Assign, &[variable, x])
    }
}
