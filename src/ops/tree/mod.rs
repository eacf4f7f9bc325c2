//! Recursive cells over all trees of a batch, level by level.
//!
//! Nodes are rows, sorted by height: the leaves from row 0 on, the inner nodes from row L on, a level one after another.
//! A level is one gather of its children's states, one product with the weight, one cell. What runs once over all
//! nodes, such as projections, classifiers and the weight's gradient, stands outside of the op. Grids follow the counts
//! in the table of levels ([`crate::gpu::Follow`]), so that one recording serves any shapes of trees up to its extents, and
//! levels that a batch does not have cost nothing.

mod backward;
mod cases;
mod cell;
mod forward;
mod product;
mod reference;
mod tables;

pub use cases::cases;
pub use cell::{Cell, CellShapes};

use cell::Extents;

use crate::graph::{Gradients, Graph, GraphError, Kind, Lowering, NodeId, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::Candidates;
use crate::ops::matmul::MatMul;
use crate::tensor::{Array, TensorType};

/// Leaves f32 `[L, width]`, weight, bias, children u32 `[nodes, K]` and levels u32 `[1 + levels, 2]` → the trace
/// f32 `[planes, L + nodes, H]`, of which plane 0 is the hidden states; [`Cell`] gives the other extents.
///
/// `children` are rows; one past the end is no child. `levels` holds how many inner nodes and how many leaves there are,
/// then for each level, lowest first, its first inner node (counted without the leaves) and how many it has. A level
/// may read those below it only. Rows without a node have hidden state 0; of the other planes nothing is said there.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// The cell.
    pub cell: Cell,
}

/// The gradients of [`Tree`]: d_hidden f32 `[L + nodes, H]`, the trace, the weight transposed, children and levels →
/// f32, the gradients `[L, width]` of the leaves' projections and behind them those of the products, `[nodes, columns]`
/// or, of the child-sum cell, `[nodes · K, columns]`; 0 where there is no node.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeGrad {
    of: Extents,
}

impl Op for Tree {
    fn name(&self) -> &'static str {
        "tree"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let e = Extents::new(self.cell, inputs)?;
        Ok(TensorType::f32([e.planes(), e.rows(), e.hidden]))
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let ty = |(i, x): (usize, &&Array)| match i {
            0..=2 => TensorType::f32(x.shape.clone()),
            _ => TensorType::u32(x.shape.clone()),
        };
        let types: Vec<TensorType> = inputs.iter().enumerate().map(ty).collect();
        Extents::new(self.cell, &types).map_or_else(|_| Array::zeros([0]), |e| reference::forward(&e, inputs))
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        let &[leaves, weight, bias, children, levels] = io.inputs else { return io.undefined(graph) };
        let types: Vec<TensorType> = io.inputs.iter().map(|&i| graph.ty(i).clone()).collect();
        let e = Extents::new(self.cell, &types).map_err(|why| graph.error(io.name, io.inputs, &why.0))?;
        // The trace is for this gradient; what others may use of it is the hidden states, which `Graph::tree` cuts out.
        let d_hidden = match graph.node(io.d_output) {
            node if node.op().is_some_and(|op| op.name() == "pad") => node.inputs[0],
            _ => return Err(graph.error(io.name, io.inputs, "has a gradient through its hidden states only")),
        };
        if *graph.ty(d_hidden).shape != [1, e.rows(), e.hidden] {
            return Err(graph.error(io.name, &[d_hidden], "has a gradient through its hidden states only"));
        }
        let d_hidden = graph.reshape(d_hidden, [e.rows(), e.hidden])?;
        let weight_t = graph.transpose(weight, &[1, 0])?;
        let flat = graph.apply(TreeGrad { of: e }, &[d_hidden, io.output, weight_t, children, levels])?;
        let d_leaves = graph.slice(flat, 0, 0, e.leaf_gradients())?;
        let d_leaves = graph.reshape(d_leaves, [e.leaves, e.leaf_width()])?;
        let d_lines = graph.slice(flat, 0, e.leaf_gradients(), e.leaf_gradients() + e.line_gradients())?;
        let d_lines = graph.reshape(d_lines, [e.inner * e.lines(), e.columns()])?;
        let d_weight = match io.wanted[1] {
            true => Some(d_weight(graph, &e, io.output, children, d_lines)?),
            false => None,
        };
        let d_bias = if io.wanted[2] { Some(d_bias(graph, &e, d_lines)?) } else { None };
        debug_assert_eq!((graph.ty(d_leaves), graph.ty(bias).shape.rank()), (graph.ty(leaves), 1));
        Ok(vec![Some(d_leaves), d_weight, d_bias, None, None])
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        Extents::new(self.cell, l.inputs).map_or_else(|_| Vec::new(), |e| forward::lower(&e, l))
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        Extents::new(self.cell, types.inputs).map_or(0, |e| 2 * (e.line_gradients() * e.depth()) as u64)
    }
}

/// All lines' states, transposed, times their products' gradients: one product over all nodes.
fn d_weight(graph: &mut Graph, e: &Extents, trace: NodeId, children: NodeId, d: NodeId) -> Result<NodeId, GraphError> {
    let hidden = hidden_states(graph, trace)?;
    let children = graph.reshape(children, [e.inner * e.arity])?;
    let states = graph.gather(hidden, children)?;
    let states = graph.reshape(states, [e.inner * e.lines(), e.depth()])?;
    graph.matmul_with(states, d, MatMul { transpose_a: true, transpose_b: false })
}

fn d_bias(graph: &mut Graph, e: &Extents, d_lines: NodeId) -> Result<NodeId, GraphError> {
    let h = e.hidden;
    let d = graph.reshape(d_lines, [e.inner, e.lines() * e.columns()])?;
    let d = graph.sum(d, &[0], false)?;
    match e.cell {
        Cell::Tensor => graph.slice(d, 0, 0, h),
        Cell::NaryLstm => {
            let gates = graph.slice(d, 0, 0, 3 * h)?;
            let forget = graph.slice(d, 0, 3 * h, e.columns())?;
            let forget = graph.reshape(forget, [e.arity, h])?;
            let forget = graph.sum(forget, &[0], false)?;
            graph.concat(&[gates, forget], 0)
        }
        Cell::ChildSumLstm => {
            // The gates' gradients stand in every child's line.
            let gates = graph.slice(d, 0, 0, 3 * h)?;
            let lines = graph.reshape(d, [e.arity, 4 * h])?;
            let forget = graph.slice(lines, 1, 3 * h, 4 * h)?;
            let forget = graph.sum(forget, &[0], false)?;
            graph.concat(&[gates, forget], 0)
        }
    }
}

/// Plane 0 of a trace.
fn hidden_states(graph: &mut Graph, trace: NodeId) -> Result<NodeId, GraphError> {
    let plane = graph.slice(trace, 0, 0, 1)?;
    let rows_and_columns: Vec<usize> = graph.ty(plane).shape[1..].to_vec();
    graph.reshape(plane, rows_and_columns)
}

impl Op for TreeGrad {
    fn name(&self) -> &'static str {
        "tree_grad"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let e = &self.of;
        let wanted = [
            TensorType::f32([e.rows(), e.hidden]),
            TensorType::f32([e.planes(), e.rows(), e.hidden]),
            TensorType::f32([e.columns(), e.depth()]),
            TensorType::u32([e.inner, e.arity]),
            TensorType::u32([1 + e.levels, 2]),
        ];
        if inputs == wanted {
            return Ok(TensorType::f32([e.leaf_gradients() + e.line_gradients()]));
        }
        let words = |types: &[TensorType]| types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        Err(ShapeError::new(format!("{} wanted, not {}", words(&wanted), words(inputs))))
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        reference::backward(&self.of, inputs)
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        io.undefined(graph)
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        backward::lower(&self.of, l)
    }

    fn flops(&self, _: &OpTypes<'_>) -> u64 {
        2 * (self.of.line_gradients() * self.of.depth()) as u64
    }
}

impl Graph {
    /// The hidden states `[L + nodes, H]` of all nodes of a batch of trees: [`Tree`] says what the inputs are.
    /// `children` and `levels` must be inputs of the graph.
    ///
    /// # Errors
    /// When the extents do not fit the cell, or H is not a multiple of 4.
    pub fn tree(
        &mut self,
        cell: Cell,
        leaves: NodeId,
        weight: NodeId,
        bias: NodeId,
        children: NodeId,
        levels: NodeId,
    ) -> Result<NodeId, GraphError> {
        let inputs = [leaves, weight, bias, children, levels];
        if !matches!(self.node(levels).kind, Kind::Input(_)) {
            return Err(self.error("tree", &inputs, "the table of levels must be an input, which the host writes"));
        }
        let trace = self.apply(Tree { cell }, &inputs)?;
        hidden_states(self, trace)
    }
}
