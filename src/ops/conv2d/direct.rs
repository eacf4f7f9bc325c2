//! Every convolution on every machine: one invocation walks all terms of its results.

use super::geometry::Geometry;
use super::parts;
use crate::graph::Lowering;
use crate::kernel::{Kernel, KernelCall, Operand, Strategy, linear_grid, source};
use crate::ops::split::may_turn;
use crate::tensor::DType;

const WORKGROUP: usize = 64;

/// Turns of an invocation's loops over the taps and so many channels.
fn turns(g: &Geometry, channels: usize, each: usize) -> usize {
    g.kh * (1 + g.kw * (1 + channels * (2 + each)))
}

/// How many channels one invocation computes: 4 where they divide the group.
fn channels_each(group: usize) -> usize {
    [4, 2].into_iter().find(|&each| group.is_multiple_of(each)).unwrap_or(1)
}

pub(super) fn forward(g: &Geometry, l: &Lowering<'_>) -> Option<Strategy> {
    let each = channels_each(g.group_o());
    if !may_turn(turns(g, g.group_c(), each), l.caps) {
        return None;
    }
    let kernel = Kernel::new(source!("conv2d_direct_forward"))
        .constant("WG", WORKGROUP)
        .constant("HALF", l.inputs[0].dtype == DType::F16)
        .constant("EACH", each);
    let count = l.output.count() / each;
    let call = KernelCall::new(kernel, linear_grid(count.div_ceil(WORKGROUP), l.caps));
    let call = g.params(call.bind_inputs(2).bind(Operand::Output));
    Some(Strategy::single("direct", l.with_epilogue(call)))
}

pub(super) fn d_input(g: &Geometry, l: &Lowering<'_>) -> Option<Strategy> {
    let each = channels_each(g.group_c());
    if !may_turn(turns(g, g.group_o(), each), l.caps) {
        return None;
    }
    let kernel = Kernel::new(source!("conv2d_direct_d_input"))
        .constant("WG", WORKGROUP)
        .constant("HALF", l.inputs[0].dtype == DType::F16)
        .constant("EACH", each);
    let count = l.output.count() / each;
    let call = KernelCall::new(kernel, linear_grid(count.div_ceil(WORKGROUP), l.caps));
    let call = g.params(call.bind_inputs(2).bind(Operand::Output));
    Some(Strategy::single("direct", l.with_epilogue(call)))
}

pub(super) fn d_weight(g: &Geometry, l: &Lowering<'_>) -> Strategy {
    // The rows of all output images are divided into parts, each summed by its own invocations.
    let count = l.output.count();
    let parallel = if l.caps.is_software() { 2048 } else { 65_536 };
    let (rows_each, parts) = parts::of_rows(g.n * g.oh, g.ow + 1, parallel / count.max(1));
    let kernel = Kernel::new(source!("conv2d_direct_d_weight"))
        .constant("WG", WORKGROUP)
        .constant("HALF", l.inputs[0].dtype == DType::F16);
    let call = KernelCall::new(kernel, linear_grid((count * parts).div_ceil(WORKGROUP), l.caps));
    let call = g.params(call.bind_inputs(2)).param("rows_each", rows_each).param("parts", parts);
    parts::summed("direct", call, parts, l)
}
