//! `wide`: for software Vulkan, where uniform windows are read far faster than storage, and every dispatch, storage load
//! and store is dear. Both operands are packed K-major into zero-padded windows, one for each plane of K; each dispatch
//! multiplies four pairs of them at once, then the next four, into a tile, and adds to what the dispatches before it left
//! there. How many fours there are depends on how many windows the device binds.

use super::pack::{Factor, pack};
use super::problem::Problem;
use crate::gpu::Caps;
use crate::graph::{EPILOGUE_OPERANDS, Lowering};
use crate::kernel::{Kernel, KernelCall, Operand, Strategy, linear_grid, source};

/// Rows, and columns, of a workgroup.
pub(in crate::ops) const PANEL: usize = 32;
/// Planes of K that a dispatch takes at once.
const PLANES: usize = 4;
/// As many fours of planes as a dispatch may take one after another: each is a loop more to compile.
const GROUPS: [usize; 3] = [1, 2, 4];
/// Words of a uniform window.
pub(in crate::ops) const WINDOW: usize = 16_384;
pub(super) const WINDOW_BYTES: u64 = 4 * WINDOW as u64;
const WORKGROUP: usize = 64;
/// Floats of a page. Where packing is cheap, it is worth it to have no two neighbours along K a page or more apart.
const PAGE: usize = 1024;
/// More dispatches than this take longer to record than they save.
const MOST_DISPATCHES: usize = 4096;

/// Times in ns a float on two cores and Mesa 22.3; only their proportions matter. Resuming loads a sum from storage.
pub(super) const DISPATCH: f64 = 75_000.0;
const MULTIPLY_ADD: f64 = 0.03;
const STORE: f64 = 0.8;
const LOAD: f64 = 3.4;
const RESUME: f64 = 1.0;
/// What a four of planes more must save to be worth its compilation.
const COMPILE: f64 = 100_000.0;

/// What a sum begins with: nothing, or what the dispatch before left.
const BEGINS: &str = "fn before(i: u32) -> vec4<f32> { return vec4<f32>(); }";
const GOES_ON: &str = "fn before(i: u32) -> vec4<f32> { return out[i]; }";

/// Which of the operands may be read where they lie: those with K outermost, whose planes of K then lie as windows do.
pub(in crate::ops) const NEITHER: [bool; 2] = [false; 2];

/// How a product is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::ops) struct Cut {
    /// Rows and columns of a tile.
    pub tile: [usize; 2],
    /// Tiles along the rows and the columns.
    tiles: [usize; 2],
    /// K of a window; a multiple of 4.
    pub run: usize,
    /// Fours of planes in a dispatch.
    groups: usize,
    /// Dispatches a tile takes, one after another.
    steps: usize,
    /// Whether an operand is read where it lies, not packed: a plane of it is a tile's.
    in_place: [bool; 2],
}

impl Cut {
    /// The cheapest cut of an M×K by K×N product, of whose operands those `k_outermost` may be read in place.
    pub fn best([m, n, k]: [usize; 3], k_outermost: [bool; 2], caps: &Caps) -> Option<(Self, f64)> {
        let halves = |whole: usize, unit: usize| {
            (0..16).map(|i| 1usize << i).filter(move |&parts| parts == 1 || parts <= whole.div_ceil(unit))
        };
        let fits = |groups: &usize| 2 * PLANES * groups + EPILOGUE_OPERANDS <= caps.uniform_buffers;
        let mut best: Option<(Self, f64)> = None;
        for (groups, steps) in GROUPS.into_iter().filter(fits).flat_map(|g| (0..16).map(move |i| (g, 1usize << i))) {
            let run = k.div_ceil(PLANES * groups * steps).next_multiple_of(4);
            if groups * steps > 1 && run < 16 {
                continue;
            }
            for row_parts in halves(m, PANEL) {
                for column_parts in halves(n, PANEL) {
                    let tile = [
                        m.div_ceil(row_parts).next_multiple_of(PANEL),
                        n.div_ceil(column_parts).next_multiple_of(PANEL),
                    ];
                    let fits = run * tile[0].max(tile[1]) <= WINDOW;
                    let tiles = [m.div_ceil(tile[0]), n.div_ceil(tile[1])];
                    let whole = |axis: usize| tile[axis] == [m, n][axis] && run * PLANES * groups * steps == k;
                    let near = |axis: usize| caps.slow_storage || tile[axis] < PAGE;
                    let in_place = [0, 1].map(|axis| k_outermost[axis] && whole(axis) && near(axis));
                    let cut = Self { tile, tiles, run, groups, steps, in_place };
                    if !fits || cut.tiles[0] * cut.tiles[1] * steps > MOST_DISPATCHES {
                        continue;
                    }
                    let cost = cut.cost(1, caps.slow_storage);
                    if best.is_none_or(|(_, least)| cost < least) {
                        best = Some((cut, cost));
                    }
                }
            }
        }
        best
    }

    /// Estimated time of the products alone.
    pub fn products_time(&self) -> f64 {
        let [m, n] = self.padded();
        let dispatches = (self.tiles[0] * self.tiles[1] * self.steps) as f64;
        dispatches * DISPATCH + MULTIPLY_ADD * (m * n * self.planes() * self.run) as f64
    }

    /// Estimated time of so many products, packing included.
    fn cost(&self, count: usize, slow_storage: bool) -> f64 {
        let [m, n] = self.padded();
        let k = self.planes() * self.run;
        let packed = [m, n].into_iter().zip(self.in_place).filter(|(_, in_place)| !in_place);
        let each = self.products_time()
            + STORE * (m * n * self.steps) as f64
            + if slow_storage { RESUME } else { 0.0 } * (m * n * (self.steps - 1)) as f64;
        COMPILE * self.groups as f64
            + each * count as f64
            + packed.map(|(extent, _)| DISPATCH + (LOAD + STORE) * (count * extent * k) as f64).sum::<f64>()
    }

    pub fn padded(&self) -> [usize; 2] {
        [self.tile[0] * self.tiles[0], self.tile[1] * self.tiles[1]]
    }

    /// Planes of K.
    pub fn planes(&self) -> usize {
        PLANES * self.groups * self.steps
    }

    /// The steps, each with the row and the column of every tile.
    pub fn dispatches(&self) -> impl Iterator<Item = (usize, [usize; 2])> + use<> {
        let ([rows, columns], steps) = (self.tiles, self.steps);
        let places = move || (0..rows).flat_map(move |row| (0..columns).map(move |column| [row, column]));
        (0..steps).flat_map(move |step| places().map(move |at| (step, at)))
    }

    /// The first float of a tile where tiles lie one after another.
    pub fn tile_first(&self, [row, column]: [usize; 2]) -> usize {
        (row * self.tiles[1] + column) * self.tile[0] * self.tile[1]
    }

    /// Where a tile's results lie in a whole one of plain rows, and floats from row to row.
    pub fn in_rows(&self, operand: Operand, [row, column]: [usize; 2]) -> (Side, usize) {
        let ([m, n], [_, pitch]) = (self.tile, self.padded());
        (Side { operand, first: row * m * pitch + column * n }, pitch)
    }

    /// What `lib/panel_place` must know of a packed operand: lines of a tile, planes of K, and K of one.
    pub fn panels(&self, axis: usize) -> [usize; 3] {
        [self.tile[axis], self.planes(), self.run]
    }

    /// Where tiles read a factor: where it lies, or in one more `scratch` buffer, which further `calls` pack it into.
    pub fn read(&self, factor: &Factor, caps: &Caps, calls: &mut Vec<KernelCall>, scratch: &mut Vec<u64>) -> Side {
        if self.in_place[factor.axis] {
            return Side { operand: Operand::Input(factor.input), first: 0 };
        }
        let packed = Operand::Scratch(scratch.len());
        scratch.push(self.packed_bytes(factor.axis) + (factor.count - 1) as u64 * self.matrix_bytes(factor.axis));
        calls.extend(pack(factor, packed, self, caps));
        Side { operand: packed, first: 0 }
    }

    /// The call of `kernel` for a tile's step, its first bindings the windows on both operands.
    pub fn call(&self, kernel: Kernel, step: usize, at: [usize; 2], from: [Side; 2]) -> KernelCall {
        let kernel = kernel
            .constant("GROUPS", self.groups)
            .constant("A_WORDS", self.window(0) / 4)
            .constant("B_WORDS", self.window(1) / 4);
        let grid = [(self.tile[1] / PANEL) as u32, (self.tile[0] / PANEL) as u32, 1];
        let mut call = KernelCall::new(kernel, grid);
        for group in step * self.groups..(step + 1) * self.groups {
            for (axis, side) in from.into_iter().enumerate() {
                for plane in PLANES * group..PLANES * (group + 1) {
                    let window = at[axis] * self.planes() + plane;
                    let first = side.first + window * self.tile[axis] * self.run;
                    call = call.bind_window(side.operand, 4 * first as u64, 4 * self.window(axis) as u64);
                }
            }
        }
        // Words from k to k, and from panel to panel.
        let strides = |axis: usize| match self.in_place[axis] {
            true => (self.tile[axis] / 4, PANEL / 4),
            false => (PANEL / 4, self.run * PANEL / 4),
        };
        let ((a_k, a_panel), (b_k, b_panel)) = (strides(0), strides(1));
        call.param("k", self.run)
            .param("a_k", a_k)
            .param("a_panel", a_panel)
            .param("b_k", b_k)
            .param("b_panel", b_panel)
    }

    /// Bytes of an operand's packed windows along `axis`, with room for the last window to be bound whole.
    pub fn packed_bytes(&self, axis: usize) -> u64 {
        self.matrix_bytes(axis) + WINDOW_BYTES
    }

    /// The same without that room.
    fn matrix_bytes(&self, axis: usize) -> u64 {
        4 * self.floats(axis) as u64
    }

    /// Floats of an operand's matrix along `axis`, as it is read.
    fn floats(&self, axis: usize) -> usize {
        self.padded()[axis] * self.run * self.planes()
    }

    /// Floats of a window on an operand: packed, what it holds and what is behind it; in place, one plane.
    fn window(&self, axis: usize) -> usize {
        if self.in_place[axis] { self.tile[axis] * self.run } else { WINDOW }
    }
}

/// The strategy and its estimated time, where the device can run it.
pub(super) fn lower(problem: &Problem, l: &Lowering<'_>) -> Option<(Strategy, f64)> {
    if !suits(l.caps) {
        return None;
    }
    let (extents, batch) = ([problem.m, problem.n], problem.batch());
    let k_outermost = [problem.op.transpose_a, !problem.op.transpose_b];
    let (cut, _) = Cut::best([problem.m, problem.n, problem.k], k_outermost, l.caps)?;
    // Whole tiles are the result itself.
    let direct = cut.padded() == extents;
    // Each matrix must begin where windows may.
    let many = direct && problem.k.is_multiple_of(2) && batch * cut.dispatches().count() <= MOST_DISPATCHES;
    if batch > 1 && !many {
        return None;
    }
    let (mut calls, mut scratch) = (Vec::new(), Vec::new());
    let from = [0, 1].map(|axis| {
        let (extent, k) = (extents[axis], problem.k);
        let count = if batch == 1 { 1 } else { l.inputs[axis].count() / (extent * k) };
        let factor = Factor { axis, input: axis, extent, k, count, k_outermost: k_outermost[axis] };
        cut.read(&factor, l.caps, &mut calls, &mut scratch)
    });
    let tiles = Operand::Scratch(scratch.len());
    if !direct {
        scratch.push(4 * cut.padded().iter().product::<usize>() as u64);
    }
    if scratch.iter().any(|&bytes| bytes > l.caps.binding_bytes) {
        return None;
    }
    let plain = l.plain();
    for (product, matrices) in problem.matrices().enumerate() {
        let from = [0, 1].map(|axis| Side { first: matrices[axis] * cut.floats(axis), ..from[axis] });
        for (step, at) in cut.dispatches() {
            let to = match direct {
                true => cut.in_rows(Operand::Output, at),
                false => (Side { operand: tiles, first: cut.tile_first(at) }, cut.tile[1]),
            };
            let to = (Side { first: to.0.first + product * problem.m * problem.n, ..to.0 }, to.1);
            let last = direct && step + 1 == cut.steps;
            calls.push(tile(&cut, step, at, from, to, if last { l } else { &plain }));
        }
    }
    if !direct {
        calls.push(unpack(&cut, tiles, problem, l));
    }
    Some((Strategy { name: "wide", calls, scratch }, cut.cost(batch, l.caps.slow_storage)))
}

/// Software, with subgroups of eight lanes or more, and enough uniform windows.
pub(in crate::ops) fn suits(caps: &Caps) -> bool {
    caps.is_software() && caps.subgroup.is_some_and(|(least, _)| least >= 8) && caps.uniform_bytes >= WINDOW_BYTES
}

/// An operand, or a result, from some float on.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Side {
    pub operand: Operand,
    pub first: usize,
}

/// One step of one tile, from both operands to rows `pitch` floats apart; ended by `l`'s epilogue.
pub(in crate::ops) fn tile(
    cut: &Cut,
    step: usize,
    at: [usize; 2],
    from: [Side; 2],
    (to, pitch): (Side, usize),
    l: &Lowering<'_>,
) -> KernelCall {
    let kernel = Kernel::new(source!("matmul_wide")).code(if cut.steps > 1 { GOES_ON } else { BEGINS });
    let call = cut
        .call(kernel, step, at, from)
        .bind(to.operand)
        .param("resume", u32::from(step > 0))
        .param("out_first", to.first / 4)
        .param("out_row", pitch / 4);
    l.with_epilogue_vec4(call)
}

/// Tiles → the result.
fn unpack(cut: &Cut, tiles: Operand, problem: &Problem, l: &Lowering<'_>) -> KernelCall {
    let width = if problem.n.is_multiple_of(4) { 4 } else { 1 };
    let columns = problem.n / width;
    let count = problem.m * columns;
    let kernel = Kernel::new(source!("matmul_unpack")).constant("WG", WORKGROUP);
    let call = KernelCall::new(kernel, linear_grid(count.div_ceil(WORKGROUP), l.caps))
        .bind(tiles)
        .bind(Operand::Output)
        .param("count", count)
        .param("columns", columns)
        .param("tile_m", cut.tile[0])
        .param("tile_n", cut.tile[1] / width)
        .param("column_tiles", cut.tiles[1]);
    if width == 4 { l.with_epilogue_vec4(call) } else { l.with_epilogue(call) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_cover_the_product_and_fit_the_windows() {
        let caps = |slow_storage, uniform_buffers| Caps { slow_storage, uniform_buffers, ..Caps::webgpu_minimum() };
        let (few, many) = (caps(true, 15), caps(false, 1_000_000));
        let shapes = [(1, 1, 1), (64, 256, 2048), (512, 512, 512), (1000, 33, 7), (16, 32, 8192), (70, 300, 2100)];
        for ((m, n, k), caps) in shapes.into_iter().flat_map(|shape| [(shape, &few), (shape, &many)]) {
            let (cut, cost) = Cut::best([m, n, k], NEITHER, caps).expect("a cut");
            let [rows, columns] = cut.padded();
            assert!(rows >= m && columns >= n && cut.run * cut.planes() >= k, "{m} {n} {k}: {cut:?}");
            assert!(cut.run * cut.tile[0].max(cut.tile[1]) <= WINDOW && cost > 0.0);
            // Windows begin where uniform bindings may.
            assert!((4 * cut.run * cut.tile[0]).is_multiple_of(256) && (4 * cut.run * cut.tile[1]).is_multiple_of(256));
        }
        // What the cases of several steps, tiles and fours of planes are there for.
        assert!(Cut::best([16, 32, 8192], NEITHER, &few).expect("a cut").0.steps > 1);
        let (cut, _) = Cut::best([70, 300, 2100], NEITHER, &few).expect("a cut");
        assert!(cut.steps > 1 && cut.tiles[0] * cut.tiles[1] > 1, "{cut:?}");
        assert!(Cut::best([512; 3], NEITHER, &many).expect("a cut").0.groups > 1);
        // What lies K-major is read in place where its planes are whole.
        for (shape, in_place) in [([512, 512, 512], true), ([512, 500, 512], false), ([512, 512, 500], false)] {
            let (cut, _) = Cut::best(shape, [false, true], &many).expect("a cut");
            assert_eq!(cut.in_place, [false, in_place], "{shape:?}: {cut:?}");
        }
    }
}
