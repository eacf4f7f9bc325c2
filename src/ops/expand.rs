//! Repetition along broadcast axes.

use super::{Case, CaseInput};
use crate::graph::{Gradients, Graph, GraphError, Lowering, NodeId, Op, ShapeError, Vjp};
use crate::kernel::Candidates;
use crate::ops::pointwise::{Fused, Program};
use crate::tensor::{Array, Shape, TensorType};

/// Input → the given shape, to which it broadcasts.
#[derive(Clone, Debug, PartialEq)]
pub struct Expand {
    /// The output's shape.
    pub shape: Shape,
}

impl Op for Expand {
    fn name(&self) -> &'static str {
        "expand"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [x] = inputs else { return Err(ShapeError::new("takes one input")) };
        match x.shape.broadcast(&self.shape) {
            Some(shape) if shape == self.shape => Ok(TensorType::f32(shape)),
            _ => Err(ShapeError::new(format!("{} does not broadcast to {}", x.shape, self.shape))),
        }
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        Array::from_fn(self.shape.clone(), |index| inputs[0].at(index))
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        let shape = graph.ty(io.inputs[0]).shape.clone();
        Ok(vec![Some(graph.sum_to(io.d_output, &shape)?)])
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        Fused(Program::identity()).lower(l)
    }
}

impl Graph {
    /// `x` repeated to `shape`.
    ///
    /// # Errors
    /// When `x` does not broadcast to `shape`.
    pub fn expand(&mut self, x: NodeId, shape: &Shape) -> Result<NodeId, GraphError> {
        if self.ty(x).shape == *shape { Ok(x) } else { self.apply(Expand { shape: shape.clone() }, &[x]) }
    }
}

/// Cases.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, from: CaseInput, to: &[usize]| Case::new(name, Expand { shape: to.into() }, vec![from]);
    vec![
        case("scalar to matrix", CaseInput::f32([]), &[3, 5]),
        case("channels to images", CaseInput::f32([3, 1, 1]), &[2, 3, 4, 4]),
        case("rows to a matrix", CaseInput::f32([8]), &[5, 8]),
    ]
}
