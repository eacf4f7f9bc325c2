//! For GPUs: convolutions of one group as matrix products whose operands are gathered tile by tile into workgroup memory.

use super::direct::sum_parts;
use super::geometry::Geometry;
use crate::graph::Lowering;
use crate::kernel::{Kernel, KernelCall, Operand, Source, Strategy, linear_grid, source};

/// Columns of a tile, and terms of a step.
const COLUMNS: usize = 64;
const STEP: usize = 16;

/// Workgroups that keep a large GPU busy.
const PARALLEL: usize = 512;

pub(super) fn forward(g: &Geometry, l: &Lowering<'_>) -> Option<Strategy> {
    let [rows, columns, terms] = [g.o, g.n * g.oh * g.ow, g.c * g.kh * g.kw];
    let call = product(source!("conv2d_tile_forward"), g, [rows, columns, terms], 1, l)?;
    Some(Strategy::single("tile", l.with_epilogue(call.bind(Operand::Output))))
}

pub(super) fn d_input(g: &Geometry, l: &Lowering<'_>) -> Option<Strategy> {
    let [rows, columns, terms] = [g.c, g.n * g.h * g.w, g.o * g.kh * g.kw];
    let call = product(source!("conv2d_tile_d_input"), g, [rows, columns, terms], 1, l)?;
    Some(Strategy::single("tile", l.with_epilogue(call.bind(Operand::Output))))
}

pub(super) fn d_weight(g: &Geometry, l: &Lowering<'_>) -> Option<Strategy> {
    let [rows, columns, terms] = [g.o, g.c * g.kh * g.kw, g.n * g.oh * g.ow];
    let tiles = rows.div_ceil(16 * rows_each(rows)) * columns.div_ceil(COLUMNS);
    // Few tiles of long sums: these are divided.
    let parts = (PARALLEL / tiles.max(1)).min(terms / (4 * STEP)).max(1);
    let terms_each = terms.div_ceil(parts).next_multiple_of(STEP);
    let parts = terms.div_ceil(terms_each).max(1);
    let call = product(source!("conv2d_tile_d_weight"), g, [rows, columns, terms], parts, l)?;
    if parts == 1 {
        return Some(Strategy::single("tile", call.bind(Operand::Output)));
    }
    let count = l.output.count();
    let sum = sum_parts(Operand::Scratch(0), parts, count, l);
    let calls = vec![call.bind(Operand::Scratch(0)), sum];
    Some(Strategy { name: "tile", calls, scratch: vec![(parts * count * 4) as u64] })
}

/// Rows of an invocation: those of a tile are sixteen times as many.
fn rows_each(rows: usize) -> usize {
    if rows > 64 { 8 } else { 4 }
}

/// The call, but for its output, that computes `parts` partial products of `[rows, columns, terms]`.
fn product(kernel: Source, g: &Geometry, extents: [usize; 3], parts: usize, l: &Lowering<'_>) -> Option<KernelCall> {
    let [rows, columns, terms] = extents;
    if g.groups != 1 {
        return None;
    }
    let each = rows_each(rows);
    let (row_tiles, column_tiles) = (rows.div_ceil(16 * each), columns.div_ceil(COLUMNS));
    let kernel = Kernel::new(kernel).constant("RM", each);
    let call = KernelCall::new(kernel, linear_grid(row_tiles * column_tiles * parts, l.caps)).bind_inputs(2);
    let call = g.params(call).param("m_tiles", row_tiles).param("q_tiles", column_tiles).param("k", terms);
    Some(call.param("k_each", terms.div_ceil(parts).next_multiple_of(STEP)).param("parts", parts))
}
