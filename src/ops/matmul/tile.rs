//! `tile128`, `tile64` and `tile32`: tiles of 64×128, 64×64 and 32×64 in workgroup memory, for GPUs. Where a product has too
//! few tiles to fill one, its sum over K is divided.

use super::problem::Problem;
use super::simple::summed;
use crate::graph::Lowering;
use crate::kernel::{Candidates, Kernel, Operand, Strategy, source};
use crate::ops::split::{Aim, Split};

/// Invocations that keep a large GPU busy, and workgroups that it runs at once.
const PARALLEL: usize = 1 << 16;
const MOST_WORKGROUPS: usize = 1024;
/// K below which another part costs more than it brings.
const LEAST: usize = 256;
/// Mesa 22.3 stops an invocation's loops after 65,535 turns, and the tests run these kernels there.
const MOST: usize = 1 << 15;
/// K between two barriers.
const STEP: usize = 16;

/// A size of tiles.
#[derive(Clone, Copy, Debug)]
struct Tile {
    name: &'static str,
    /// Rows and columns of groups of 32 invocations, which have 32×64 results each.
    groups: [usize; 2],
    /// The share of a GPU's arithmetic that large products reached.
    efficiency: f64,
    /// Whether rows are padded in workgroup memory: they lie in other banks, but fewer workgroups run at once. NVIDIA's driver
    /// gives all of a multiprocessor 48 KiB.
    padded: bool,
}

const LARGE: Tile = Tile { name: "tile128", groups: [2, 2], efficiency: 0.72, padded: true };
const SMALL: Tile = Tile { name: "tile64", groups: [2, 1], efficiency: 0.68, padded: true };
const FLAT: Tile = Tile { name: "tile32", groups: [1, 1], efficiency: 0.6, padded: false };

impl Tile {
    /// Rows and columns.
    fn extents(self) -> [usize; 2] {
        [32 * self.groups[0], 64 * self.groups[1]]
    }

    /// How many of them a result takes.
    fn count(self, problem: &Problem) -> usize {
        let [rows, columns] = self.extents();
        problem.m.div_ceil(rows) * problem.n.div_ceil(columns) * problem.batch()
    }

    fn invocations(self) -> usize {
        32 * self.groups[0] * self.groups[1]
    }

    /// Workgroups that keep a large GPU busy.
    fn enough(self) -> usize {
        PARALLEL / self.invocations()
    }

    /// Into what parts the sums over K are divided for so many workgroups.
    fn split(self, problem: &Problem, parallel: usize) -> Split {
        Split::new(self.count(problem), 1, problem.k, Aim { parallel, least: LEAST, most: MOST })
    }

    /// How long a product takes, in units of no meaning: tiles are computed whole, and too few do not fill a GPU.
    fn cost(self, problem: &Problem) -> f64 {
        let [rows, columns] = self.extents();
        let parts = self.split(problem, self.enough()).parts();
        let busy = (self.count(problem) * parts).max(self.enough());
        (busy * rows * columns) as f64 / (parts as f64 * self.efficiency)
    }
}

/// All tile sizes, the best one first.
fn tiles(problem: &Problem) -> [Tile; 3] {
    let mut tiles = [LARGE, SMALL, FLAT];
    tiles.sort_by(|a, b| a.cost(problem).total_cmp(&b.cost(problem)));
    tiles
}

pub(super) fn lower(problem: &Problem, l: &Lowering<'_>) -> Candidates {
    tiles(problem).into_iter().filter_map(|tile| in_tiles(tile, problem, l)).collect()
}

fn in_tiles(tile: Tile, problem: &Problem, l: &Lowering<'_>) -> Option<Strategy> {
    let &Problem { op, m, n, k, .. } = problem;
    let [rows, columns] = tile.extents();
    // Whole steps in every part.
    let k_part = tile.split(problem, tile.enough().min(MOST_WORKGROUPS)).run_each.next_multiple_of(STEP);
    let parts = k.div_ceil(k_part);
    let grid = [n.div_ceil(columns), m.div_ceil(rows)];
    if grid.iter().any(|&n| n > l.caps.workgroups as usize) {
        return None;
    }
    let by_four = |innermost: usize| innermost.is_multiple_of(4);
    let (a_by_four, b_by_four) =
        (by_four(if op.transpose_a { m } else { k }), by_four(if op.transpose_b { k } else { n }));
    let element = |by_four: bool| if by_four { "vec4<f32>" } else { "f32" };
    let whole = m.is_multiple_of(rows) && n.is_multiple_of(columns) && k.is_multiple_of(STEP);
    let (width, piece): (usize, _) = match by_four(n) {
        true => (4, "fn piece(sum: vec4<f32>, e: u32) -> vec4<f32> { return sum; }"),
        false => (1, "fn piece(sum: vec4<f32>, e: u32) -> f32 { return sum[e]; }"),
    };
    // Written out where it pays, not where it only has to be compiled.
    let unroll = if l.caps.is_software() { 1 } else { STEP };
    let kernel = Kernel::new(source!("matmul_tile"))
        .constant("Elem0", element(a_by_four))
        .constant("Elem1", element(b_by_four))
        .constant("Out", element(width == 4))
        .constant("BY_FOUR0", a_by_four)
        .constant("BY_FOUR1", b_by_four)
        .constant("K_INNERMOST0", !op.transpose_a)
        .constant("K_INNERMOST1", op.transpose_b)
        .constant("WHOLE", whole)
        .constant("WIDTH", width)
        .constant("PIECES", 4 / width)
        .constant("M_TILE", rows)
        .constant("N_TILE", columns)
        .constant("WG", tile.invocations())
        .constant("WARP_COLUMNS", tile.groups[1])
        .constant("ROWS", 2usize)
        .constant("COLUMNS", 2usize)
        .constant("STEP", STEP)
        .constant("B_EACH", columns * STEP / 16 / tile.invocations())
        .constant("PAD", usize::from(tile.padded))
        .constant("UNROLL", unroll)
        .code(piece);
    let to = if parts == 1 { Operand::Output } else { Operand::Scratch(0) };
    let plain = l.plain();
    let end = if parts == 1 { l } else { &plain };
    let end = |call| if width == 4 { end.with_epilogue_vec4(call) } else { end.with_epilogue(call) };
    let calls = problem.calls(&kernel, grid, (parts, k_part), to, l.caps).map(end).collect();
    Some(summed(tile.name, calls, parts, l))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::matmul::MatMul;

    #[test]
    fn the_first_tiles_are_those_that_were_fastest_on_a_gpu() {
        let nt = MatMul { transpose_a: false, transpose_b: true };
        // Of Winograd's products on an H200: the weights' gradients of 512 images of 32 and 64 channels.
        for (batch, m, n, k, fastest) in [(36, 32, 64, 8192, FLAT), (36, 64, 128, 2048, LARGE)] {
            let problem = Problem::new(nt, &[batch, m, k].into(), &[batch, n, k].into());
            let first = problem.map(|problem| tiles(&problem)[0].name);
            assert_eq!(first, Some(fastest.name), "{batch} of {m}x{n}x{k}");
        }
    }
}
