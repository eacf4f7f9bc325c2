//! `coop` and `coop_small`: convolutions of f16 as products by cooperative matrices, one product a group, whose operands
//! are gathered tile by tile into workgroup memory.

use super::geometry::Geometry;
use super::parts::summed;
use super::tile::{in_tiles, parts};
use crate::graph::Lowering;
use crate::kernel::{Candidates, KernelCall, Operand, Source, Strategy, source};
use crate::ops::coop::{Layout, Tile};

/// Columns are gathered four neighbours at a time, and rows for one term after another.
const LAYOUTS: [Layout; 2] =
    [Layout { k_innermost: false, across: true }, Layout { k_innermost: false, across: false }];

pub(super) fn forward(g: &Geometry, l: &Lowering<'_>) -> Candidates {
    in_one(source!("conv2d_coop_forward"), g, g.forward_product(), l)
}

pub(super) fn d_input(g: &Geometry, l: &Lowering<'_>) -> Candidates {
    in_one(source!("conv2d_coop_d_input"), g, g.d_input_product(), l)
}

fn in_one(kernel: Source, g: &Geometry, extents: [usize; 3], l: &Lowering<'_>) -> Candidates {
    let strategy = |(name, tile): (&'static str, Tile)| {
        let call = product(kernel, g, extents, tile, 1, l).bind(Operand::Output);
        Strategy::single(name, l.with_epilogue(call))
    };
    tiles(extents, l).map(strategy).collect()
}

pub(super) fn d_weight(g: &Geometry, l: &Lowering<'_>) -> Candidates {
    let [rows, columns, terms] = g.d_weight_product();
    let strategy = |(name, tile): (&'static str, Tile)| {
        let tiles = g.groups * rows.div_ceil(tile.rows()) * columns.div_ceil(tile.columns());
        let parts = parts(tiles, terms, tile.step(), terms);
        let call = product(source!("conv2d_coop_d_weight"), g, [rows, columns, terms], tile, parts, l);
        summed(name, call, parts, l)
    };
    tiles([rows, columns, terms], l).map(strategy).collect()
}

/// The tile sizes that there are, the better one first.
fn tiles([rows, ..]: [usize; 3], l: &Lowering<'_>) -> impl Iterator<Item = (&'static str, Tile)> {
    let tiles = [("coop", Tile::large(l.caps)), ("coop_small", Tile::small(l.caps))];
    let mut tiles: Vec<_> = tiles.into_iter().filter_map(|(name, tile)| Some((name, tile?))).collect();
    // Rows of a large tile that lie past the end are work for nothing.
    if tiles.iter().any(|(_, tile)| rows <= tile.rows() / 2) {
        tiles.reverse();
    }
    tiles.into_iter()
}

fn product(
    kernel: Source,
    g: &Geometry,
    extents: [usize; 3],
    tile: Tile,
    parts: usize,
    l: &Lowering<'_>,
) -> KernelCall {
    let kernel = tile.kernel(kernel, LAYOUTS, [false; 2], l).constant("Scalar", "f16");
    in_tiles(kernel, g, extents, [tile.rows(), tile.columns(), tile.step()], parts, l)
}
