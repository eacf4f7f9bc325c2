//! The two sums that all gradients of batch normalisation share.

use super::parts::{Pass, prefers_tree};
use super::{Planes, normalised};
use crate::gpu::Caps;
use crate::graph::{Gradients, Graph, GraphError, Lowering, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Operand, Strategy, source};
use crate::ops::reduce::sum_parts;
use crate::tensor::{Array, TensorType};

/// `x` and `d_y` `[n, channels, …]` and statistics `[2, channels]` → `[2, channels]`: `Σ d_y` and `Σ d_y · x̂` of each
/// channel, with `x̂ = (x − mean) / √(variance + eps)`. They are the gradients of bias and weight.
#[derive(Clone, Debug, PartialEq)]
pub struct BnSums {
    /// What keeps the deviation from zero.
    pub eps: f32,
}

impl Op for BnSums {
    fn name(&self) -> &'static str {
        "bn_sums"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [x, d_y, stats] = inputs else { return Err(ShapeError::new("takes x, d_y and statistics")) };
        let planes = Planes::of(x)?;
        planes.expect(&[("d_y", d_y, x.clone()), ("statistics", stats, planes.stats_type())])?;
        Ok(planes.stats_type())
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let [x, d_y, stats] = [inputs[0], inputs[1], inputs[2]];
        let planes = Planes::of_shape(&x.shape);
        let mut sums = Array::zeros(stats.shape.clone());
        planes.each(|place, c| {
            sums.values[c] += d_y.values[place];
            sums.values[planes.channels + c] += d_y.values[place] * normalised(x, stats, self.eps, place, c);
        });
        sums
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        io.undefined(graph)
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let Ok(planes) = Planes::of(&l.inputs[0]) else { return Vec::new() };
        let lines = self.strategy("lines", Pass::lines(source!("bn_sums_lines"), planes, l.caps), planes, l.caps);
        let tree = self.strategy("tree", Pass::tree(source!("bn_sums_tree"), planes, l.caps), planes, l.caps);
        if prefers_tree(planes, l.caps) { vec![tree, lines] } else { vec![lines, tree] }
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        types.inputs[0].count() as u64 * 4
    }
}

impl BnSums {
    fn strategy(&self, name: &'static str, pass: Pass, planes: Planes, caps: &Caps) -> Strategy {
        let (to, scratch, parts) = (pass.destination(), pass.scratch(planes), pass.split.parts());
        let mut calls = vec![pass.call.param("eps", self.eps).bind_inputs(3).bind(to)];
        if parts > 1 {
            let sum = sum_parts(parts, 2 * planes.channels, caps);
            calls.push(sum.bind(Operand::Scratch(0)).bind(Operand::Output));
        }
        Strategy { name, calls, scratch }
    }
}
