//! What all calls over the tables share.

use super::cell::Extents;
use crate::gpu::Caps;
use crate::kernel::{Following, Kernel, KernelCall, Operand, Source, linear_grid, source};

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
