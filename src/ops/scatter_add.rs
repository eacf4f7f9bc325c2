//! Rows added up by index: the transpose of [`Gather`](super::gather::Gather).

use super::copy::{clear, common_width, float};
use super::gather::{rows_and_indices, with_rows};
use super::launch::Launch;
use super::matmul::WINDOW;
use super::{Case, CaseInput};
use crate::gpu::Caps;
use crate::graph::{Gradients, Graph, GraphError, Lowering, NodeId, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Kernel, KernelCall, Operand, Strategy, source};
use crate::tensor::{Array, DType, TensorType};

/// values f32 `[B, …]`, indices u32 `[B]` → f32 `[rows, …]`: each row the sum of the values that name it, in order.
///
/// An index past the end adds nothing. The order of addition is fixed, so the sums repeat bit for bit.
#[derive(Clone, Debug, PartialEq)]
pub struct ScatterAdd {
    /// Rows of the output.
    pub rows: usize,
}

/// Neighbouring indices that one dispatch adds up, and that are searched for each other: the work of finding those that name
/// one row grows as batch × chunk. Software searches as long as a dispatch takes to begin, a GPU at hardly any cost.
fn chunk(caps: &Caps) -> usize {
    if caps.is_software() { 1024 } else { 4096 }
}

/// The most Elems of a row that an invocation adds up.
const MOST_ELEMENTS: usize = 8;

impl Op for ScatterAdd {
    fn name(&self) -> &'static str {
        "scatter_add"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let (values, batch, row) = rows_and_indices(inputs)?;
        if values.dtype != DType::F32 || values.shape[0] != batch {
            return Err(ShapeError::new(format!("{values} are not f32 rows for {batch} indices")));
        }
        Ok(TensorType::f32(with_rows(self.rows, row)))
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let [values, indices] = inputs else { return Array::zeros([0]) };
        let row = &values.shape[1..];
        let len: usize = row.iter().product();
        let mut out = Array::zeros(with_rows(self.rows, row));
        for (from, &index) in values.values.chunks_exact(len).zip(&indices.values) {
            if index < self.rows as f64 {
                for (sum, value) in out.values[index as usize * len..].iter_mut().zip(from) {
                    *sum += value;
                }
            }
        }
        out
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        Ok(vec![Some(graph.gather(io.d_output, io.inputs[1])?), None])
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let batch = l.inputs[1].count();
        let len: usize = l.inputs[0].shape[1..].iter().product();
        let width = common_width(&[len]);
        let columns = len / width;
        let chunk = chunk(l.caps);
        // Each invocation reads a link first, which many of a GPU's do at no cost.
        let most = if l.caps.is_software() { MOST_ELEMENTS } else { 1 };
        let each = (1..=most).rev().find(|&n| columns.is_multiple_of(n)).unwrap_or(1);
        let launch = Launch::single(chunk * columns / each, l.caps);
        let sum = |start: usize| {
            let count = chunk.min(batch - start) * columns / each;
            let kernel = Kernel::new(source!("scatter_add_rows")).constant("Elem", float(width));
            let kernel = kernel.constant("COLUMNS", columns).constant("EACH", each).constant("WG", launch.invocations);
            let call = KernelCall::new(kernel, launch.grid(count, l.caps)).bind_inputs(2).bind(Operand::Scratch(0));
            let call = call.bind(Operand::Output).param("count", count);
            call.param("start", start).param("rows", self.rows)
        };
        let strategy = |name, links: Vec<KernelCall>| {
            let clear = clear(Operand::Output, width, self.rows * columns, l.caps);
            let sums = (0..batch).step_by(chunk).map(sum);
            Strategy {
                name,
                calls: links.into_iter().chain([clear]).chain(sums).collect(),
                scratch: vec![4 * batch as u64],
            }
        };
        let mut strategies = vec![strategy("rows", vec![link(batch, l.caps)])];
        // A scan of indices is a loop of loads.
        if l.caps.slow_storage && batch.is_multiple_of(4) {
            let links = (0..batch).step_by(WINDOW).map(|start| link_window(start, WINDOW.min(batch - start), l.caps));
            strategies.insert(0, strategy("window", links.collect()));
        }
        strategies
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        types.inputs[0].count() as u64
    }
}

/// Links those of all indices of a chunk that name one row.
fn link(batch: usize, caps: &Caps) -> KernelCall {
    let launch = Launch::single(batch, caps);
    let kernel = Kernel::new(source!("scatter_add_link")).constant("CHUNK", chunk(caps));
    let call = KernelCall::new(kernel.constant("WG", launch.invocations), launch.grid(batch, caps));
    call.bind(Operand::Input(1)).bind(Operand::Scratch(0)).param("count", batch)
}

/// The same for `count` indices from `start` on, read as a uniform window.
fn link_window(start: usize, count: usize, caps: &Caps) -> KernelCall {
    let launch = Launch::single(count, caps);
    let kernel = Kernel::new(source!("scatter_add_link_window")).constant("CHUNK", chunk(caps));
    let kernel = kernel.constant("WG", launch.invocations).window("indices", count / 4);
    let call = KernelCall::new(kernel, launch.grid(count, caps));
    let call = call.bind_window(Operand::Input(1), 4 * start as u64, 4 * count as u64).bind(Operand::Scratch(0));
    call.param("start", start).param("fours", count / 4)
}

impl Graph {
    /// values f32 `[B, …]` added up by indices u32 `[B]` → `[rows, …]`, in the order of `b`: the gradient of
    /// [`Graph::gather`]. An index past the end adds nothing.
    ///
    /// # Errors
    /// When the values are not f32 with one row an index.
    pub fn scatter_add(&mut self, values: NodeId, indices: NodeId, rows: usize) -> Result<NodeId, GraphError> {
        self.apply(ScatterAdd { rows }, &[values, indices])
    }
}

/// Cases.
pub fn cases() -> Vec<Case> {
    let scatter = |name: &str, rows, values, indices| Case::new(name, ScatterAdd { rows }, vec![values, indices]);
    vec![
        scatter("vectors", 6, CaseInput::f32([9, 8]), CaseInput::index([9], 6)),
        scatter("all in one row", 1, CaseInput::f32([33, 3]), CaseInput::index([33], 1)),
        scatter("past the end", 3, CaseInput::f32([9, 4]), CaseInput::index([9], 6)),
        scatter("in fours", 40, CaseInput::f32([128, 8]), CaseInput::index([128], 50)),
        scatter("several chunks", 5, CaseInput::f32([9000, 3]), CaseInput::index([9000], 5)).forward_only(),
        scatter("several windows", 50, CaseInput::f32([20_000, 2]), CaseInput::index([20_000], 60)).forward_only(),
        scatter("more rows than values", 300, CaseInput::f32([20, 4]), CaseInput::index([20], 300)).forward_only(),
    ]
}
