//! All steps of a sequence.

use super::reference::{self, Inputs};
use super::{Extents, Walk, sequence, steps, window};
use crate::graph::{Gradients, Graph, GraphError, Lowering, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::Candidates;
use crate::tensor::{Array, DType, TensorType};

/// Inputs: x f32 `[T, B, G·H]`, the input's parts of the G gates; the recurrent weight `[G·H, H]`; the initial hidden state
/// `[B, H]`; the initial cell state `[B, H]` if the cell has one; the recurrent bias `[G·H]` if it
/// [has one](super::Cell::has_recurrent_bias); the mask f32 `[T, B]` if the walk is masked → the tape, f32 of one axis (see
/// the module).
///
/// It has no gradient by itself: the [`super::Part`]s that read the tape have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recurrent(pub Walk);

/// Where each input is.
#[derive(Clone, Copy)]
pub(super) struct Numbers {
    pub cell_state: Option<usize>,
    pub bias: Option<usize>,
    pub mask: Option<usize>,
    pub count: usize,
}

/// x, the weight, the initial hidden state.
pub(super) const ALWAYS: usize = 3;

impl Recurrent {
    pub(super) fn numbers(&self) -> Numbers {
        let mut count = ALWAYS;
        let mut next = |there: bool| {
            count += usize::from(there);
            there.then_some(count - 1)
        };
        let Walk { cell, masked, .. } = self.0;
        let (cell_state, bias, mask) = (next(cell.has_cell_state()), next(cell.has_recurrent_bias()), next(masked));
        Numbers { cell_state, bias, mask, count }
    }

    /// Steps, sequences and units of well-formed inputs.
    pub(super) fn extents(&self, inputs: &[TensorType]) -> Result<Extents, ShapeError> {
        let Numbers { cell_state, bias, mask, count } = self.numbers();
        if inputs.len() != count {
            return Err(ShapeError::new(format!("{:?} takes {count} inputs, not {}", self.0, inputs.len())));
        }
        if let Some(other) = inputs.iter().find(|ty| ty.dtype != DType::F32) {
            return Err(ShapeError::new(format!("all inputs must be f32, not {other}")));
        }
        let gates = self.0.cell.gates();
        let (&[steps, batch, rows], &[_, hidden]) = (&*inputs[0].shape, &*inputs[1].shape) else {
            let why =
                format!("x [T, B, {gates}·H] and a weight [{gates}·H, H] wanted, not {} and {}", inputs[0], inputs[1]);
            return Err(ShapeError::new(why));
        };
        let wanted = |ty: &TensorType, shape: &[usize], what: &str| match *ty.shape == *shape {
            true => Ok(()),
            false => Err(ShapeError::new(format!("{what} must be {shape:?} for x {} , not {}", inputs[0], ty.shape))),
        };
        if rows != gates * hidden {
            let why = format!("x {} has {rows} features, the weight {} wants {}", inputs[0], inputs[1], gates * hidden);
            return Err(ShapeError::new(why));
        }
        if steps * batch * hidden == 0 {
            return Err(ShapeError::new(format!("x {} has no steps, no sequences or no units", inputs[0])));
        }
        wanted(&inputs[1], &[gates * hidden, hidden], "the recurrent weight")?;
        wanted(&inputs[2], &[batch, hidden], "the initial hidden state")?;
        if let Some(i) = cell_state {
            wanted(&inputs[i], &[batch, hidden], "the initial cell state")?;
        }
        if let Some(i) = bias {
            wanted(&inputs[i], &[gates * hidden], "the recurrent bias")?;
        }
        if let Some(i) = mask {
            wanted(&inputs[i], &[steps, batch], "the mask")?;
        }
        Ok(Extents { steps, batch, hidden })
    }
}

impl Op for Recurrent {
    fn name(&self) -> &'static str {
        "recurrent"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        Ok(TensorType::f32([self.0.tape(self.extents(inputs)?)]))
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let types: Vec<TensorType> = inputs.iter().map(|x| TensorType::f32(x.shape.clone())).collect();
        let Ok(extents) = self.extents(&types) else { return Array::zeros([0]) };
        let numbers = self.numbers();
        let of = |number: Option<usize>| number.map(|i| &*inputs[i].values);
        let io = Inputs {
            x: &inputs[0].values,
            weight: &inputs[1].values,
            h: &inputs[2].values,
            c: of(numbers.cell_state),
            bias: of(numbers.bias),
            mask: of(numbers.mask),
        };
        reference::forward(self.0, extents, &io)
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        io.undefined(graph)
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let Ok(extents) = self.extents(l.inputs) else { return Vec::new() };
        let mut candidates = vec![steps::forward(self, extents, l)];
        // Software drivers pay for every barrier; elsewhere a step's dispatch costs more than one.
        let sequence = sequence::forward(self, extents, l);
        let at = if l.caps.is_software() { candidates.len() } else { 0 };
        candidates.splice(at..at, sequence);
        candidates.splice(0..0, window::forward(self, extents, l));
        candidates
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        // The product; the gates are little beside it.
        2 * types.inputs[0].count() as u64 * types.inputs[1].shape[1] as u64
    }
}
