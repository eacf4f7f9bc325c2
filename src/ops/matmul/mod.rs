//! Matrix multiplication, batched, with either operand transposed as stored; and the linear layer built on it.

mod cases;
mod coop;
mod pack;
mod problem;
mod products;
mod rows;
mod rows_window;
mod simple;
mod tile;
mod wide;

pub use cases::cases;
pub(super) use simple::summed;

pub(in crate::ops) use pack::Factor;
pub(in crate::ops) use products::{Matrix, Products};
pub(in crate::ops) use wide::{Cut, NEITHER, PANEL, Side, WINDOW, suits, tile};

use problem::{Problem, batch_shape};

use crate::gpu::Caps;
use crate::graph::{Gradients, Graph, GraphError, Lowering, NodeId, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Size};
use crate::tensor::{Array, DType, TensorType};

/// Rows and columns below which a product is not worth casting its operands.
const LEAST_EXTENT: usize = 8;

/// Inputs a `[…, M, K]` and b `[…, K, N]`, both f32 or both f16 → f32 `[…, M, N]`; the leading axes broadcast.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MatMul {
    /// Whether a is stored as `[…, K, M]`.
    pub transpose_a: bool,
    /// Whether b is stored as `[…, N, K]`.
    pub transpose_b: bool,
}

impl MatMul {
    /// M, K and N of two matrices or batches of them; `None` when an operand is no matrix or K differs.
    fn extents(self, a: &[usize], b: &[usize]) -> Option<(usize, usize, usize)> {
        let last_two = |shape: &[usize], swap: bool| match *shape {
            [.., columns, rows] if swap => Some((rows, columns)),
            [.., rows, columns] => Some((rows, columns)),
            _ => None,
        };
        let (m, k) = last_two(a, self.transpose_a)?;
        let (other_k, n) = last_two(b, self.transpose_b)?;
        (k == other_k).then_some((m, k, n))
    }

    /// How an error names the product, such as `aᵀ·b`.
    fn formula(self) -> String {
        let mark = |transposed: bool| if transposed { "ᵀ" } else { "" };
        format!("a{}·b{}", mark(self.transpose_a), mark(self.transpose_b))
    }
}

impl Op for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [a, b] = inputs else { return Err(ShapeError::new("takes two inputs")) };
        let refuse = |why: &str| Err(ShapeError::new(format!("{} of {a} and {b}: {why}", self.formula())));
        if a.dtype != b.dtype || a.dtype == DType::U32 {
            return refuse("both must be f32, or both f16");
        }
        if a.shape.rank() < 2 || b.shape.rank() < 2 {
            return refuse("both must have two axes or more");
        }
        let Some((m, k, n)) = self.extents(&a.shape, &b.shape) else {
            return refuse("the extents to sum over differ");
        };
        if k == 0 {
            return refuse("the extent to sum over is 0");
        }
        let Some(batch) = batch_shape(&a.shape, &b.shape) else {
            return refuse("the leading axes do not broadcast");
        };
        let mut shape = batch.to_vec();
        shape.extend([m, n]);
        if Problem::new(*self, &a.shape, &b.shape).is_none() {
            return refuse("the leading axes alternate between the operands more than three times");
        }
        Ok(TensorType::f32(shape))
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let (a, b) = (inputs[0], inputs[1]);
        let (Some((m, k, n)), Some(batch)) = (self.extents(&a.shape, &b.shape), batch_shape(&a.shape, &b.shape)) else {
            return Array::zeros([0]);
        };
        let mut shape = batch.to_vec();
        shape.extend([m, n]);
        // The stored index of (row, column), and elements from one term of the sum to the next.
        let order = |swap: bool, row: usize, column: usize| if swap { [column, row] } else { [row, column] };
        let a_step = if self.transpose_a { m } else { 1 };
        let b_step = if self.transpose_b { 1 } else { n };
        let mut first = vec![0; shape.len()];
        let at = shape.len() - 2;
        Array::from_fn(shape, |index| {
            first.copy_from_slice(index);
            first[at..].copy_from_slice(&order(self.transpose_a, index[at], 0));
            let a_first = position(&a.shape, &first);
            first[at..].copy_from_slice(&order(self.transpose_b, 0, index[at + 1]));
            let b_first = position(&b.shape, &first);
            (0..k).map(|i| a.values[a_first + i * a_step] * b.values[b_first + i * b_step]).sum()
        })
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        let &[a, b] = io.inputs else { return io.undefined(graph) };
        let d = io.d_output;
        let product = |transpose_a, transpose_b| Self { transpose_a, transpose_b };
        let d_a = if !io.wanted[0] {
            None
        } else {
            let d_a = if self.transpose_a {
                graph.matmul_with(b, d, product(self.transpose_b, true))?
            } else {
                graph.matmul_with(d, b, product(false, !self.transpose_b))?
            };
            let shape = graph.ty(a).shape.clone();
            Some(graph.sum_to(d_a, &shape)?)
        };
        let d_b = if !io.wanted[1] {
            None
        } else {
            // One matrix against a batch: its gradient sums over the batch, which is one product over all rows.
            let (a, d) = if graph.ty(b).shape.rank() == 2 && !self.transpose_a {
                (rows_of(graph, a)?, rows_of(graph, d)?)
            } else {
                (a, d)
            };
            let d_b = if self.transpose_b {
                graph.matmul_with(d, a, product(true, self.transpose_a))?
            } else {
                graph.matmul_with(a, d, product(!self.transpose_a, false))?
            };
            let shape = graph.ty(b).shape.clone();
            Some(graph.sum_to(d_b, &shape)?)
        };
        Ok(vec![d_a, d_b])
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        // `infer` refuses what is no problem.
        let Some(problem) = Problem::new(*self, &l.inputs[0].shape, &l.inputs[1].shape) else { return Vec::new() };
        if l.inputs[0].dtype == DType::F16 {
            let mut candidates = coop::lower(&problem, l);
            if l.output.dtype == DType::F32 {
                candidates.extend(simple::lower(&problem, l));
            }
            return candidates;
        }
        let (wide, rows) = (wide::lower(&problem, l), rows::lower(&problem, l));
        let mut candidates = simple::lower(&problem, l);
        if l.caps.is_software() {
            // The costs are those of software Vulkan.
            let mut timed: Vec<_> = wide.into_iter().chain(rows).chain(rows_window::lower(&problem, l)).collect();
            timed.sort_by(|a, b| a.1.total_cmp(&b.1));
            let faster = timed.iter().take_while(|(_, cost)| *cost < simple::cost(&problem, l.caps)).count();
            let mut timed = timed.into_iter().map(|(strategy, _)| strategy);
            candidates.splice(0..0, timed.by_ref().take(faster).collect::<Vec<_>>());
            candidates.extend(timed);
            // Right there, but slow but for many products that fill a tile, where `wide` has no whole ones or, with quick
            // loads, no more than its dispatches to win.
            let mut tiles = tile::lower(&problem, l);
            let side = problem.m.min(problem.n);
            let best = if side >= 128 { "tile128" } else { "tile64" };
            tiles.sort_by_key(|strategy| strategy.name != best);
            let at = match problem.batch() > 1 {
                true if side >= 64 && !l.caps.slow_storage && problem.m * problem.n * problem.k < 1 << 19 => 0,
                true if side >= 32 => faster,
                _ => candidates.len(),
            };
            candidates.splice(at..at, tiles);
        } else {
            // A few rows are no work for tiles: they wait for memory. With few columns, the divided sum keeps more busy.
            let few_rows = problem.m <= 4 && problem.batch() == 1;
            // And of a short sum a tile is hardly begun when it ends.
            let results = problem.batch() * problem.m * problem.n;
            let few = few_rows
                || (problem.m.min(problem.n) <= 16 && results <= 1 << 14)
                || (problem.k <= 16 && results <= 1 << 15);
            let at = if few { candidates.len() } else { 0 };
            candidates.splice(at..at, tile::lower(&problem, l));
            let at = if few_rows && problem.n >= 4096 { 0 } else { candidates.len() };
            candidates.splice(at..at, rows.map(|(strategy, _)| strategy));
        }
        candidates
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        let k = self.extents(&types.inputs[0].shape, &types.inputs[1].shape).map_or(0, |(_, k, _)| k);
        2 * types.output.count() as u64 * k as u64
    }

    fn sizes(&self, types: &OpTypes<'_>) -> Option<Vec<Size>> {
        Problem::new(*self, &types.inputs[0].shape, &types.inputs[1].shape).map(|problem| problem.sizes())
    }

    fn takes_epilogue(&self) -> bool {
        true
    }

    fn takes_f16(&self) -> bool {
        true
    }

    fn gains_from_f16(&self, types: &OpTypes<'_>, caps: &Caps) -> bool {
        // With few rows or columns, matrices would be mostly empty, and the product waits for memory anyway.
        let extents = self.extents(&types.inputs[0].shape, &types.inputs[1].shape);
        caps.cooperative.is_some() && extents.is_some_and(|(m, _, n)| m.min(n) >= LEAST_EXTENT)
    }
}

/// Where the element at a multi-index of the result's rank lies in an operand, whose axes of extent 1 repeat.
fn position(shape: &[usize], index: &[usize]) -> usize {
    let lead = index.len() - shape.len();
    index[lead..].iter().zip(shape).fold(0, |p, (&i, &extent)| p * extent + if extent == 1 { 0 } else { i })
}

/// `[…, M, K]` → `[everything before K, K]`.
fn rows_of(graph: &mut Graph, x: NodeId) -> Result<NodeId, GraphError> {
    match graph.ty(x).shape.split_last() {
        Some((&columns, rows)) if rows.len() != 1 => {
            let shape = [rows.iter().product(), columns];
            graph.reshape(x, shape)
        }
        _ => Ok(x),
    }
}

impl Graph {
    /// a `[…, M, K]` · b `[…, K, N]` → `[…, M, N]`. The leading axes broadcast.
    ///
    /// # Errors
    /// When the extents K differ or the leading axes do not broadcast.
    pub fn matmul(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, GraphError> {
        self.matmul_with(a, b, MatMul::default())
    }

    /// [`Graph::matmul`] of operands of which either may be stored transposed.
    ///
    /// # Errors
    /// When the extents K differ or the leading axes do not broadcast.
    pub fn matmul_with(&mut self, a: NodeId, b: NodeId, op: MatMul) -> Result<NodeId, GraphError> {
        self.apply(op, &[a, b])
    }

    /// The linear layer x·Wᵀ + bias: x `[…, in]`, weight `[out, in]`, bias `[out]` → `[…, out]`.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn linear(&mut self, x: NodeId, weight: NodeId, bias: Option<NodeId>) -> Result<NodeId, GraphError> {
        let (x_shape, weight_shape) = (self.ty(x).shape.clone(), self.ty(weight).shape.clone());
        let (Some((&inputs, lead)), &[outputs, weight_inputs]) = (x_shape.split_last(), &*weight_shape) else {
            return Err(self.error("linear", &[x, weight], "takes x […, in] and a weight [out, in]"));
        };
        if inputs != weight_inputs {
            let why = format!("x {x_shape} has {inputs} features, the weight {weight_shape} takes {weight_inputs}");
            return Err(self.error("linear", &[x, weight], &why));
        }
        if let Some(bias) = bias
            && *self.ty(bias).shape != [outputs]
        {
            let why = format!("the bias {} of a weight {weight_shape} must be [{outputs}]", self.ty(bias).shape);
            return Err(self.error("linear", &[x, weight, bias], &why));
        }
        let mut shape = lead.to_vec();
        shape.push(outputs);
        let rows = rows_of(self, x)?;
        let rows = if lead.is_empty() { self.reshape(rows, [1, inputs])? } else { rows };
        let mut y = self.matmul_with(rows, weight, MatMul { transpose_a: false, transpose_b: true })?;
        if let Some(bias) = bias {
            // Before the reshape, so that it becomes the product's epilogue.
            y = self.add(y, bias)?;
        }
        self.reshape(y, shape)
    }
}
