//! Every convolution on every machine: one invocation walks all terms of its results.

use super::geometry::Geometry;
use crate::graph::Lowering;
use crate::kernel::{Kernel, KernelCall, Operand, Strategy, linear_grid, source};
use crate::tensor::DType;

const WORKGROUP: usize = 64;

/// Turns of all loops that an invocation of the weight gradient may take; Mesa 22.3 stops silently after 65,535.
const WALK: usize = 8_192;

/// How many channels one invocation computes: 4 where they divide the group.
fn channels_each(group: usize) -> usize {
    [4, 2].into_iter().find(|&each| group.is_multiple_of(each)).unwrap_or(1)
}

pub(super) fn forward(g: &Geometry, l: &Lowering<'_>) -> Strategy {
    let each = channels_each(g.group_o());
    let kernel = Kernel::new(source!("conv2d_direct_forward"))
        .constant("WG", WORKGROUP)
        .constant("HALF", l.inputs[0].dtype == DType::F16)
        .constant("EACH", each);
    let count = l.output.count() / each;
    let call = KernelCall::new(kernel, linear_grid(count.div_ceil(WORKGROUP), l.caps));
    let call = g.params(call.bind_inputs(2).bind(Operand::Output));
    Strategy::single("direct", l.with_epilogue(call))
}

pub(super) fn d_input(g: &Geometry, l: &Lowering<'_>) -> Strategy {
    let each = channels_each(g.group_c());
    let kernel = Kernel::new(source!("conv2d_direct_d_input"))
        .constant("WG", WORKGROUP)
        .constant("HALF", l.inputs[0].dtype == DType::F16)
        .constant("EACH", each);
    let count = l.output.count() / each;
    let call = KernelCall::new(kernel, linear_grid(count.div_ceil(WORKGROUP), l.caps));
    let call = g.params(call.bind_inputs(2).bind(Operand::Output));
    Strategy::single("direct", l.with_epilogue(call))
}

pub(super) fn d_weight(g: &Geometry, l: &Lowering<'_>) -> Strategy {
    // The rows of all output images are divided into parts, each summed by its own invocations.
    let (rows, count) = (g.n * g.oh, l.output.count());
    let parallel = if l.caps.is_software() { 2048 } else { 65_536 };
    let wanted = (parallel / count.max(1)).max((rows * (g.ow + 1)).div_ceil(WALK)).clamp(1, rows.max(1));
    let rows_each = rows.div_ceil(wanted).max(1);
    let parts = rows.div_ceil(rows_each).max(1);
    let partial = Kernel::new(source!("conv2d_direct_d_weight"))
        .constant("WG", WORKGROUP)
        .constant("HALF", l.inputs[0].dtype == DType::F16);
    let partial = KernelCall::new(partial, linear_grid((count * parts).div_ceil(WORKGROUP), l.caps));
    let partial = g.params(partial.bind_inputs(2)).param("rows_each", rows_each).param("parts", parts);
    if parts == 1 {
        return Strategy::single("direct", partial.bind(Operand::Output));
    }
    let bytes = (parts * count * 4) as u64;
    let sum = sum_parts(Operand::Scratch(0), parts, count, l);
    Strategy { name: "direct", calls: vec![partial.bind(Operand::Scratch(0)), sum], scratch: vec![bytes] }
}

/// The output as the sum of `parts` arrays laid one after another, in that order.
pub(super) fn sum_parts(from: Operand, parts: usize, count: usize, l: &Lowering<'_>) -> KernelCall {
    let kernel = Kernel::new(source!("conv2d_sum_parts")).constant("WG", WORKGROUP);
    KernelCall::new(kernel, linear_grid(count.div_ceil(WORKGROUP), l.caps))
        .bind(from)
        .bind(Operand::Output)
        .param("parts", parts)
        .param("count", count)
}
