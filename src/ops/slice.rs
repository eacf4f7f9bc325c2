//! A range of one axis.

use super::copy::{Rows, around};
use super::{Case, CaseInput};
use crate::graph::{Gradients, Graph, GraphError, Lowering, NodeId, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Operand, Strategy};
use crate::tensor::{Array, TensorType};

/// Input `[…, n, …]` → `[…, end − start, …]`: the elements `start..end` of one axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// The axis.
    pub axis: usize,
    /// The first element kept.
    pub start: usize,
    /// The first element behind those kept.
    pub end: usize,
}

impl Op for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [x] = inputs else { return Err(ShapeError::new("takes one input")) };
        let Self { axis, start, end } = *self;
        let Some(&extent) = x.shape.get(axis) else {
            return Err(ShapeError::new(format!("{} has no axis {axis}", x.shape)));
        };
        if start >= end || end > extent {
            return Err(ShapeError::new(format!("{start}..{end} is no range of axis {axis} of {}", x.shape)));
        }
        let mut shape = x.shape.to_vec();
        shape[axis] = end - start;
        Ok(TensorType { shape: shape.into(), dtype: x.dtype })
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let mut shape = inputs[0].shape.to_vec();
        shape[self.axis] = self.end - self.start;
        Array::from_fn(shape, |index| {
            let mut from = index.to_vec();
            from[self.axis] += self.start;
            inputs[0].at(&from)
        })
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        let shape = graph.ty(io.inputs[0]).shape.clone();
        let mut padding = vec![[0, 0]; shape.rank()];
        padding[self.axis] = [self.start, shape[self.axis] - self.end];
        Ok(vec![Some(graph.pad(io.d_output, &padding, 0.0)?)])
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let (rows, extent, inner) = around(&l.inputs[0].shape, self.axis);
        let len = (self.end - self.start) * inner;
        let rows =
            Rows { rows, len, from_start: self.start * inner, from_pitch: extent * inner, to_start: 0, to_pitch: len };
        vec![Strategy::single("rows", rows.call(Operand::Input(0), l.caps))]
    }

    fn flops(&self, _: &OpTypes<'_>) -> u64 {
        0
    }

    fn view(&self, types: &OpTypes<'_>) -> Option<usize> {
        let (outer, _, inner) = around(&types.inputs[0].shape, self.axis);
        (outer == 1).then_some(self.start * inner)
    }
}

impl Graph {
    /// The elements `start..end` of one axis of `x`. Along the outermost axis it is a view where the device's alignment
    /// allows it.
    ///
    /// # Errors
    /// When `x` has no such axis, or the range is empty or passes its end.
    pub fn slice(&mut self, x: NodeId, axis: usize, start: usize, end: usize) -> Result<NodeId, GraphError> {
        let whole = start == 0 && self.ty(x).shape.get(axis) == Some(&end);
        if whole { Ok(x) } else { self.apply(Slice { axis, start, end }, &[x]) }
    }
}

/// Cases.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, x: CaseInput, axis, start, end| Case::new(name, Slice { axis, start, end }, vec![x]);
    vec![
        case("rows", CaseInput::f32([6, 5]), 0, 1, 4),
        case("aligned rows", CaseInput::f32([8, 64]), 0, 2, 5),
        case("columns", CaseInput::f32([3, 8]), 1, 4, 8),
        case("odd columns", CaseInput::f32([3, 9]), 1, 3, 8),
        case("a middle axis", CaseInput::f32([2, 5, 3, 4]), 1, 1, 3),
        case("behind axes of extent 1", CaseInput::f32([1, 1, 6, 2]), 2, 3, 6),
        case("labels", CaseInput::index([7, 3], 9), 1, 1, 2).forward_only(),
        // An invocation of a GPU copies several.
        case("odd columns of a large matrix", CaseInput::f32([731, 725]), 1, 3, 722).forward_only(),
        case("columns of a large matrix", CaseInput::f32([2051, 1032]), 1, 4, 1028).forward_only(),
    ]
}
