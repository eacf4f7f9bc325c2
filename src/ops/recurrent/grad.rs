//! All steps, backwards.

use super::{Extents, Walk, reference, steps, window};
use crate::graph::{Gradients, Graph, GraphError, Lowering, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::Candidates;
use crate::tensor::{Array, DType, TensorType};

/// Inputs: the tape of [`super::Recurrent`]; its weight `[G·H, H]`; the gradient of the hidden states `[T, B, H]`, or that of
/// the last cell state `[B, H]`; the mask `[T, B]` if the walk is masked → the gradients of the gates of all steps and of
/// the initial states, f32 of one axis: `[T, B, G, H]` of the input's parts, the same of the recurrent parts where they
/// differ, `[B, H]` of the hidden state, `[B, H]` of the cell state if there is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecurrentGrad {
    /// How the op whose gradient it is walks.
    pub walk: Walk,
    /// Steps of the sequence.
    pub steps: usize,
    /// Whether the gradient given is that of the last cell state.
    pub of_cell: bool,
}

impl RecurrentGrad {
    /// Steps, sequences and units of well-formed inputs.
    pub(super) fn extents(&self, inputs: &[TensorType]) -> Result<Extents, ShapeError> {
        let count = 3 + usize::from(self.walk.masked);
        if inputs.len() != count || inputs.iter().any(|ty| ty.dtype != DType::F32) {
            return Err(ShapeError::new(format!("takes {count} inputs of f32: tape, weight, gradient, mask")));
        }
        let (Some(&hidden), [.., batch, _]) = (inputs[1].shape.last(), &*inputs[2].shape) else {
            return Err(ShapeError::new(format!("a weight {} and a gradient {}", inputs[1], inputs[2])));
        };
        let e = Extents { steps: self.steps, batch: *batch, hidden };
        let mut wanted = vec![TensorType::f32([self.walk.tape(e)])];
        wanted.push(TensorType::f32([self.walk.cell.gates() * hidden, hidden]));
        wanted.push(match self.of_cell {
            true => TensorType::f32([e.batch, hidden]),
            false => TensorType::f32([e.steps, e.batch, hidden]),
        });
        wanted.push(TensorType::f32([e.steps, e.batch]));
        match inputs.iter().zip(&wanted).find(|(found, wanted)| found != wanted) {
            None => Ok(e),
            Some((found, wanted)) => Err(ShapeError::new(format!("{wanted} wanted, not {found}"))),
        }
    }
}

impl Op for RecurrentGrad {
    fn name(&self) -> &'static str {
        "recurrent_grad"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        Ok(TensorType::f32([self.walk.gradients(self.extents(inputs)?)]))
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let types: Vec<TensorType> = inputs.iter().map(|x| TensorType::f32(x.shape.clone())).collect();
        let Ok(extents) = self.extents(&types) else { return Array::zeros([0]) };
        let d = Some(&*inputs[2].values);
        let (d_hidden, d_cell) = if self.of_cell { (None, d) } else { (d, None) };
        let mask = inputs.get(3).map(|mask| &*mask.values);
        reference::backward(self.walk, extents, &inputs[0].values, &inputs[1].values, d_hidden, d_cell, mask)
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        io.undefined(graph)
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let Ok(extents) = self.extents(l.inputs) else { return Vec::new() };
        let mut candidates = vec![steps::backward(self, extents, l)];
        if let Some(window) = window::backward(self, extents, l) {
            candidates.insert(0, window);
        }
        candidates
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        let rows = types.inputs[2].count() / types.inputs[1].shape[1].max(1);
        2 * types.inputs[1].count() as u64 * rows as u64
    }
}
