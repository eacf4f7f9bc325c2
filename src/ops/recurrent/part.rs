//! Windows of a tape or of its gradients.

use super::{Recurrent, RecurrentGrad, Walk};
use crate::graph::{Gradients, Graph, GraphError, Lowering, NodeId, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Operand, Strategy};
use crate::ops::copy::Rows;
use crate::ops::matmul::MatMul;
use crate::tensor::{Array, DType, Shape, TensorType};

/// Input 0, f32 of one axis → the `shape` that begins at element `offset` of it. Costs nothing where it is aligned.
///
/// What has a gradient takes behind it the inputs of the [`Recurrent`] that made the tape, and gives them their gradients:
/// so the steps are walked backwards once, with no gradient of the whole tape between.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// How the op that made the tape walks.
    pub walk: Walk,
    /// What the window is.
    pub role: Role,
    /// Its first element.
    pub offset: usize,
    /// Its extents.
    pub shape: Shape,
}

/// What a window of a tape is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The hidden states after all steps, `[T, B, H]`.
    Hidden,
    /// The cell state after the last step, `[B, H]`.
    LastCell,
    /// Anything, with no gradient.
    Inner,
}

impl Op for Part {
    fn name(&self) -> &'static str {
        "recurrent_part"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let end = self.offset + self.shape.count();
        match inputs.first() {
            Some(x) if x.dtype == DType::F32 && x.shape.rank() == 1 && end <= x.count() && self.shape.count() > 0 => {}
            _ => return Err(ShapeError::new(format!("elements {} to {end} of f32 of one axis", self.offset))),
        }
        match self.role {
            Role::Inner if inputs.len() != 1 => return Err(ShapeError::new("takes one input")),
            Role::Inner => {}
            Role::Hidden | Role::LastCell => drop(Recurrent(self.walk).extents(&inputs[1..])?),
        }
        Ok(TensorType::f32(self.shape.clone()))
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        Array::new(self.shape.clone(), inputs[0].values[self.offset..][..self.shape.count()].to_vec())
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        if self.role == Role::Inner {
            return io.undefined(graph);
        }
        let (tape, inputs) = (io.inputs[0], &io.inputs[1..]);
        let op = Recurrent(self.walk);
        let numbers = op.numbers();
        let types: Vec<TensorType> = inputs.iter().map(|&i| graph.ty(i).clone()).collect();
        let e = op.extents(&types).map_err(|why| graph.error(self.name(), inputs, &why.0))?;
        let cell = self.walk.cell;
        let gates = cell.gates();
        let grad = RecurrentGrad { walk: self.walk, steps: e.steps, of_cell: self.role == Role::LastCell };
        let mut taken = vec![tape, inputs[1], io.d_output];
        taken.extend(numbers.mask.map(|i| inputs[i]));
        let all = graph.apply(grad, &taken)?;
        let window = |graph: &mut Graph, of: NodeId, offset: usize, shape: Vec<usize>| {
            graph.apply(Part { walk: self.walk, role: Role::Inner, offset, shape: shape.into() }, &[of])
        };
        let rows = e.steps * e.batch;
        let wanted = |input: usize| io.wanted[1 + input];
        let mut gradients = vec![None; io.inputs.len()];
        if wanted(0) {
            gradients[1] = Some(window(graph, all, 0, vec![e.steps, e.batch, gates * e.hidden])?);
        }
        let d_recurrent = window(graph, all, self.walk.d_recurrent(e), vec![rows, gates * e.hidden])?;
        if wanted(1) {
            let before = if self.walk.reverse { e.state() } else { 0 };
            let before = window(graph, tape, before, vec![rows, e.hidden])?;
            let transposed = MatMul { transpose_a: true, transpose_b: false };
            gradients[2] = Some(if cell == super::Cell::GruResetBefore {
                // The gate n was multiplied with another state, which the tape has.
                let kept = window(graph, tape, self.walk.gates(e), vec![rows, cell.kept() * e.hidden])?;
                let reset = graph.slice(kept, 1, 3 * e.hidden, 4 * e.hidden)?;
                let d_rz = graph.slice(d_recurrent, 1, 0, 2 * e.hidden)?;
                let d_n = graph.slice(d_recurrent, 1, 2 * e.hidden, 3 * e.hidden)?;
                let rz = graph.matmul_with(d_rz, before, transposed)?;
                let n = graph.matmul_with(d_n, reset, transposed)?;
                graph.concat(&[rz, n], 0)?
            } else {
                graph.matmul_with(d_recurrent, before, transposed)?
            });
        }
        let d_state = self.walk.d_state(e);
        if wanted(2) {
            gradients[3] = Some(window(graph, all, d_state, vec![e.batch, e.hidden])?);
        }
        if let Some(i) = numbers.cell_state.filter(|&i| wanted(i)) {
            gradients[1 + i] = Some(window(graph, all, d_state + e.state(), vec![e.batch, e.hidden])?);
        }
        if let Some(i) = numbers.bias.filter(|&i| wanted(i)) {
            gradients[1 + i] = Some(graph.sum(d_recurrent, &[0], false)?);
        }
        Ok(gradients)
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let copy = Rows::one(l.output.count(), self.offset).call(Operand::Input(0), l.caps);
        vec![Strategy::single("rows", copy)]
    }

    fn flops(&self, _: &OpTypes<'_>) -> u64 {
        0
    }

    fn view(&self, _: &OpTypes<'_>) -> Option<usize> {
        Some(self.offset)
    }
}
