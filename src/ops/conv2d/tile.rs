//! For GPUs: convolutions as matrix products, one a group, whose operands are gathered tile by tile into workgroup memory.

use super::geometry::Geometry;
use super::parts::summed;
use crate::graph::Lowering;
use crate::kernel::{Kernel, KernelCall, Operand, Source, Strategy, linear_grid, source};
use crate::ops::split::{MOST_TURNS, may_turn};

/// Columns of a tile, and terms of a step.
const COLUMNS: usize = 64;
const STEP: usize = 16;

/// Workgroups that keep a large GPU busy.
const PARALLEL: usize = 512;

pub(super) fn forward(g: &Geometry, l: &Lowering<'_>) -> Option<Strategy> {
    whole(source!("conv2d_tile_forward"), g, g.forward_product(), l)
}

pub(super) fn d_input(g: &Geometry, l: &Lowering<'_>) -> Option<Strategy> {
    whole(source!("conv2d_tile_d_input"), g, g.d_input_product(), l)
}

/// All of a product's terms in one go, where loops may be as long as that.
fn whole(kernel: Source, g: &Geometry, extents: [usize; 3], l: &Lowering<'_>) -> Option<Strategy> {
    let [rows, _, terms] = extents;
    let turns = terms.div_ceil(STEP) * turns_a_step(rows);
    let call = may_turn(turns, l.caps).then(|| product(kernel, g, extents, 1, l))?;
    Some(Strategy::single("tile", l.with_epilogue(call.bind(Operand::Output))))
}

pub(super) fn d_weight(g: &Geometry, l: &Lowering<'_>) -> Strategy {
    let [rows, columns, terms] = g.d_weight_product();
    let tiles = g.groups * rows.div_ceil(16 * rows_each(rows)) * columns.div_ceil(COLUMNS);
    let longest = if l.caps.is_software() { MOST_TURNS / turns_a_step(rows) * STEP } else { terms };
    let parts = parts(tiles, terms, STEP, longest);
    let call = product(source!("conv2d_tile_d_weight"), g, [rows, columns, terms], parts, l);
    summed("tile", call, parts, l)
}

/// Turns of an invocation's loops in a step of a product of so many rows.
fn turns_a_step(rows: usize) -> usize {
    2 + STEP * rows_each(rows) / 4
}

/// Few tiles of long sums: into how many parts these are divided, of whole steps, and of `longest` terms at most, which are
/// whole steps as well or all there are.
pub(super) fn parts(tiles: usize, terms: usize, step: usize, longest: usize) -> usize {
    let useful = (PARALLEL / tiles.max(1)).min(terms / (4 * step));
    let parts = useful.max(terms.div_ceil(longest.max(1))).max(1);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_terms_and_are_no_longer_than_loops_may_be() {
        for (tiles, terms, longest) in [
            (1, 100, 100),
            (600, 62_500, 57_776),
            (600, 62_500, 30_000),
            (3, 1_000_000, 57_776),
            (600, 5, 5),
            (600, 65_536, 65_536),
        ] {
            let parts = parts(tiles, terms, STEP, longest);
            let each = terms.div_ceil(parts).next_multiple_of(STEP);
            assert!(parts * each >= terms && (parts - 1) * each < terms, "{tiles} {terms} {longest}: {parts}");
            assert!(each <= longest.next_multiple_of(STEP), "{tiles} {terms} {longest}: {each}");
        }
        assert_eq!(parts(600, 65_536, STEP, 65_536), 1);
        assert_eq!(parts(600, 100, STEP, 100), 1, "all of them, though no whole steps");
        assert_eq!(parts(600, 62_500, STEP, 57_776), 2);
    }
}
