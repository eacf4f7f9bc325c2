//! The two sums that all gradients of batch normalisation share.

use super::parts::{self, Pass, destination, in_parts, prefers_tree};
use super::{Planes, normalised, passed};
use crate::gpu::Caps;
use crate::graph::{Gradients, Graph, GraphError, Lowering, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Kernel, Operand, Strategy, source};
use crate::ops::reduce::sum_parts;
use crate::tensor::{Array, TensorType};

/// `x` and `d_y` `[n, channels, …]`, statistics `[2, channels]`, weight and bias `[channels]` → `[2, channels]`: `Σ d_y` and
/// `Σ d_y · x̂` of each channel, with `x̂ = (x − mean) / √(variance + eps)`. They are the gradients of bias and weight.
#[derive(Clone, Debug, PartialEq)]
pub struct BnSums {
    /// What keeps the deviation from zero.
    pub eps: f32,
    /// Whether `d_y` is that of the ReLU of `x̂ · weight + bias`: 0 counts for it where that is not positive.
    pub relu: bool,
}

impl Op for BnSums {
    fn name(&self) -> &'static str {
        "bn_sums"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [x, d_y, stats, weight, bias] = inputs else {
            return Err(ShapeError::new("takes x, d_y, statistics, weight and bias"));
        };
        let planes = Planes::of(x)?;
        planes.expect(&[
            ("d_y", d_y, x.clone()),
            ("statistics", stats, planes.stats_type()),
            ("weight", weight, planes.channel_type()),
            ("bias", bias, planes.channel_type()),
        ])?;
        Ok(planes.stats_type())
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let [x, d_y, stats, weight, bias] = [0, 1, 2, 3, 4].map(|i| inputs[i]);
        let planes = Planes::of_shape(&x.shape);
        let mut sums = Array::zeros(stats.shape.clone());
        planes.each(|place, c| {
            let x_hat = normalised(x, stats, self.eps, place, c);
            let d_y = passed(self.relu, x_hat * weight.values[c] + bias.values[c], d_y.values[place]);
            sums.values[c] += d_y;
            sums.values[planes.channels + c] += d_y * x_hat;
        });
        sums
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        io.undefined(graph)
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let Ok(planes) = Planes::of(&l.inputs[0]) else { return Vec::new() };
        let kernel = |source| Kernel::new(source).constant("RELU", self.relu);
        let lines = Pass::lines(kernel(source!("bn_sums_lines")), planes, l.caps);
        let tree = Pass::tree(kernel(source!("bn_sums_tree")), planes, l.caps);
        let lines = self.strategy("lines", lines, planes, l.caps);
        let tree = self.strategy("tree", tree, planes, l.caps);
        let own = self.by_planes(kernel(source!("bn_sums_planes")), planes, l.caps);
        let rest = if prefers_tree(planes, l.caps) { [tree, lines] } else { [lines, tree] };
        own.into_iter().chain(rest).collect()
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        types.inputs[0].count() as u64 * 4
    }
}

impl BnSums {
    fn strategy(&self, name: &'static str, pass: Pass, planes: Planes, caps: &Caps) -> Strategy {
        let parts = pass.split.parts();
        let calls = vec![pass.call.param("eps", self.eps).bind_inputs(5).bind(destination(parts))];
        in_parts(name, calls, parts, planes, || sum_parts(parts, 2 * planes.channels, caps))
    }

    /// Image by image.
    fn by_planes(&self, kernel: Kernel, planes: Planes, caps: &Caps) -> Option<Strategy> {
        let parts = planes.images;
        let calls = parts::by_planes(kernel, planes, &["x", "d_y"], caps, |call| {
            let call = (2..5).fold(call.param("eps", self.eps), |call, i| call.bind(Operand::Input(i)));
            call.bind(destination(parts))
        })?;
        Some(in_parts("planes", calls, parts, planes, || sum_parts(parts, 2 * planes.channels, caps)))
    }
}
