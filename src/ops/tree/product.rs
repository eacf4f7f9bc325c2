//! The product of a level's lines with the weight, and what all calls over the tables share.

use super::cell::Extents;
use crate::gpu::Caps;
use crate::kernel::{Following, Kernel, KernelCall, Operand, Source, linear_grid, source};

/// Lines an invocation multiplies.
const TILE: usize = 8;
/// Floats of the largest uniform window.
const WINDOW: usize = 16_384;

/// Invocations of a workgroup where each takes four elements on its own.
pub(super) const WORKGROUP: usize = 64;

/// The words of the table of levels that count: all inner nodes, all leaves, those of a level.
pub(super) const INNER: usize = 0;
pub(super) const LEAVES: usize = 1;
pub(super) const fn count_of(level: usize) -> usize {
    2 * level + 1
}

/// A kernel with the constants that all over trees know.
pub(super) fn kernel(source: Source, e: &Extents) -> Kernel {
    Kernel::new(source)
        .constant("WG", WORKGROUP)
        .constant("H4", e.hidden / 4)
        .constant("ARITY", e.arity)
        .constant("LEAVES", e.leaves)
        .constant("ROWS", e.leaves + e.inner)
}

/// A call of `each` invocations for everything counted in `word` of input `levels`, of which there are `most`.
pub(super) fn call(kernel: Kernel, levels: usize, word: usize, most: usize, each: usize) -> KernelCall {
    let following = Following { input: levels, word, times: each, first: 0, per: WORKGROUP, axis: 0 };
    KernelCall::new(kernel, [(most * each).div_ceil(WORKGROUP) as u32, 1, 1]).follow(following)
}

/// Rows of a tensor: the first element, how many rows, and elements of each.
pub(super) struct Rows {
    pub first: usize,
    pub count: usize,
    pub width: usize,
}

/// Sets those of the output's `rows` to 0 that are past the count in `word` of input `levels`.
pub(super) fn clear(rows: &Rows, levels: usize, word: usize, caps: &Caps) -> KernelCall {
    let (width, count) = (rows.width / 4, rows.count * rows.width / 4);
    let kernel = Kernel::new(source!("tree_clear")).constant("WG", WORKGROUP);
    KernelCall::new(kernel, linear_grid(count.div_ceil(WORKGROUP), caps))
        .bind(Operand::Input(levels))
        .bind(Operand::Output)
        .param("count", count)
        .param("first", rows.first / 4)
        .param("width", width)
        .param("word", word)
}

/// Lines `[·, depth]` of a level times a weight `[depth, columns]`.
pub(super) struct Product {
    /// Extents of the trees.
    pub e: Extents,
    /// Terms of a sum.
    pub depth: usize,
    /// Results of a line.
    pub columns: usize,
    /// The scratch buffer of the level's lines, `pitch` elements apart, from 0 on.
    pub lines: usize,
    /// The input that is the weight.
    pub weight: usize,
    /// The input that is the table of levels.
    pub levels: usize,
}

impl Product {
    /// Elements from line to line: eight lines begin where a window may.
    pub fn pitch(&self) -> usize {
        self.depth.next_multiple_of(8)
    }

    /// Lines of a window; `None` where the device reads storage as fast, or a line is too long.
    fn window(&self, caps: &Caps) -> Option<usize> {
        let lines = WINDOW / self.pitch() / TILE * TILE;
        (caps.slow_storage && lines > 0).then_some(lines)
    }

    /// Bytes of the lines' buffer: whole windows, or tiles.
    pub fn lines_bytes(&self, caps: &Caps) -> u64 {
        let whole = self.window(caps).unwrap_or(TILE);
        let lines = (self.e.most(1) * self.e.lines()).next_multiple_of(whole);
        (4 * lines * self.pitch()) as u64
    }

    /// The calls for a level, of the kernel `source`; `finish` binds what the results go to, behind lines, weight and
    /// levels.
    pub fn calls(
        &self,
        source: Source,
        level: usize,
        caps: &Caps,
        finish: impl Fn(KernelCall) -> KernelCall,
    ) -> Vec<KernelCall> {
        let lanes = if caps.is_software() { 8 } else { 32 };
        let lines = self.e.most(level) * self.e.lines();
        let (n4, pitch4) = (self.columns / 4, self.pitch() / 4);
        let window = self.window(caps);
        let part = window.unwrap_or(lines);
        let call = |first: usize| {
            let kernel = kernel(source, &self.e)
                .constant("LANES", lanes)
                .constant("K4", self.depth / 4)
                .constant("PITCH4", pitch4)
                .constant("N4", n4)
                .constant("LINES", self.e.lines());
            let kernel = if window.is_some() { kernel.window("lines", part * pitch4) } else { kernel };
            let grid = [n4.div_ceil(lanes) as u32, part.min(lines - first).div_ceil(TILE) as u32, 1];
            let (input, word) = (self.levels, count_of(level));
            let following = Following { input, word, times: self.e.lines(), first, per: TILE, axis: 1 };
            let call = KernelCall::new(kernel, grid).follow(following);
            let lines = Operand::Scratch(self.lines);
            let call = match window {
                Some(_) => call.bind_window(lines, (4 * first * self.pitch()) as u64, (16 * part * pitch4) as u64),
                None => call.bind(lines),
            };
            let call = call.bind(Operand::Input(self.weight)).bind(Operand::Input(self.levels));
            finish(call).param("level", level).param("first", first)
        };
        (0..lines).step_by(part).map(call).collect()
    }
}
