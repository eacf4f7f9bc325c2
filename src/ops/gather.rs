//! Rows by index.

use super::copy::{common_width, word};
use super::launch::Launch;
use super::{Case, CaseInput};
use crate::graph::{Gradients, Graph, GraphError, Lowering, NodeId, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Kernel, KernelCall, Operand, Strategy, source};
use crate::tensor::{Array, DType, HostTensor, TensorType};

/// x `[N, …]`, indices u32 `[B]` → `[B, …]` of the type of x: row `indices[b]` of x for each `b`.
///
/// An index past the end gives a row of zeros, or of `u32::MAX` where x is u32: a padded image is black and its label
/// no class.
#[derive(Clone, Debug, PartialEq)]
pub struct Gather {
    /// The element type of x.
    pub dtype: DType,
}

impl Gather {
    /// The bits of a row that is not there.
    fn fill(&self) -> u32 {
        match self.dtype {
            DType::F32 | DType::F16 => 0,
            DType::U32 => u32::MAX,
        }
    }
}

/// `[B, …]` of a row shape and an index vector; the row's extents.
pub(super) fn rows_and_indices(inputs: &[TensorType]) -> Result<(&TensorType, usize, &[usize]), ShapeError> {
    let [x, indices] = inputs else { return Err(ShapeError::new("takes rows and indices")) };
    let Some((_, row)) = x.shape.split_first() else {
        return Err(ShapeError::new("a scalar has no rows"));
    };
    match (indices.dtype, &*indices.shape) {
        (DType::U32, &[batch]) => Ok((x, batch, row)),
        _ => Err(ShapeError::new(format!("indices must be u32[B], not {indices}"))),
    }
}

pub(super) fn with_rows(rows: usize, row: &[usize]) -> Vec<usize> {
    let mut shape = vec![rows];
    shape.extend_from_slice(row);
    shape
}

impl Op for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let (x, batch, row) = rows_and_indices(inputs)?;
        if x.dtype != self.dtype {
            return Err(ShapeError::new(format!("rows of {} wanted, not {x}", self.dtype)));
        }
        Ok(TensorType { shape: with_rows(batch, row).into(), dtype: x.dtype })
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let [x, indices] = inputs else { return Array::zeros([0]) };
        let row = &x.shape[1..];
        let len: usize = row.iter().product();
        // As bits, 0 is 0.0: the fill is the same number for either type.
        let mut out = Array::full(with_rows(indices.values.len(), row), f64::from(self.fill()));
        for (to, &index) in out.values.chunks_exact_mut(len).zip(&indices.values) {
            if index < x.shape[0] as f64 {
                to.copy_from_slice(&x.values[index as usize * len..][..len]);
            }
        }
        out
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        let rows = graph.ty(io.inputs[0]).shape[0];
        Ok(vec![Some(graph.scatter_add(io.d_output, io.inputs[1], rows)?), None])
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let (x, batch) = (&l.inputs[0], l.inputs[1].count());
        let len: usize = x.shape[1..].iter().product();
        let width = common_width(&[len]);
        let count = batch * len / width;
        let launch = Launch::new(count, 2 * 4 * width, 1, l.caps);
        let kernel = launch
            .define(Kernel::new(source!("gather_rows")).constant("Elem", word(width)))
            .constant("COLUMNS", len / width)
            .constant("FILL", self.fill());
        let call = KernelCall::new(kernel, launch.grid(count, l.caps)).bind_inputs(2);
        let call = call.bind(Operand::Output).param("count", count).param("rows", x.shape[0]);
        vec![Strategy::single("rows", call)]
    }

    fn flops(&self, _: &OpTypes<'_>) -> u64 {
        0
    }
}

impl Graph {
    /// Rows of x `[N, …]` by indices u32 `[B]` → `[B, …]`. An index past the end gives zeros, or `u32::MAX` where x is
    /// u32.
    ///
    /// # Errors
    /// When x is a scalar or the indices are not u32 `[B]`.
    pub fn gather(&mut self, x: NodeId, indices: NodeId) -> Result<NodeId, GraphError> {
        let dtype = self.ty(x).dtype;
        self.apply(Gather { dtype }, &[x, indices])
    }

    /// u32 `[B]` → f32 `[B, classes]`: 1 where the column is the value, else 0. No gradient flows.
    ///
    /// # Errors
    /// When the labels are not of shape `[B]`.
    pub fn one_hot(&mut self, labels: NodeId, classes: usize) -> Result<NodeId, GraphError> {
        let &[batch] = &*self.ty(labels).shape else {
            return Err(self.error("one_hot", &[labels], "takes labels of shape [B]"));
        };
        let column = self.reshape(labels, [batch, 1])?;
        let numbers = HostTensor::u32([classes], (0..classes as u32).collect());
        let Some(numbers) = numbers else {
            return Err(self.error("one_hot", &[labels], "more classes than 32 bits count"));
        };
        let numbers = self.constant(numbers);
        self.equal(column, numbers)
    }
}

/// Cases.
pub fn cases() -> Vec<Case> {
    let gather = |name: &str, x: CaseInput, indices| Case::new(name, Gather { dtype: x.ty.dtype }, vec![x, indices]);
    vec![
        gather("vectors", CaseInput::f32([7, 8]), CaseInput::index([5], 7)),
        gather("repeated odd rows", CaseInput::f32([3, 5]), CaseInput::index([9], 3)),
        gather("images", CaseInput::f32([4, 2, 3, 2]), CaseInput::index([3], 4)),
        gather("past the end", CaseInput::f32([3, 4]), CaseInput::index([9], 6)),
        gather("labels", CaseInput::index([50], 10), CaseInput::index([16], 50)).forward_only(),
        gather("labels past the end", CaseInput::index([5], 10), CaseInput::index([16], 9)).forward_only(),
        gather("words", CaseInput::index([9, 12], 1000), CaseInput::index([4], 9)).forward_only(),
        gather("many odd rows", CaseInput::f32([70, 257]), CaseInput::index([2051], 80)).forward_only(),
        gather("many rows", CaseInput::f32([90, 1024]), CaseInput::index([2051], 90)).forward_only(),
    ]
}
