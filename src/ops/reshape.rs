//! Another shape over the same elements: a view, which costs nothing.

use super::copy::Rows;
use super::{Case, CaseInput};
use crate::graph::{Gradients, Graph, GraphError, Lowering, NodeId, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Operand, Strategy};
use crate::tensor::{Array, Shape, TensorType};

/// Input `[…]` → the given shape, of as many elements.
#[derive(Clone, Debug, PartialEq)]
pub struct Reshape {
    /// The output's shape.
    pub shape: Shape,
}

impl Op for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [x] = inputs else { return Err(ShapeError::new("takes one input")) };
        if x.count() != self.shape.count() {
            let (from, to) = (x.count(), self.shape.count());
            return Err(ShapeError::new(format!("{} has {from} elements, {} has {to}", x.shape, self.shape)));
        }
        Ok(TensorType { shape: self.shape.clone(), dtype: x.dtype })
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        inputs[0].reshaped(self.shape.clone())
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        let shape = graph.ty(io.inputs[0]).shape.clone();
        Ok(vec![Some(graph.reshape(io.d_output, shape)?)])
    }

    /// A copy, where the planner finds nothing to look into: of a number, as the gradient of a sum begins with.
    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let copy = Rows::one(l.output.count(), 0).call(Operand::Input(0), l.caps);
        vec![Strategy::single("rows", copy)]
    }

    fn flops(&self, _: &OpTypes<'_>) -> u64 {
        0
    }

    fn view(&self, _: &OpTypes<'_>) -> Option<usize> {
        Some(0)
    }
}

impl Graph {
    /// The same elements under another shape.
    ///
    /// # Errors
    /// When the element counts differ.
    pub fn reshape(&mut self, x: NodeId, shape: impl Into<Shape>) -> Result<NodeId, GraphError> {
        let shape = shape.into();
        if self.ty(x).shape == shape { Ok(x) } else { self.apply(Reshape { shape }, &[x]) }
    }

    /// `[n, …]` → `[n, everything else]`.
    ///
    /// # Errors
    /// When `x` is a scalar.
    pub fn flatten(&mut self, x: NodeId) -> Result<NodeId, GraphError> {
        match self.ty(x).shape.split_first() {
            Some((&n, rest)) => {
                let shape = [n, rest.iter().product()];
                self.reshape(x, shape)
            }
            None => Err(self.error("flatten", &[x], "a scalar has no batch axis")),
        }
    }
}

/// Cases.
pub fn cases() -> Vec<Case> {
    vec![Case::new("flatten", Reshape { shape: [2, 12].into() }, vec![CaseInput::f32([2, 3, 4])])]
}
