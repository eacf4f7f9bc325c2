//! Convolutions of one input channel an output channel: no sum over channels, so nothing for a matrix product.

use super::geometry::Geometry;
use super::parts;
use crate::graph::Lowering;
use crate::kernel::{Kernel, KernelCall, Operand, Source, Strategy, linear_grid, source};

const WORKGROUP: usize = 64;
/// Neighbours of a row that an invocation computes.
const BLOCK: usize = 4;
/// Elements of a row that four neighbours may read at most, and weights: they are kept in registers, and unrolled.
const MOST_SPAN: usize = 32;
const MOST_WEIGHTS: usize = 49;

/// What four neighbours of a row read of the image's row.
fn span(g: &Geometry, step: usize) -> usize {
    (BLOCK - 1) * step + (g.kw - 1) * g.dilation[1] + 1
}

fn suits(g: &Geometry, step: usize) -> bool {
    g.group_c() == 1 && g.groups > 1 && span(g, step) <= MOST_SPAN && g.kh * g.kw <= MOST_WEIGHTS
}

fn kernel(source: Source, g: &Geometry, step: [usize; 2]) -> Kernel {
    Kernel::new(source)
        .constant("WG", WORKGROUP)
        .constant("KH", g.kh)
        .constant("KW", g.kw)
        .constant("STEP_Y", step[0])
        .constant("STEP_X", step[1])
        .constant("DILATION_Y", g.dilation[0])
        .constant("DILATION_X", g.dilation[1])
        .constant("MANY", g.group_o())
        .constant("SPAN", span(g, step[1]))
}

pub(super) fn forward(g: &Geometry, l: &Lowering<'_>) -> Option<Strategy> {
    if !suits(g, g.stride[1]) {
        return None;
    }
    let kernel = kernel(source!("conv2d_depthwise"), g, g.stride).constant("UP_Y", 1usize).constant("UP_X", 1usize);
    Some(walk(kernel.constant("BACK", false), g.x(), g.y(), g.padding.map(|n| n as u32), l))
}

pub(super) fn d_input(g: &Geometry, l: &Lowering<'_>) -> Option<Strategy> {
    if !suits(g, 1) {
        return None;
    }
    let [up_y, up_x] = g.stride;
    let kernel = kernel(source!("conv2d_depthwise"), g, [1, 1]).constant("UP_Y", up_y).constant("UP_X", up_x);
    // Less than 0 where there is more padding than kernel: added to a place, it wraps back.
    let around =
        |axis: usize, kernel: usize| (((kernel - 1) * g.dilation[axis]) as u32).wrapping_sub(g.padding[axis] as u32);
    Some(walk(kernel.constant("BACK", true), g.y(), g.x(), [around(0, g.kh), around(1, g.kw)], l))
}

/// Over an image to an output.
fn walk(kernel: Kernel, image: [usize; 4], out: [usize; 4], [pad_y, pad_x]: [u32; 2], l: &Lowering<'_>) -> Strategy {
    let blocks = out[3].div_ceil(BLOCK);
    let count = out[0] * out[1] * out[2] * blocks;
    let call = KernelCall::new(kernel, linear_grid(count.div_ceil(WORKGROUP), l.caps))
        .bind_inputs(2)
        .bind(Operand::Output)
        .param("count", count)
        .param("channels", image[1])
        .param("rows", image[2])
        .param("columns", image[3])
        .param("out_channels", out[1])
        .param("out_rows", out[2])
        .param("out_columns", out[3])
        .param("blocks", blocks)
        .param("pad_y", pad_y)
        .param("pad_x", pad_x);
    Strategy::single("depthwise", l.with_epilogue(call))
}

pub(super) fn d_weight(g: &Geometry, l: &Lowering<'_>) -> Option<Strategy> {
    if !suits(g, g.stride[1]) {
        return None;
    }
    // The rows of all output images are divided into parts, each summed by its own invocations.
    let parallel = if l.caps.is_software() { 1024 } else { 16_384 };
    let (rows_each, parts) = parts::of_rows(g.n * g.oh, g.ow.div_ceil(BLOCK) + 1, parallel / g.o);
    let kernel = kernel(source!("conv2d_depthwise_d_weight"), g, g.stride);
    let call = KernelCall::new(kernel, linear_grid((g.o * parts).div_ceil(WORKGROUP), l.caps))
        .bind_inputs(2)
        .param("n", g.n)
        .param("c", g.c)
        .param("h", g.h)
        .param("w", g.w)
        .param("o", g.o)
        .param("oh", g.oh)
        .param("ow", g.ow)
        .param("pad_y", g.padding[0])
        .param("pad_x", g.padding[1])
        .param("rows_each", rows_each)
        .param("parts", parts);
    Some(parts::summed("depthwise", call, parts, l))
}
