//! Normalisation by given statistics.

use super::parts::{reads, width};
use super::{BnGrad, BnSums, Planes, inverse_deviation, normalised, over_planes};
use crate::graph::{Gradients, Graph, GraphError, Lowering, NodeId, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Kernel, KernelCall, Operand, Strategy, source};
use crate::ops::launch::Launch;
use crate::ops::stream::{MANY, Piece, pieces};
use crate::tensor::{Array, HostTensor, TensorType};

/// Vectors of a plane that an invocation computes in software, to load its channel's numbers but once.
const IN_SOFTWARE: usize = 4;

/// `x` `[n, channels, …]`, statistics `[2, channels]`, weight and bias `[channels]` → the shape of `x`:
/// `(x − mean) / √(variance + eps) · weight + bias`.
#[derive(Clone, Debug, PartialEq)]
pub struct BnApply {
    /// What keeps the deviation from zero.
    pub eps: f32,
}

impl Op for BnApply {
    fn name(&self) -> &'static str {
        "bn_apply"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [x, stats, weight, bias] = inputs else {
            return Err(ShapeError::new("takes x, statistics, weight and bias"));
        };
        let planes = Planes::of(x)?;
        planes.expect(&[
            ("statistics", stats, planes.stats_type()),
            ("weight", weight, planes.channel_type()),
            ("bias", bias, planes.channel_type()),
        ])?;
        Ok(x.clone())
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let [x, stats, weight, bias] = [inputs[0], inputs[1], inputs[2], inputs[3]];
        let mut y = x.clone();
        Planes::of_shape(&x.shape).each(|place, c| {
            y.values[place] = normalised(x, stats, self.eps, place, c) * weight.values[c] + bias.values[c];
        });
        y
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        let &[x, stats, weight, bias] = io.inputs else { return io.undefined(graph) };
        let &[wants_x, wants_stats, wants_weight, wants_bias] = io.wanted else { return io.undefined(graph) };
        let producer = graph.node(stats);
        let own_stats = producer.op().is_some_and(|op| op.name() == "bn_stats") && producer.inputs == [x];
        // Behind a ReLU, the shared passes find out from x where it let through: no pass of its own does.
        let (d, relu) = match before_relu(graph, io) {
            Some(d) if own_stats => (d, true),
            _ => (io.d_output, false),
        };
        let sums = if own_stats || wants_stats || wants_weight || wants_bias {
            Some(graph.apply(BnSums { eps: self.eps, relu }, &[x, d, stats, weight, bias])?)
        } else {
            None
        };
        let d_x = match sums {
            // The gradient through the statistics of this very `x` folds into one pass.
            Some(sums) if own_stats && wants_x => {
                Some(graph.apply(BnGrad { eps: self.eps, relu }, &[x, d, stats, sums, weight, bias])?)
            }
            _ if wants_x => {
                let variance = graph.slice(stats, 0, 1, 2)?;
                let deviation = inverse_deviation(graph, variance, self.eps)?;
                let scale = graph.mul(deviation, weight)?;
                let scale = over_planes(graph, scale, x)?;
                Some(graph.mul(d, scale)?)
            }
            _ => None,
        };
        let d_stats = match sums {
            Some(sums) if wants_stats && !own_stats => Some(self.d_stats(graph, stats, weight, sums)?),
            _ => None,
        };
        let mut row = |row: usize, wanted: bool| -> Result<Option<NodeId>, GraphError> {
            let Some(sums) = sums.filter(|_| wanted) else { return Ok(None) };
            let part = graph.slice(sums, 0, row, row + 1)?;
            let channels = graph.ty(part).count();
            graph.reshape(part, [channels]).map(Some)
        };
        let d_bias = row(0, wants_bias)?;
        Ok(vec![d_x, d_stats, row(1, wants_weight)?, d_bias])
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let Ok(planes) = Planes::of(&l.inputs[0]) else { return Vec::new() };
        let scalar = self.strategy("scalar", planes, 1, l);
        if width(planes) == 4 { vec![self.strategy("vec4", planes, 4, l), scalar] } else { vec![scalar] }
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        types.output.count() as u64 * 2
    }

    fn takes_epilogue(&self) -> bool {
        true
    }
}

impl BnApply {
    /// Of the mean `−w · r · Σ d_y` and of the variance `−½ · w · r² · Σ d_y · x̂`, with `r = 1 / √(variance + eps)`.
    fn d_stats(&self, graph: &mut Graph, stats: NodeId, weight: NodeId, sums: NodeId) -> Result<NodeId, GraphError> {
        let variance = graph.slice(stats, 0, 1, 2)?;
        let deviation = inverse_deviation(graph, variance, self.eps)?;
        let square = graph.square(deviation)?;
        let [first, second] = [[1.0, 0.0], [0.0, 1.0]].map(|row| HostTensor::f32([2, 1], row.to_vec()));
        let (Some(first), Some(second)) = (first, second) else { return Err(graph.error("bn_apply", &[], "rows")) };
        let (first, second) = (graph.constant(first), graph.constant(second));
        let half = graph.scalar(0.5);
        let mean_factor = graph.mul(first, deviation)?;
        let half_square = graph.mul(square, half)?;
        let variance_factor = graph.mul(second, half_square)?;
        let factor = graph.add(mean_factor, variance_factor)?;
        let weighted = graph.mul(sums, weight)?;
        let d_stats = graph.mul(weighted, factor)?;
        graph.neg(d_stats)
    }

    fn strategy(&self, name: &'static str, planes: Planes, width: usize, l: &Lowering<'_>) -> Strategy {
        // The epilogue brings Elem.
        let kernel = Kernel::new(source!("bn_apply"));
        let calls = over_elements(kernel, planes, width, &["x"], l, |call| {
            let call = (1..4).fold(call.param("eps", self.eps), |call, i| call.bind(Operand::Input(i)));
            let call = call.bind(Operand::Output);
            if width == 4 { l.with_epilogue_vec4(call) } else { l.with_epilogue(call) }
        });
        Strategy { name, calls, scratch: Vec::new() }
    }
}

/// The gradient of the ReLU of an output, where that is all the output's gradient comes from.
fn before_relu(graph: &Graph, io: &Vjp<'_>) -> Option<NodeId> {
    let named = |node: NodeId, name| graph.node(node).op().is_some_and(|op| op.name() == name);
    match *graph.node(io.d_output).inputs.as_slice() {
        [d, y] if named(io.d_output, "relu_grad") && named(y, "relu") && graph.node(y).inputs == [io.output] => Some(d),
        _ => None,
    }
}

/// The calls over the planes of the first inputs, which the kernel names so, each invocation several elements of one plane,
/// through windows four times as many, `width` at a time; `end` adds what is the pass's own.
pub(super) fn over_elements(
    kernel: Kernel,
    planes: Planes,
    width: usize,
    names: &[&'static str],
    l: &Lowering<'_>,
    end: impl Fn(KernelCall) -> KernelCall,
) -> Vec<KernelCall> {
    let size = planes.size / width;
    let reads = reads(planes, names);
    let count = planes.images * planes.channels;
    let moved = 4 * width * (names.len() + 1);
    let pieces = if width == 4 { pieces(count, &reads, MANY, l.caps) } else { vec![Piece::new(0, count)] };
    let call = |piece: Piece| {
        // What a channel's numbers cost to load is worth a longer run where the elements cost little.
        let in_software = if piece.in_windows() { 4 * IN_SOFTWARE } else { IN_SOFTWARE };
        let launch = Launch::new(piece.count * size, moved, in_software, l.caps).at_most(size);
        let per_plane = size.div_ceil(launch.run);
        // Each plane is padded to whole invocations.
        let grid = launch.grid(piece.count * per_plane * launch.run, l.caps);
        let call = piece.bind(KernelCall::new(launch.define(kernel.clone()), grid), &reads);
        let call = call.param("first", piece.first).param("count", piece.count).param("channels", planes.channels);
        end(call.param("size", size).param("per_plane", per_plane))
    };
    pieces.into_iter().map(call).collect()
}
