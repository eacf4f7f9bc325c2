//! Mean and variance of each channel.

use super::Planes;
use super::parts::{self, Pass, destination, in_parts, prefers_tree};
use crate::gpu::Caps;
use crate::graph::{Gradients, Graph, GraphError, Lowering, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Kernel, KernelCall, Operand, Strategy, linear_grid, source};
use crate::ops::group::Group;
use crate::ops::split::Split;
use crate::tensor::{Array, TensorType};

/// Input `[n, channels, …]` → `[2, channels]`: mean, then biased variance, of each channel.
#[derive(Clone, Debug, PartialEq)]
pub struct BnStats;

impl Op for BnStats {
    fn name(&self) -> &'static str {
        "bn_stats"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [x] = inputs else { return Err(ShapeError::new("takes one input")) };
        Planes::of(x).map(|planes| planes.stats_type())
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let x = inputs[0];
        let planes = Planes::of_shape(&x.shape);
        let mut stats = Array::zeros([2, planes.channels]);
        let share = 1.0 / planes.count() as f64;
        planes.each(|place, c| stats.values[c] += share * x.values[place]);
        planes.each(|place, c| {
            stats.values[planes.channels + c] += share * (x.values[place] - stats.values[c]).powi(2);
        });
        stats
    }

    /// `(d_mean + 2 · d_variance · (x − mean)) / count`. [`super::BnApply`] goes around it where it can.
    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        let x = io.inputs[0];
        let planes = Planes::of_shape(&graph.ty(x).shape);
        let row = |graph: &mut Graph, stats, row| {
            let row = graph.slice(stats, 0, row, row + 1)?;
            super::over_planes(graph, row, x)
        };
        let mean = row(graph, io.output, 0)?;
        let d_mean = row(graph, io.d_output, 0)?;
        let d_variance = row(graph, io.d_output, 1)?;
        let share = graph.scalar(1.0 / planes.count() as f32);
        let twice_share = graph.scalar(2.0 / planes.count() as f32);
        let shift = graph.mul(d_mean, share)?;
        let slope = graph.mul(d_variance, twice_share)?;
        let centred = graph.sub(x, mean)?;
        let sloped = graph.mul(centred, slope)?;
        Ok(vec![Some(graph.add(sloped, shift)?)])
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let Ok(planes) = Planes::of(&l.inputs[0]) else { return Vec::new() };
        let lines =
            strategy("lines", Pass::lines(Kernel::new(source!("bn_stats_lines")), planes, l.caps), planes, l.caps);
        let tree = strategy("tree", Pass::tree(Kernel::new(source!("bn_stats_tree")), planes, l.caps), planes, l.caps);
        let own = by_planes(planes, l.caps);
        let rest = if prefers_tree(planes, l.caps) { [tree, lines] } else { [lines, tree] };
        own.into_iter().chain(rest).collect()
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        types.inputs[0].count() as u64 * 4
    }
}

fn strategy(name: &'static str, pass: Pass, planes: Planes, caps: &Caps) -> Strategy {
    let Pass { call, split, extents } = pass;
    let parts = split.parts();
    let calls = vec![call.param("scale", scale(parts, planes)).bind(Operand::Input(0)).bind(destination(parts))];
    in_parts(name, calls, parts, planes, || merge(split, extents, planes, caps))
}

/// Image by image.
fn by_planes(planes: Planes, caps: &Caps) -> Option<Strategy> {
    let parts = planes.images;
    let kernel = Kernel::new(source!("bn_stats_planes"));
    let calls = parts::by_planes(kernel, planes, &["x"], caps, |call| {
        call.param("scale", scale(parts, planes)).bind(destination(parts))
    })?;
    let split = Split { rows_each: 1, run_each: planes.size, row_parts: parts, run_parts: 1 };
    Some(in_parts("planes", calls, parts, planes, || merge(split, [parts, planes.size], planes, caps)))
}

/// What a sum of squares is multiplied by: partial results keep sums, the whole is their mean.
fn scale(parts: usize, planes: Planes) -> f32 {
    if parts == 1 { 1.0 / planes.count() as f32 } else { 1.0 }
}

/// Parts from which several invocations merge those of a channel, on GPUs.
const MANY_PARTS: usize = 8;

/// The call that makes one of several parts.
fn merge(split: Split, [rows, run]: [usize; 2], planes: Planes, caps: &Caps) -> KernelCall {
    const WORKGROUP: usize = 64;
    let call = if caps.is_software() || split.parts() < MANY_PARTS {
        let kernel = Kernel::new(source!("bn_stats_merge")).constant("WG", WORKGROUP);
        KernelCall::new(kernel, linear_grid(planes.channels.div_ceil(WORKGROUP), caps))
    } else {
        let group = Group::new(planes.channels, split.parts(), 1, caps.invocations.min(256) as usize);
        let kernel = group.define(Kernel::new(source!("bn_stats_merge_tree")));
        KernelCall::new(kernel, group.grid(planes.channels, caps))
    };
    call.param("channels", planes.channels)
        .param("parts", split.parts())
        .param("rows", rows)
        .param("run", run)
        .param("rows_each", split.rows_each)
        .param("run_parts", split.run_parts)
        .param("run_each", split.run_each)
}
