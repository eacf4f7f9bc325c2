//! Tensors one after another in a flat buffer, as a bank lays its variables.

use super::copy::Rows;
use super::{Case, CaseInput};
use crate::graph::{Bank, Gradients, Graph, GraphError, Lowering, NodeId, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Operand, Strategy};
use crate::tensor::{Array, DType, TensorType};

/// Inputs f32 of any shapes → f32 `[len]`, input `i` from element `offsets[i]` on: gradients as their parameters lie.
///
/// The gaps are never written; who makes the buffer zeroes it once.
#[derive(Clone, Debug, PartialEq)]
pub struct Pack {
    /// The first element of each input: rising, a multiple of [`Bank::ALIGNMENT`].
    pub offsets: Vec<usize>,
    /// Elements of the output.
    pub len: usize,
}

impl Op for Pack {
    fn name(&self) -> &'static str {
        "pack"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        if inputs.len() != self.offsets.len() {
            return Err(ShapeError::new(format!("{} offsets for {} inputs", self.offsets.len(), inputs.len())));
        }
        let mut end = 0;
        for (x, &offset) in inputs.iter().zip(&self.offsets) {
            if x.dtype != DType::F32 {
                return Err(ShapeError::new(format!("packs f32 tensors, not {x}")));
            }
            if offset < end || !offset.is_multiple_of(Bank::ALIGNMENT) {
                let why = format!("{x} at {offset}: behind element {end} and a multiple of {} wanted", Bank::ALIGNMENT);
                return Err(ShapeError::new(why));
            }
            end = offset + x.count();
        }
        if end > self.len {
            return Err(ShapeError::new(format!("{end} elements packed into {}", self.len)));
        }
        Ok(TensorType::f32([self.len]))
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let mut packed = Array::zeros([self.len]);
        for (x, &offset) in inputs.iter().zip(&self.offsets) {
            packed.values[offset..offset + x.values.len()].copy_from_slice(&x.values);
        }
        packed
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        io.undefined(graph)
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let calls = l.inputs.iter().zip(&self.offsets).enumerate().map(|(i, (x, &to_start))| {
            let len = x.count();
            // One row: the distances between rows are not used, and must not keep it from being copied by vec4.
            let rows = Rows { rows: 1, len, from_start: 0, from_pitch: 0, to_start, to_pitch: 0 };
            rows.call(Operand::Input(i), l.caps)
        });
        vec![Strategy { name: "rows", calls: calls.collect(), scratch: Vec::new() }]
    }

    fn flops(&self, _: &OpTypes<'_>) -> u64 {
        0
    }

    fn places(&self, _: &OpTypes<'_>) -> Option<Vec<usize>> {
        Some(self.offsets.clone())
    }
}

impl Graph {
    /// `inputs` at `offsets` of a flat tensor of `len` elements.
    ///
    /// # Errors
    /// When an input is not f32, inputs would overlap or pass the end, or an offset is no multiple of 64.
    pub fn pack(&mut self, inputs: &[NodeId], offsets: &[usize], len: usize) -> Result<NodeId, GraphError> {
        self.apply(Pack { offsets: offsets.to_vec(), len }, inputs)
    }
}

/// Cases: without gaps, which no kernel writes.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, offsets: &[usize], len, inputs| {
        Case::new(name, Pack { offsets: offsets.to_vec(), len }, inputs).forward_only()
    };
    vec![
        case("three", &[0, 64, 256], 261, vec![CaseInput::f32([64]), CaseInput::f32([3, 64]), CaseInput::f32([5])]),
        case("one", &[0], 7, vec![CaseInput::f32([7])]),
    ]
}
