//! Average pooling.

use super::window::{Pool2d, Windows};
use crate::graph::{Gradients, Graph, GraphError, Lowering, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Kernel, KernelCall, Operand, Size, Source, Strategy, source};
use crate::ops::launch::Launch;
use crate::tensor::{Array, Shape, TensorType};

/// x f32 `[N, C, H, W]` → `[N, C, H', W']`: the mean of each window.
#[derive(Clone, Debug, PartialEq)]
pub struct AvgPool {
    /// The windows.
    pub pool: Pool2d,
    /// Whether padding counts as elements (zeros). What ceil mode hangs over the padding's end never does.
    pub count_include_pad: bool,
}

/// d_y f32 `[N, C, H', W']` → d_x `[N, C, H, W]`: the gradient of [`AvgPool`].
#[derive(Clone, Debug, PartialEq)]
pub struct AvgPoolGrad {
    /// The op.
    pub op: AvgPool,
    /// The shape of x.
    pub shape: Shape,
}

impl AvgPool {
    /// Calls `visit` with each result's place, each place in x that it averages, and the divisor.
    fn each(&self, x: &Shape, mut visit: impl FnMut(usize, usize, f64)) {
        let Ok(windows) = self.pool.over(&TensorType::f32(x.clone())) else { return };
        let [n, c, oh, ow] = windows.output();
        let (h, w) = (windows.y.extent, windows.x.extent);
        for plane in 0..n * c {
            for oy in 0..oh {
                for ox in 0..ow {
                    let (rows, columns) = (windows.y.span(oy), windows.x.span(ox));
                    let divisor = if self.count_include_pad {
                        windows.y.padded_len(oy) * windows.x.padded_len(ox)
                    } else {
                        rows.len() * columns.len()
                    };
                    for y in rows {
                        for x in columns.clone() {
                            visit((plane * oh + oy) * ow + ox, (plane * h + y) * w + x, divisor as f64);
                        }
                    }
                }
            }
        }
    }

    fn call(&self, source: Source, windows: &Windows, l: &Lowering<'_>) -> KernelCall {
        let padded = |axis: &super::window::Axis| axis.before + axis.extent + axis.after;
        let count = l.output.count();
        let launch = Launch::single(count, l.caps);
        let kernel = windows
            .constants(Kernel::new(source).constant("WG", launch.invocations))
            .constant("COUNT_PADDING", self.count_include_pad)
            .constant("PADDED_H", padded(&windows.y))
            .constant("PADDED_W", padded(&windows.x));
        let call = KernelCall::new(kernel, launch.grid(count, l.caps)).bind_inputs(1);
        l.with_epilogue(call.bind(Operand::Output).param("count", count))
    }

    /// The 2×2 form, by vectors, where the windows are of it: for GPUs. A pair of windows is so many pieces of work, of so many
    /// bytes each; `end` adds the epilogue.
    fn half(
        &self,
        source: Source,
        windows: &Windows,
        (pieces, bytes): (usize, usize),
        l: &Lowering<'_>,
        end: impl Fn(KernelCall) -> KernelCall,
    ) -> Option<Strategy> {
        let halves = windows.y.halves() && windows.x.halves() && windows.x.extent.is_multiple_of(4);
        if !halves || l.caps.is_software() {
            return None;
        }
        let count = pieces * windows.output().iter().product::<usize>() / 2;
        let launch = Launch::new(count, bytes, 1, l.caps);
        let kernel = launch.define(Kernel::new(source)).constant("COLUMNS", windows.x.extent / 4);
        let call = KernelCall::new(kernel, launch.grid(count, l.caps)).bind_inputs(1).bind(Operand::Output);
        Some(Strategy::single("2x2", end(call.param("count", count))))
    }
}

impl Op for AvgPool {
    fn name(&self) -> &'static str {
        "avg_pool2d"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [x] = inputs else { return Err(ShapeError::new("takes one input")) };
        Ok(TensorType::f32(self.pool.over(x)?.output()))
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let x = inputs[0];
        let mut y = Array::zeros(self.pool.over(&TensorType::f32(x.shape.clone())).map_or([0; 4], |w| w.output()));
        self.each(&x.shape, |to, from, divisor| y.values[to] += x.values[from] / divisor);
        y
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        let shape = graph.ty(io.inputs[0]).shape.clone();
        Ok(vec![Some(graph.apply(AvgPoolGrad { op: self.clone(), shape }, &[io.d_output])?)])
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let Ok(windows) = self.pool.over(&l.inputs[0]) else { return Vec::new() };
        let half = self.half(source!("avg_pool2d_forward_2x2"), &windows, (1, 40), l, |call| l.with_epilogue(call));
        let plain = windows
            .walkable(l.caps)
            .then(|| Strategy::single("window", self.call(source!("avg_pool2d_forward"), &windows, l)));
        half.into_iter().chain(plain).collect()
    }

    fn sizes(&self, types: &OpTypes<'_>) -> Option<Vec<Size>> {
        let sizes = self.pool.over(&types.inputs[0]).ok()?.sizes();
        // What counts as an element is plain where all windows are whole.
        let whole = |size: &Size| !["pad_y", "pad_x", "past_end"].contains(&size.name) || size.value == 0;
        sizes.iter().all(whole).then_some(sizes)
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        let additions: usize = self.pool.kernel.iter().product();
        (types.output.count() * (additions + 1)) as u64
    }

    fn takes_epilogue(&self) -> bool {
        true
    }
}

impl Op for AvgPoolGrad {
    fn name(&self) -> &'static str {
        "avg_pool2d_grad"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [d_y] = inputs else { return Err(ShapeError::new("takes one input")) };
        let x = TensorType::f32(self.shape.clone());
        let y = self.op.infer(std::slice::from_ref(&x))?;
        if y != *d_y {
            return Err(ShapeError::new(format!("the gradient of {y} cannot be {d_y}")));
        }
        Ok(x)
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let mut d_x = Array::zeros(self.shape.clone());
        self.op.each(&self.shape, |from, to, divisor| d_x.values[to] += inputs[0].values[from] / divisor);
        d_x
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        // Linear: the gradient of the gradient is the op itself.
        Ok(vec![Some(graph.apply(self.op.clone(), &[io.d_output])?)])
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let Ok(windows) = self.op.pool.over(l.output) else { return Vec::new() };
        let half =
            self.op.half(source!("avg_pool2d_backward_2x2"), &windows, (2, 20), l, |call| l.with_epilogue_vec4(call));
        let plain = Strategy::single("gather", self.op.call(source!("avg_pool2d_backward"), &windows, l));
        half.into_iter().chain([plain]).collect()
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        types.output.count() as u64
    }

    fn takes_epilogue(&self) -> bool {
        true
    }
}
