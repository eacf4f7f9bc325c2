//! For GPUs: convolutions as matrix products, one a group, whose operands are gathered tile by tile into workgroup memory.

use super::geometry::Geometry;
use super::parts::summed;
use crate::graph::Lowering;
use crate::kernel::{Kernel, KernelCall, Operand, Source, Strategy, linear_grid, source};

/// Columns of a tile, and terms of a step.
const COLUMNS: usize = 64;
const STEP: usize = 16;

/// Workgroups that keep a large GPU busy.
const PARALLEL: usize = 512;

pub(super) fn forward(g: &Geometry, l: &Lowering<'_>) -> Strategy {
    let call = product(source!("conv2d_tile_forward"), g, g.forward_product(), 1, l);
    Strategy::single("tile", l.with_epilogue(call.bind(Operand::Output)))
}

pub(super) fn d_input(g: &Geometry, l: &Lowering<'_>) -> Strategy {
    let call = product(source!("conv2d_tile_d_input"), g, g.d_input_product(), 1, l);
    Strategy::single("tile", l.with_epilogue(call.bind(Operand::Output)))
}

pub(super) fn d_weight(g: &Geometry, l: &Lowering<'_>) -> Strategy {
    let [rows, columns, terms] = g.d_weight_product();
    let tiles = g.groups * rows.div_ceil(16 * rows_each(rows)) * columns.div_ceil(COLUMNS);
    let parts = parts(tiles, terms, STEP);
    let call = product(source!("conv2d_tile_d_weight"), g, [rows, columns, terms], parts, l);
    summed("tile", call, parts, l)
}

/// Few tiles of long sums: into how many parts these are divided, of whole steps.
pub(super) fn parts(tiles: usize, terms: usize, step: usize) -> usize {
    let parts = (PARALLEL / tiles.max(1)).min(terms / (4 * step)).max(1);
    terms.div_ceil(terms.div_ceil(parts).next_multiple_of(step)).max(1)
}

/// Rows of an invocation: those of a tile are sixteen times as many.
fn rows_each(rows: usize) -> usize {
    if rows > 64 { 8 } else { 4 }
}

/// The call, but for its output, that computes `parts` partial products of `[rows, columns, terms]` for each group.
fn product(kernel: Source, g: &Geometry, extents: [usize; 3], parts: usize, l: &Lowering<'_>) -> KernelCall {
    let each = rows_each(extents[0]);
    let kernel = Kernel::new(kernel).constant("RM", each).constant("Scalar", "f32").constant("Out", "f32");
    in_tiles(kernel, g, extents, [16 * each, COLUMNS, STEP], parts, l)
}

/// The call, but for its output, of a kernel of tiles of so many rows, columns and terms.
pub(super) fn in_tiles(
    kernel: Kernel,
    g: &Geometry,
    [rows, columns, terms]: [usize; 3],
    tile: [usize; 3],
    parts: usize,
    l: &Lowering<'_>,
) -> KernelCall {
    let (row_tiles, column_tiles) = (rows.div_ceil(tile[0]), columns.div_ceil(tile[1]));
    let call = KernelCall::new(kernel, linear_grid(row_tiles * column_tiles * g.groups * parts, l.caps)).bind_inputs(2);
    let call = g.params(call).param("m", rows).param("q", columns).param("k", terms);
    let call = call.param("m_tiles", row_tiles).param("q_tiles", column_tiles);
    call.param("k_each", terms.div_ceil(parts).next_multiple_of(tile[2])).param("parts", parts)
}
