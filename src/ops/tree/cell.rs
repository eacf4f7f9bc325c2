//! What differs from cell to cell: the extents of what a level computes.

use crate::graph::ShapeError;
use crate::tensor::{DType, TensorType};

/// How a node's state follows from its children's.
///
/// A leaf begins from its row of the leaf projections. An inner node multiplies its children's hidden states, a *line*
/// or more of them, with the weight; the cell does the rest. A child that is not there has state 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// The N-ary Tree-LSTM (Tai, Socher and Manning, *Improved Semantic Representations From Tree-Structured Long
    /// Short-Term Memory Networks*, 2015, equations 9 to 14), binary with two children. Leaves `[L, 3H]` and the
    /// columns of the weight `[K·H, (3 + K)·H]` are the gates i, o, u (and a forget gate for each child); the bias
    /// `[4H]` is that of i, o, u and f.
    NaryLstm,
    /// The child-sum Tree-LSTM (the same, equations 2 to 8). As the N-ary, but all children share the weight
    /// `[H, 4H]` of i, o, u and f.
    ChildSumLstm,
    /// The recursive neural tensor network (Socher et al., *Recursive Deep Models for Semantic Compositionality Over a
    /// Sentiment Treebank*, 2013): `h = tanh(xᵀ V x + W x + bias)` of the two children's states `x`. Leaves `[L, H]` are
    /// the states themselves; the weight `[2H, H + 2H·H]` is W, transposed, and for each element of x the slice of V
    /// that it multiplies; the bias is `[H]`.
    Tensor,
}

/// The extents of a tree op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extents {
    pub cell: Cell,
    /// Elements of a state, H.
    pub hidden: usize,
    /// The most children of a node, K.
    pub arity: usize,
    /// Rows for leaves, L.
    pub leaves: usize,
    /// Rows for inner nodes, behind them.
    pub inner: usize,
    /// The most levels of inner nodes.
    pub levels: usize,
}

/// The shapes of what a cell takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellShapes {
    /// Elements of a leaf's projection.
    pub leaf: usize,
    /// Of the weight.
    pub weight: [usize; 2],
    /// Elements of the bias.
    pub bias: usize,
}

impl Cell {
    /// The shapes for states of `hidden` elements and nodes of up to `arity` children.
    pub fn shapes(self, hidden: usize, arity: usize) -> CellShapes {
        let (leaf, weight, bias) = match self {
            Self::NaryLstm => (3, [arity * hidden, (3 + arity) * hidden], 4),
            Self::ChildSumLstm => (3, [hidden, 4 * hidden], 4),
            Self::Tensor => (1, [2 * hidden, hidden * (1 + 2 * hidden)], 1),
        };
        CellShapes { leaf: leaf * hidden, weight, bias: bias * hidden }
    }

    fn is_lstm(self) -> bool {
        self != Self::Tensor
    }
}

impl Extents {
    /// Of well-formed inputs: leaves, weight, bias, children u32 `[inner, K]` and levels u32 `[1 + levels, 2]`.
    pub fn new(cell: Cell, inputs: &[TensorType]) -> Result<Self, ShapeError> {
        let [leaves, weight, bias, children, levels] = inputs else {
            return Err(ShapeError::new("takes leaves, weight, bias, children and levels"));
        };
        let (&[leaf_rows, width], &[inner, arity], &[rows, 2]) = (&*leaves.shape, &*children.shape, &*levels.shape)
        else {
            return Err(ShapeError::new(format!(
                "leaves [L, width], children [nodes, K] and levels [1 + levels, 2] wanted, not {leaves}, {children} and {levels}"
            )));
        };
        let hidden = if cell.is_lstm() { width / 3 } else { width };
        let extents = Self { cell, hidden, arity, leaves: leaf_rows, inner, levels: rows.saturating_sub(1) };
        if leaves.shape.count() * children.shape.count() * extents.levels == 0 || !hidden.is_multiple_of(4) {
            return Err(ShapeError::new(format!(
                "leaves {leaves}, children {children} and levels {levels}: none may be empty, and states must have a multiple of 4 elements"
            )));
        }
        if cell == Cell::Tensor && arity != 2 {
            return Err(ShapeError::new(format!("children {children}: the tensor cell takes two a node")));
        }
        let wanted = [extents.leaf_width(), extents.depth(), extents.columns(), extents.bias()];
        let floats = [leaves, weight, bias].iter().all(|ty| ty.dtype == DType::F32);
        let words = [children, levels].iter().all(|ty| ty.dtype == DType::U32);
        if !floats || !words || wanted[0] != width || *weight.shape != wanted[1..3] || *bias.shape != wanted[3..] {
            return Err(ShapeError::new(format!(
                "{leaves}, {weight}, {bias}, {children} and {levels}: f32[L, {}], f32[{}, {}], f32[{}] and u32 wanted",
                wanted[0], wanted[1], wanted[2], wanted[3]
            )));
        }
        Ok(extents)
    }

    /// All rows, N.
    pub fn rows(&self) -> usize {
        self.leaves + self.inner
    }

    /// Elements of a leaf's projection.
    pub fn leaf_width(&self) -> usize {
        self.cell.shapes(self.hidden, self.arity).leaf
    }

    /// Elements of a line: what a row of the product sums over.
    pub fn depth(&self) -> usize {
        self.cell.shapes(self.hidden, self.arity).weight[0]
    }

    /// Lines of a node.
    pub fn lines(&self) -> usize {
        if self.cell == Cell::ChildSumLstm { self.arity } else { 1 }
    }

    /// Columns of the weight.
    pub fn columns(&self) -> usize {
        self.cell.shapes(self.hidden, self.arity).weight[1]
    }

    /// Elements of the bias.
    pub fn bias(&self) -> usize {
        self.cell.shapes(self.hidden, self.arity).bias
    }

    /// Planes `[N, H]` of the trace: of an LSTM h, c, i, o, u and a forget gate for each child; of the tensor cell h,
    /// and for each element of x the slice of V times x.
    pub fn planes(&self) -> usize {
        if self.cell.is_lstm() { 5 + self.arity } else { 1 + 2 * self.hidden }
    }

    /// Planes of state whose gradients flow down: h, and an LSTM's c.
    pub fn state_planes(&self) -> usize {
        if self.cell.is_lstm() { 2 } else { 1 }
    }

    /// The most nodes of a level, counted from 1: each has at least one below it on every level before.
    pub fn most(&self, level: usize) -> usize {
        (self.inner / level).max(1)
    }

    /// Elements of the gradients of all leaves' projections, which stand before those of the lines' products.
    pub fn leaf_gradients(&self) -> usize {
        self.leaves * self.leaf_width()
    }

    /// Elements of the gradients of all lines' products.
    pub fn line_gradients(&self) -> usize {
        self.inner * self.lines() * self.columns()
    }
}
