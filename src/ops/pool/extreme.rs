//! Max and min pooling.

use super::window::{Pool2d, Windows};
use crate::gpu::Caps;
use crate::graph::{Gradients, Graph, GraphError, Lowering, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Kernel, KernelCall, Operand, Size, Source, Strategy, source};
use crate::ops::copy::IN_SOFTWARE;
use crate::ops::launch::Launch;
use crate::ops::reduce::{Reduce, Reduction};
use crate::ops::split::may_turn;
use crate::ops::stream::{MANY, Piece, Read, in_windows, pieces};
use crate::tensor::{Array, TensorType};

/// Bytes of x that a software driver's caches still hold.
const CACHED: u64 = 16 << 20;

/// Which extreme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extreme {
    /// The largest.
    Max,
    /// The smallest.
    Min,
}

impl Extreme {
    /// The factor that makes it a maximum.
    fn sign(self) -> f32 {
        match self {
            Self::Max => 1.0,
            Self::Min => -1.0,
        }
    }
}

/// x f32 `[N, C, H, W]` → `[N, C, H', W']`: the extreme of each window.
#[derive(Clone, Debug, PartialEq)]
pub struct ExtremePool {
    /// Largest or smallest.
    pub extreme: Extreme,
    /// The windows.
    pub pool: Pool2d,
}

/// x f32 `[N, C, H, W]`, d_y `[N, C, H', W']` → d_x `[N, C, H, W]`: the gradient of [`ExtremePool`]. Of equal extremes
/// the first, row by row, gets it. The extreme is looked for again: cheaper than indices kept from the forward pass.
#[derive(Clone, Debug, PartialEq)]
pub struct ExtremePoolGrad(pub ExtremePool);

impl ExtremePool {
    /// For each result, in order, the place of the extreme in x.
    fn places(&self, x: &Array) -> Vec<usize> {
        let Ok(windows) = self.pool.over(&TensorType::f32(x.shape.clone())) else { return Vec::new() };
        let [n, c, oh, ow] = windows.output();
        let (h, w) = (windows.y.extent, windows.x.extent);
        let sign = f64::from(self.extreme.sign());
        let mut places = Vec::with_capacity(n * c * oh * ow);
        for plane in 0..n * c {
            for oy in 0..oh {
                for ox in 0..ow {
                    let columns = windows.x.span(ox);
                    let all = windows.y.span(oy).flat_map(|y| columns.clone().map(move |x| (plane * h + y) * w + x));
                    let first = |best: usize, at: usize| {
                        if sign * x.values[at] > sign * x.values[best] { at } else { best }
                    };
                    places.extend(all.reduce(first));
                }
            }
        }
        places
    }

    /// A kernel that finishes with the epilogue.
    fn call(&self, source: Source, windows: &Windows, count: usize, l: &Lowering<'_>) -> KernelCall {
        let launch = Launch::single(count, l.caps);
        let kernel = Kernel::new(source).constant("WG", launch.invocations).constant("SIGN", self.extreme.sign());
        let call = KernelCall::new(windows.constants(kernel), launch.grid(count, l.caps)).bind_inputs(l.inputs.len());
        call.bind(Operand::Output).param("count", count)
    }

    /// The 2×2 form, where the windows are of it, and whether uniform windows hold what it reads: `names` are the kernel's of
    /// its inputs, which it reads vec4 by vec4, and `end` adds the epilogue.
    fn half(
        &self,
        source: Source,
        names: &[&'static str],
        windows: &Windows,
        l: &Lowering<'_>,
        end: impl Fn(KernelCall) -> KernelCall,
    ) -> Option<(Strategy, bool)> {
        let whole_words = l.inputs.iter().all(|ty| ty.count().is_multiple_of(4));
        if !(windows.y.halves() && windows.x.halves() && windows.x.extent.is_multiple_of(4) && whole_words) {
            return None;
        }
        // A unit is a row of results.
        let columns = windows.x.extent / 4;
        let units = l.inputs[0].count() / (8 * columns);
        let moved = l.inputs.iter().chain([l.output]).map(TensorType::bytes).sum::<u64>() as usize;
        let count = units * columns;
        let launch = Launch::new(count, moved / count.max(1), IN_SOFTWARE, l.caps);
        // Of x two rows, of d_y one of half as many elements.
        let read = |(i, &name)| Read { operand: Operand::Input(i), name, bytes: [32, 8][i] * columns };
        let reads: Vec<Read> = names.iter().enumerate().map(read).collect();
        let kernel =
            launch.define(Kernel::new(source)).constant("SIGN", self.extreme.sign()).constant("COLUMNS", columns);
        let call = |piece: Piece| {
            let count = piece.count * columns;
            let call = KernelCall::new(kernel.clone(), launch.grid(count, l.caps));
            let call = piece.bind(call, &reads).bind(Operand::Output);
            end(call.param("first", piece.first * columns).param("count", count))
        };
        let pieces = pieces(units, &reads, MANY, l.caps);
        let windows = in_windows(&pieces);
        let calls = pieces.into_iter().map(call).collect();
        Some((Strategy { name: "2x2", calls, scratch: Vec::new() }, windows))
    }
}

impl Op for ExtremePool {
    fn name(&self) -> &'static str {
        match self.extreme {
            Extreme::Max => "max_pool2d",
            Extreme::Min => "min_pool2d",
        }
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [x] = inputs else { return Err(ShapeError::new("takes one input")) };
        Ok(TensorType::f32(self.pool.over(x)?.output()))
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let x = inputs[0];
        let shape = self.pool.over(&TensorType::f32(x.shape.clone())).map_or([0; 4], |w| w.output());
        Array::new(shape, self.places(x).into_iter().map(|at| x.values[at]).collect())
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        Ok(vec![Some(graph.apply(ExtremePoolGrad(self.clone()), &[io.inputs[0], io.d_output])?)])
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let Ok(windows) = self.pool.over(&l.inputs[0]) else { return Vec::new() };
        let half = self.half(source!("max_pool2d_forward_2x2"), &["x"], &windows, l, |call| l.with_epilogue(call));
        let call = self.call(source!("max_pool2d_forward"), &windows, l.output.count(), l);
        let plain = windows.walkable(l.caps).then(|| Strategy::single("window", l.with_epilogue(call)));
        if windows.elements() >= LONG && windows.are_whole() && l.epilogue.is_none() {
            // One invocation would walk an image by itself, if it may at all.
            let reduction = if self.extreme == Extreme::Max { Reduction::Max } else { Reduction::Min };
            let reduce = Reduce { reduction, axes: vec![2, 3], keep_dims: true };
            return reduce.lower(l).into_iter().chain(plain).collect();
        }
        let Some(plain) = plain else { return Vec::new() };
        match half {
            // Where storage is slow, up to a third slower than the plain one that reads it too.
            Some((half, false)) if l.caps.slow_storage => vec![plain, half],
            Some((half, _)) => vec![half, plain],
            None => vec![plain],
        }
    }

    fn sizes(&self, types: &OpTypes<'_>) -> Option<Vec<Size>> {
        self.pool.over(&types.inputs[0]).ok().map(|windows| windows.sizes())
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        (types.output.count() * self.pool.kernel.iter().product::<usize>()) as u64
    }

    fn takes_epilogue(&self) -> bool {
        true
    }

    fn halves(&self, types: &OpTypes<'_>) -> bool {
        let windows = self.pool.over(&types.inputs[0]);
        self.extreme == Extreme::Max && windows.is_ok_and(|windows| windows.y.halves() && windows.x.halves())
    }
}

impl Op for ExtremePoolGrad {
    fn name(&self) -> &'static str {
        match self.0.extreme {
            Extreme::Max => "max_pool2d_grad",
            Extreme::Min => "min_pool2d_grad",
        }
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [x, d_y] = inputs else { return Err(ShapeError::new("takes x and d_y")) };
        let y = self.0.infer(std::slice::from_ref(x))?;
        if y != *d_y {
            return Err(ShapeError::new(format!("the gradient of {y} cannot be {d_y}")));
        }
        Ok(x.clone())
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let mut d_x = Array::zeros(inputs[0].shape.clone());
        for (at, d) in self.0.places(inputs[0]).into_iter().zip(&inputs[1].values) {
            d_x.values[at] += d;
        }
        d_x
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        io.undefined(graph)
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let Ok(windows) = self.0.pool.over(&l.inputs[0]) else { return Vec::new() };
        let end = |call| l.with_epilogue_vec4(call);
        let half = self.0.half(source!("max_pool2d_backward_2x2"), &["x", "d_y"], &windows, l, end);
        let disjoint = (windows.y.disjoint() && windows.x.disjoint() && cells_fit(&windows, l.caps)).then(|| {
            let call = self.0.call(source!("max_pool2d_backward_disjoint"), &windows, l.inputs[1].count(), l);
            Strategy::single("disjoint", l.with_epilogue(call))
        });
        let call = self.0.call(source!("max_pool2d_backward"), &windows, l.output.count(), l);
        // Each element looks through every window that it lies in.
        let covered = |axis: &super::window::Axis| axis.kernel.div_ceil(axis.stride).min(axis.windows);
        let looks = covered(&windows.y) * covered(&windows.x) * windows.turns();
        let gather = may_turn(looks, l.caps).then(|| Strategy::single("gather", l.with_epilogue(call)));
        let mut candidates = match half {
            // In software, unless it reads through windows, up to twice as slow from memory, as fast or faster from the cache.
            Some((half, false)) if l.caps.is_software() && l.inputs[0].bytes() > CACHED => {
                disjoint.into_iter().chain([half]).collect()
            }
            half => half.map(|(half, _)| half).into_iter().chain(disjoint).collect::<Candidates>(),
        };
        candidates.extend(gather);
        candidates
    }

    fn sizes(&self, types: &OpTypes<'_>) -> Option<Vec<Size>> {
        self.0.pool.over(&types.inputs[0]).ok().map(|windows| windows.sizes())
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        types.inputs[1].count() as u64
    }

    fn takes_epilogue(&self) -> bool {
        true
    }
}

/// Elements from which on an invocation should not walk a window by itself where another way is at hand.
const LONG: usize = 4096;

/// Whether no cell is so large that a software driver stops the two loops over it.
fn cells_fit(windows: &Windows, caps: &Caps) -> bool {
    let longest = |axis: &super::window::Axis| match axis.windows {
        1 => axis.extent,
        n => axis.stride.max(axis.extent + axis.before - (n - 1) * axis.stride),
    };
    may_turn(2 * longest(&windows.y) * (longest(&windows.x) + 1), caps)
}
