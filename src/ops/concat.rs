//! Tensors one after another along an axis.

use super::copy::{Rows, around};
use super::{Case, CaseInput};
use crate::graph::{Gradients, Graph, GraphError, Lowering, NodeId, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Operand, Strategy};
use crate::tensor::{Array, TensorType};

/// Inputs `[…, nᵢ, …]`, alike but for one axis → `[…, Σ nᵢ, …]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Concat {
    /// The axis along which they lie.
    pub axis: usize,
}

impl Concat {
    /// Where each input begins along the axis, and where the last one ends.
    fn starts<'a>(&self, shapes: impl Iterator<Item = &'a [usize]>) -> Vec<usize> {
        let mut starts = vec![0];
        let mut end = 0;
        for shape in shapes {
            end += shape[self.axis];
            starts.push(end);
        }
        starts
    }
}

impl Op for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [first, rest @ ..] = inputs else { return Err(ShapeError::new("takes one input or more")) };
        let axis = self.axis;
        if axis >= first.shape.rank() {
            return Err(ShapeError::new(format!("{} has no axis {axis}", first.shape)));
        }
        let mut shape = first.shape.to_vec();
        for other in rest {
            let alike = other.dtype == first.dtype
                && other.shape.rank() == shape.len()
                && (0..shape.len()).all(|i| i == axis || other.shape[i] == shape[i]);
            if !alike {
                return Err(ShapeError::new(format!("{first} and {other} differ in more than axis {axis}")));
            }
            shape[axis] += other.shape[axis];
        }
        Ok(TensorType { shape: shape.into(), dtype: first.dtype })
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let starts = self.starts(inputs.iter().map(|x| &*x.shape));
        let mut shape = inputs[0].shape.to_vec();
        shape[self.axis] = starts[inputs.len()];
        Array::from_fn(shape, |index| {
            let i = index[self.axis];
            let input = starts[1..].iter().filter(|&&end| end <= i).count();
            let mut from = index.to_vec();
            from[self.axis] -= starts[input];
            inputs[input].at(&from)
        })
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        let starts = self.starts(io.inputs.iter().map(|&x| &*graph.ty(x).shape));
        (0..io.inputs.len())
            .map(|i| match io.wanted[i] {
                true => graph.slice(io.d_output, self.axis, starts[i], starts[i + 1]).map(Some),
                false => Ok(None),
            })
            .collect()
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let starts = self.starts(l.inputs.iter().map(|x| &*x.shape));
        let (rows, extent, inner) = around(&l.output.shape, self.axis);
        let calls = (0..l.inputs.len())
            .map(|i| {
                let len = (starts[i + 1] - starts[i]) * inner;
                let (to_start, to_pitch) = (starts[i] * inner, extent * inner);
                let rows = Rows { rows, len, from_start: 0, from_pitch: len, to_start, to_pitch };
                rows.call(Operand::Input(i), l.caps)
            })
            .collect();
        vec![Strategy { name: "rows", calls, scratch: Vec::new() }]
    }

    fn flops(&self, _: &OpTypes<'_>) -> u64 {
        0
    }

    fn places(&self, types: &OpTypes<'_>) -> Option<Vec<usize>> {
        let (outer, _, inner) = around(&types.output.shape, self.axis);
        let mut starts = self.starts(types.inputs.iter().map(|x| &*x.shape));
        starts.pop();
        (outer == 1).then(|| starts.into_iter().map(|start| start * inner).collect())
    }
}

impl Graph {
    /// `inputs` one after another along `axis`; all other axes and the element types must agree.
    ///
    /// # Errors
    /// When there is no input, no such axis, or they differ elsewhere.
    pub fn concat(&mut self, inputs: &[NodeId], axis: usize) -> Result<NodeId, GraphError> {
        self.apply(Concat { axis }, inputs)
    }
}

/// Cases.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, axis, inputs| Case::new(name, Concat { axis }, inputs);
    vec![
        case("rows", 0, vec![CaseInput::f32([2, 5]), CaseInput::f32([3, 5]), CaseInput::f32([1, 5])]),
        case("aligned rows", 0, vec![CaseInput::f32([2, 64]), CaseInput::f32([1, 64])]),
        case("channels", 1, vec![CaseInput::f32([2, 3, 4, 4]), CaseInput::f32([2, 5, 4, 4])]),
        case("odd columns", 1, vec![CaseInput::f32([3, 1]), CaseInput::f32([3, 6])]),
        case("one input", 1, vec![CaseInput::f32([3, 4])]),
        case("nine inputs", 0, (1..10).map(|n| CaseInput::f32([n])).collect()),
        case("labels", 1, vec![CaseInput::index([2, 3], 9), CaseInput::index([2, 2], 9)]).forward_only(),
    ]
}
