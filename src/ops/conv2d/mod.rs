//! 2-D convolution (cross-correlation, as in PyTorch and ONNX), its gradients, and their kernels: `direct` for every
//! shape and machine, `window` for software adapters, `winograd` for both, `few` and `patch` for few channels and `tile` for
//! the rest on GPUs, `coop` for f16 by cooperative matrices.

mod cases;
mod coop;
mod d_input;
mod d_weight;
mod depthwise;
mod direct;
mod few;
mod geometry;
mod halved;
mod parts;
mod patch;
mod tile;
mod window;
mod winograd;

pub use cases::cases;
pub use d_input::Conv2dDInput;
pub use d_weight::Conv2dDWeight;
pub use halved::Conv2dHalved;

use std::sync::Arc;

use geometry::Geometry;

use crate::gpu::Caps;
use crate::graph::{Gradients, Graph, GraphError, Lowering, NodeId, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Size, Strategy};
use crate::tensor::{Array, DType, TensorType};

/// x `[N, C, H, W]`, weight `[O, C / groups, KH, KW]`, both f32 or both f16 → f32 `[N, O, OH, OW]`:
/// y\[n, o, i, j] = Σ x\[n, c, i·stride + ky·dilation − padding, …] · weight\[o, c, ky, kx] over the channels of o's
/// group, with zeros around the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// Rows and columns from window to window.
    pub stride: [usize; 2],
    /// Zeros around the image, in rows and columns: top, left, bottom, right.
    pub padding: [usize; 4],
    /// Rows and columns between neighbouring elements of a window.
    pub dilation: [usize; 2],
    /// Channels in and out are divided into this many groups that do not mix.
    pub groups: usize,
}

impl Default for Conv2d {
    fn default() -> Self {
        Self { stride: [1; 2], padding: [0; 4], dilation: [1; 2], groups: 1 }
    }
}

impl Conv2d {
    /// Stride 1 and as much padding on every side as keeps the size under an odd `kernel`.
    pub fn same(kernel: usize) -> Self {
        Self::default().padding([kernel / 2; 4])
    }

    /// Sets the stride.
    #[must_use]
    pub fn stride(mut self, stride: [usize; 2]) -> Self {
        self.stride = stride;
        self
    }

    /// Sets the padding: top, left, bottom, right.
    #[must_use]
    pub fn padding(mut self, padding: [usize; 4]) -> Self {
        self.padding = padding;
        self
    }

    /// Sets the dilation.
    #[must_use]
    pub fn dilation(mut self, dilation: [usize; 2]) -> Self {
        self.dilation = dilation;
        self
    }

    /// Sets the number of groups.
    #[must_use]
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }
}

/// The four axes of both inputs, f32 or f16.
fn fours(names: [&str; 2], types: [&TensorType; 2]) -> Result<[[usize; 4]; 2], ShapeError> {
    let four = |name: &str, ty: &TensorType| match (ty.dtype, &*ty.shape) {
        (DType::F32 | DType::F16, &[a, b, c, d]) => Ok([a, b, c, d]),
        _ => Err(ShapeError::new(format!("{name} must be f32 or f16 of four axes, not {ty}"))),
    };
    let [a, b] = types;
    let extents = [four(names[0], a)?, four(names[1], b)?];
    if a.dtype != b.dtype {
        return Err(ShapeError::new(format!("{} {a} and {} {b} are of two element types", names[0], names[1])));
    }
    Ok(extents)
}

/// Channels, the fewer of in and out, from which on `winograd` is what a GPU takes, and below which `few` or `patch`.
const WINOGRAD_CHANNELS: usize = 16;

/// A strategy and the nanoseconds it takes on two cores of a software adapter; on a GPU 0 where it is known to be the best,
/// infinite elsewhere.
struct Timed {
    strategy: Strategy,
    ns: f64,
}

/// Those of known times, the fastest first, and of as fast ones the first, then `others`, then the rest.
fn in_order(timed: [Option<Timed>; 4], others: Candidates) -> Candidates {
    let mut timed: Vec<Timed> = timed.into_iter().flatten().collect();
    timed.sort_by(|a, b| a.ns.total_cmp(&b.ns));
    let (known, unknown): (Vec<_>, Vec<_>) = timed.into_iter().partition(|timed| timed.ns.is_finite());
    let strategies = |timed: Vec<Timed>| timed.into_iter().map(|timed| timed.strategy);
    strategies(known).chain(others).chain(strategies(unknown)).collect()
}

/// Rows of a product up to which each result by itself is faster than tiles of them, which they would leave mostly empty.
const FEW_ROWS: usize = 8;

/// The two strategies of every convolution whose sums are not too long for this machine, the better one first; `rows` are
/// those of the product that `tile` takes it for.
fn general(rows: usize, tile: Option<Strategy>, direct: Option<Strategy>) -> impl Iterator<Item = Strategy> {
    let ordered = if rows <= FEW_ROWS { [direct, tile] } else { [tile, direct] };
    ordered.into_iter().flatten()
}

/// Whether f16 is worth its casts. On GPUs, gathering takes `coop` as long as `tile`, and Winograd in f32 a third of that: an
/// H200 does 25 TFLOP/s, 25 and what amounts to 50 to 90.
fn gains_from_f16(conv: &Conv2d, caps: &Caps) -> bool {
    caps.cooperative.is_some() && conv.groups == 1 && caps.is_software()
}

/// What an operand pair of f16 takes beside the strategies of cooperative matrices.
fn of_f16(coop: Candidates, l: &Lowering<'_>, direct: impl FnOnce() -> Option<Strategy>) -> Candidates {
    let mut candidates = coop;
    // Only kernels of cooperative matrices end in f16.
    candidates.extend((l.output.dtype == DType::F32).then(direct).flatten());
    candidates
}

impl Op for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [x, weight] = inputs else { return Err(ShapeError::new("takes x and weight")) };
        Ok(TensorType::f32(Geometry::of_types(self, x, weight)?.y()))
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let [x, weight] = inputs else { return Array::zeros([0]) };
        let geometry = Geometry::of_arrays(self, x, weight);
        let mut y = Array::zeros(geometry.y());
        geometry.walk(|xi, wi, yi| y.values[yi] += x.values[xi] * weight.values[wi]);
        y
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        let &[x, weight] = io.inputs else { return io.undefined(graph) };
        let d_x = match io.wanted[0] {
            true => Some(graph.conv2d_d_input(io.d_output, weight, self, extents(graph, x))?),
            false => None,
        };
        let d_weight = match io.wanted[1] {
            true => Some(graph.conv2d_d_weight(x, io.d_output, self, extents(graph, weight))?),
            false => None,
        };
        Ok(vec![d_x, d_weight])
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let Ok(geometry) = Geometry::of_types(self, &l.inputs[0], &l.inputs[1]) else { return Vec::new() };
        if l.inputs[0].dtype == DType::F16 {
            return of_f16(coop::forward(&geometry, l), l, || direct::forward(&geometry, l));
        }
        let rows = geometry.group_o();
        let general = general(rows, tile::forward(&geometry, l), direct::forward(&geometry, l));
        let others = depthwise::forward(&geometry, l).into_iter().chain(general).collect();
        let timed = [
            window::forward(&geometry, l),
            few::forward(&geometry, l),
            patch::forward(&geometry, l),
            winograd::forward(&geometry, l),
        ];
        in_order(timed, others)
    }

    fn sizes(&self, types: &OpTypes<'_>) -> Option<Vec<Size>> {
        Geometry::of_types(self, &types.inputs[0], &types.inputs[1]).ok().map(|g| g.sizes())
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        Geometry::of_types(self, &types.inputs[0], &types.inputs[1]).map_or(0, |g| g.flops())
    }

    fn takes_epilogue(&self) -> bool {
        true
    }

    fn halved(&self, types: &OpTypes<'_>, caps: &Caps) -> Option<Arc<dyn Op>> {
        Conv2dHalved::of(*self, types, caps)
    }

    fn takes_f16(&self) -> bool {
        true
    }

    fn gains_from_f16(&self, _types: &OpTypes<'_>, caps: &Caps) -> bool {
        gains_from_f16(self, caps)
    }
}

/// Rows and columns of a tensor of four axes.
fn extents(graph: &Graph, node: NodeId) -> [usize; 2] {
    match *graph.ty(node).shape {
        [_, _, h, w] => [h, w],
        _ => [0; 2],
    }
}

impl Graph {
    /// x `[N, C, H, W]`, weight `[O, C / groups, KH, KW]`, bias `[O]` → `[N, O, OH, OW]`.
    ///
    /// # Errors
    /// When the shapes do not fit one another or `conv`; the message names them.
    pub fn conv2d(
        &mut self,
        x: NodeId,
        weight: NodeId,
        bias: Option<NodeId>,
        conv: &Conv2d,
    ) -> Result<NodeId, GraphError> {
        let y = self.apply(*conv, &[x, weight])?;
        let Some(bias) = bias else { return Ok(y) };
        let channels = self.ty(y).shape[1];
        if *self.ty(bias) != TensorType::f32([channels]) {
            return Err(self.error("conv2d", &[x, weight, bias], &format!("the bias must be f32[{channels}]")));
        }
        let bias = self.reshape(bias, [channels, 1, 1])?;
        self.add(y, bias)
    }

    /// The gradient of [`Graph::conv2d`] with respect to x, whose rows and columns are `size`.
    ///
    /// # Errors
    /// When `d_y` is not of the shape the convolution gives.
    pub fn conv2d_d_input(
        &mut self,
        d_y: NodeId,
        weight: NodeId,
        conv: &Conv2d,
        size: [usize; 2],
    ) -> Result<NodeId, GraphError> {
        self.apply(Conv2dDInput { conv: *conv, size }, &[d_y, weight])
    }

    /// The gradient of [`Graph::conv2d`] with respect to the weight, whose rows and columns are `kernel`.
    ///
    /// # Errors
    /// When `d_y` is not of the shape the convolution gives.
    pub fn conv2d_d_weight(
        &mut self,
        x: NodeId,
        d_y: NodeId,
        conv: &Conv2d,
        kernel: [usize; 2],
    ) -> Result<NodeId, GraphError> {
        self.apply(Conv2dDWeight { conv: *conv, kernel }, &[x, d_y])
    }
}
