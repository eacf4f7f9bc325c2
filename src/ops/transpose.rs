//! Axes in another order.

use super::copy::{AxisNames, IN_SOFTWARE, MAX_AXES, common_width, word};
use super::launch::Launch;
use super::{Case, CaseInput};
use crate::graph::{Gradients, Graph, GraphError, Lowering, NodeId, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Kernel, KernelCall, Operand, Strategy, linear_grid, source};
use crate::tensor::{Array, TensorType};

/// Input `[…]` → the same elements with output axis `i` being input axis `permutation[i]`, as in NumPy and ONNX.
#[derive(Clone, Debug, PartialEq)]
pub struct Transpose {
    /// The input axis of each output axis.
    pub permutation: Vec<usize>,
}

impl Transpose {
    /// Whether `permutation` names each of `rank` axes once.
    fn fits(&self, rank: usize) -> bool {
        let mut seen = vec![false; rank];
        self.permutation.len() == rank
            && self.permutation.iter().all(|&axis| axis < rank && !std::mem::replace(&mut seen[axis], true))
    }

    /// The output's extents and the input strides of its axes, axes of extent 1 left out and neighbours that stay
    /// neighbours joined.
    fn walk(&self, input: &[usize], strides: &[usize]) -> (Vec<usize>, Vec<usize>) {
        let mut walk: Vec<(usize, usize)> = Vec::new();
        for &axis in &self.permutation {
            let (extent, stride) = (input[axis], strides[axis]);
            match walk.last_mut() {
                _ if extent == 1 => {}
                Some(last) if last.1 == extent * stride => *last = (last.0 * extent, stride),
                _ => walk.push((extent, stride)),
            }
        }
        if walk.is_empty() {
            walk.push((1, 1));
        }
        walk.into_iter().unzip()
    }
}

impl Op for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [x] = inputs else { return Err(ShapeError::new("takes one input")) };
        if !self.fits(x.shape.rank()) {
            return Err(ShapeError::new(format!("{:?} is no order of the axes of {}", self.permutation, x.shape)));
        }
        let axes = self.walk(&x.shape, &x.shape.strides()).0.len();
        if axes > MAX_AXES {
            let why = format!("{:?} of {} moves {axes} groups of axes, {MAX_AXES} at most", self.permutation, x.shape);
            return Err(ShapeError::new(why));
        }
        let shape: Vec<usize> = self.permutation.iter().map(|&axis| x.shape[axis]).collect();
        Ok(TensorType { shape: shape.into(), dtype: x.dtype })
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let shape: Vec<usize> = self.permutation.iter().map(|&axis| inputs[0].shape[axis]).collect();
        let mut from = vec![0; shape.len()];
        Array::from_fn(shape, |index| {
            for (&axis, &i) in self.permutation.iter().zip(index) {
                from[axis] = i;
            }
            inputs[0].at(&from)
        })
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        let mut inverse = vec![0; self.permutation.len()];
        for (output, &input) in self.permutation.iter().enumerate() {
            inverse[input] = output;
        }
        Ok(vec![Some(graph.transpose(io.d_output, &inverse)?)])
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let input = &l.inputs[0].shape;
        let (extents, strides) = self.walk(input, &input.strides());
        let mut candidates = Vec::new();
        candidates.extend(tile(&extents, &strides, l));
        candidates.extend(block(&extents, &strides, l));
        candidates.push(gather(extents, strides, l));
        candidates
    }

    fn flops(&self, _: &OpTypes<'_>) -> u64 {
        0
    }

    fn view(&self, types: &OpTypes<'_>) -> Option<usize> {
        let input = &types.inputs[0].shape;
        // One run of axes in input order is the input itself.
        (self.walk(input, &input.strides()).1 == [1]).then_some(0)
    }
}

/// Matrices transposed in tiles that pass through workgroup memory, where there is such a thing.
fn tile(extents: &[usize], strides: &[usize], l: &Lowering<'_>) -> Option<Strategy> {
    let matrices = Matrices::of(extents, strides)?;
    let Matrices { batch, rows, columns, x_batch, x_pitch, out_batch, out_pitch } = matrices;
    let fits = l.caps.invocations >= 256 && l.caps.workgroup_bytes >= 4 * (TILE * TILE) as u32;
    if l.caps.is_software() || !fits || rows.min(columns) < LEAST_SIDE {
        return None;
    }
    let width = common_width(&[rows, columns, x_batch, x_pitch, out_batch, out_pitch]);
    let source = if width == 4 { source!("transpose_tile_vec4") } else { source!("transpose_tile_scalar") };
    let count = batch * rows.div_ceil(TILE) * columns.div_ceil(TILE);
    let kernel = Kernel::new(source)
        .constant("ROWS", rows / width)
        .constant("COLUMNS", columns / width)
        .constant("X_BATCH", x_batch / width)
        .constant("X_PITCH", x_pitch / width)
        .constant("OUT_BATCH", out_batch / width)
        .constant("OUT_PITCH", out_pitch / width);
    let call = KernelCall::new(kernel, linear_grid(count, l.caps)).bind_inputs(1);
    Some(Strategy::single("tile", call.bind(Operand::Output).param("count", count)))
}

/// The side of a tile, in words: both ways pieces of whole cache lines, and 16 KiB, WebGPU's least workgroup memory.
const TILE: usize = 64;
/// Rows and columns from which tiles are not mostly empty.
const LEAST_SIDE: usize = 16;

/// A permutation as matrices that are transposed, of contiguous rows in x and columns in the output.
struct Matrices {
    batch: usize,
    rows: usize,
    columns: usize,
    /// From matrix to matrix, and from row to row of x.
    x_batch: usize,
    x_pitch: usize,
    /// From matrix to matrix, and from column to column of the output.
    out_batch: usize,
    out_pitch: usize,
}

impl Matrices {
    /// `None` where the innermost axis stays there, or more than one axis is beside those of the matrices.
    fn of(extents: &[usize], strides: &[usize]) -> Option<Self> {
        let last = extents.len() - 1;
        let along = strides[..last].iter().position(|&stride| stride == 1)?;
        let out_stride = |axis: usize| extents[axis + 1..].iter().product::<usize>();
        let mut beside = (0..last).filter(|&axis| axis != along);
        let (batch, x_batch, out_batch) =
            beside.next().map_or((1, 0, 0), |axis| (extents[axis], strides[axis], out_stride(axis)));
        if beside.next().is_some() {
            return None;
        }
        let (rows, columns) = (extents[last], extents[along]);
        Some(Self { batch, rows, columns, x_batch, x_pitch: strides[last], out_batch, out_pitch: out_stride(along) })
    }
}

/// A matrix or a batch of them, transposed in blocks of 4×4.
fn block(extents: &[usize], strides: &[usize], l: &Lowering<'_>) -> Option<Strategy> {
    let (columns, rows) = match (extents, strides) {
        (&[n, m], &[1, s]) if s == n => (n, m),
        (&[_, n, m], &[b, 1, s]) if s == n && b == n * m => (n, m),
        _ => return None,
    };
    if common_width(&[rows, columns]) != 4 {
        return None;
    }
    let count = l.output.count() / 16;
    let launch = Launch::single(count, l.caps);
    let kernel = Kernel::new(source!("transpose_block"))
        .constant("WG", launch.invocations)
        .constant("COLUMNS", columns / 4)
        .constant("ROWS", rows / 4);
    let call = KernelCall::new(kernel, launch.grid(count, l.caps)).bind_inputs(1);
    Some(Strategy::single("block", call.bind(Operand::Output).param("count", count)))
}

/// Each output element fetched from where it is.
fn gather(mut extents: Vec<usize>, mut strides: Vec<usize>, l: &Lowering<'_>) -> Strategy {
    const EXTENTS: AxisNames = AxisNames(["E0", "E1", "E2", "E3", "E4", "E5"]);
    const STRIDES: AxisNames = AxisNames(["S0", "S1", "S2", "S3", "S4", "S5"]);
    let last = extents.len() - 1;
    let width = if strides[last] == 1 { common_width(&[extents[last]]) } else { 1 };
    extents[last] /= width;
    for stride in &mut strides[..last] {
        *stride /= width;
    }
    let count = l.output.count() / width;
    let launch = Launch::new(count, 2 * 4 * width, IN_SOFTWARE, l.caps);
    let kernel = Kernel::new(source!("transpose_gather")).constant("Elem", word(width));
    let kernel = launch.define(kernel).constant("RANK", extents.len());
    let kernel = STRIDES.define(EXTENTS.define(kernel, &extents, 1), &strides, 0);
    let call = KernelCall::new(kernel, launch.grid(count, l.caps)).bind_inputs(1);
    Strategy::single("gather", call.bind(Operand::Output).param("count", count))
}

impl Graph {
    /// `x` with its axes in another order: output axis `i` is input axis `permutation[i]`.
    ///
    /// # Errors
    /// When `permutation` does not name each axis of `x` once, or more than six groups of axes move.
    pub fn transpose(&mut self, x: NodeId, permutation: &[usize]) -> Result<NodeId, GraphError> {
        let ordered = permutation.iter().copied().eq(0..self.ty(x).shape.rank());
        if ordered { Ok(x) } else { self.apply(Transpose { permutation: permutation.to_vec() }, &[x]) }
    }
}

/// Cases.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, x: CaseInput, permutation: &[usize]| {
        Case::new(name, Transpose { permutation: permutation.to_vec() }, vec![x])
    };
    vec![
        case("matrix", CaseInput::f32([8, 12]), &[1, 0]),
        case("odd matrix", CaseInput::f32([7, 5]), &[1, 0]),
        case("matrices", CaseInput::f32([3, 4, 8]), &[0, 2, 1]),
        case("NCHW to NHWC", CaseInput::f32([2, 3, 4, 5]), &[0, 2, 3, 1]),
        case("NHWC to NCHW in blocks", CaseInput::f32([2, 3, 4, 8]), &[0, 3, 1, 2]),
        case("heads", CaseInput::f32([2, 3, 4, 8]), &[0, 2, 1, 3]),
        case("axes of extent 1", CaseInput::f32([1, 3, 1, 5]), &[3, 2, 0, 1]),
        case("an axis of extent 1 moves", CaseInput::f32([3, 1, 5]), &[1, 0, 2]),
        case("all axes reversed", CaseInput::f32([2, 3, 2, 3, 2, 3]), &[5, 4, 3, 2, 1, 0]),
        case("labels", CaseInput::index([6, 5], 9), &[1, 0]).forward_only(),
        case("large", CaseInput::f32([2, 132, 260]), &[0, 2, 1]).forward_only(),
        case("odd matrices of several tiles", CaseInput::f32([3, 67, 131]), &[0, 2, 1]).forward_only(),
        case("a middle axis stays", CaseInput::f32([68, 3, 72]), &[2, 1, 0]).forward_only(),
        case("a middle axis of odd matrices stays", CaseInput::f32([17, 2, 70]), &[2, 1, 0]).forward_only(),
        case("three channels of large images", CaseInput::f32([2, 3, 293, 301]), &[0, 2, 3, 1]).forward_only(),
    ]
}
