//! Passes over whole tensors, in pieces that uniform windows hold where storage is slow to read.

use crate::gpu::Caps;
use crate::graph::EPILOGUE_OPERANDS;
use crate::kernel::{KernelCall, Operand};

/// Bytes that every window's offset is a multiple of.
pub(super) const ALIGNMENT: usize = 256;

/// Bytes of the largest window.
const WINDOW: usize = 65_536;

/// Bytes of a word, the vec4 that windows consist of.
const WORD: usize = 16;

/// Most windows of a dispatch on each tensor, for kernels with a short body: every one is the body once more, and every
/// dispatch has to wake the driver's threads.
pub(super) const MANY: usize = 8;
/// The same, for kernels with a long one.
pub(super) const FEW: usize = 2;

/// A tensor that a pass reads once, in order.
pub(super) struct Read {
    /// The tensor.
    pub operand: Operand,
    /// The kernel's name of it, followed by the number of the window: the arrays of vec4 that are read, each at a part's
    /// first element from 0 on.
    pub name: &'static str,
    /// Bytes of a unit.
    pub bytes: usize,
}

/// Some neighbouring units of a pass: one dispatch, of equal parts one after another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Piece {
    /// The first unit.
    pub first: usize,
    /// Units of a part.
    pub count: usize,
    /// How many parts uniform windows hold; 0 if what is read lies in storage, which is one part.
    windows: usize,
}

/// Divides `units` equal units of a pass: into as few pieces as windows, `most_windows` a dispatch, allow and a short rest
/// where storage is slow to read, else not at all.
pub(super) fn pieces(units: usize, reads: &[Read], most_windows: usize, caps: &Caps) -> Vec<Piece> {
    let rest = |first| Piece::new(first, units - first);
    // Units between which every window may begin, and how many such stretches the largest window holds.
    let stretch = reads.iter().map(|r| ALIGNMENT >> r.bytes.trailing_zeros().min(8)).max().unwrap_or(1);
    let widest = reads.iter().map(|r| r.bytes * stretch).max().unwrap_or(0);
    let (stretches, most) = (units / stretch, WINDOW.checked_div(widest).unwrap_or(0));
    if !caps.slow_storage || stretches == 0 || most == 0 {
        return vec![rest(0)];
    }
    let count = stretches / stretches.div_ceil(most) * stretch;
    let parts = units / count;
    // Beside the windows are an epilogue's operands and, where there are no immediates, the parameters.
    let others = EPILOGUE_OPERANDS + usize::from(caps.immediate_bytes == 0);
    let most_windows = (caps.uniform_buffers.saturating_sub(others) / reads.len()).clamp(1, most_windows);
    let mut pieces = Vec::new();
    let mut first = 0;
    while first < parts {
        let windows = most_windows.min(parts - first);
        pieces.push(Piece { first: first * count, count, windows });
        first += windows;
    }
    if parts * count < units {
        pieces.push(rest(parts * count));
    }
    pieces
}

/// Whether windows hold most of a pass.
pub(super) fn in_windows(pieces: &[Piece]) -> bool {
    pieces.first().is_some_and(Piece::in_windows)
}

impl Piece {
    /// A piece that is not read through windows.
    pub fn new(first: usize, count: usize) -> Self {
        Self { first, count, windows: 0 }
    }

    /// Whether uniform windows hold what is read.
    pub fn in_windows(&self) -> bool {
        self.windows > 0
    }

    /// Binds what the pass reads, all parts of the first tensor, then of the next, behind what `call` binds already, and
    /// tells the kernel how many parts, `WINDOWS`, there are.
    pub fn bind(&self, call: KernelCall, reads: &[Read]) -> KernelCall {
        self.bind_from(0, call, reads)
    }

    /// [`bind`](Self::bind) of a pass that begins with unit `begin` of the tensors, where windows may begin.
    pub fn bind_from(&self, begin: usize, mut call: KernelCall, reads: &[Read]) -> KernelCall {
        let begin = begin + self.first;
        call.kernel = call.kernel.constant("WINDOWS", self.windows.max(1));
        for read in reads {
            if self.windows == 0 && begin == 0 {
                call = call.bind(read.operand);
                continue;
            }
            let bytes = self.count * read.bytes;
            for part in 0..self.windows.max(1) {
                if self.windows > 0 {
                    call.kernel = call.kernel.window(format!("{}{part}", read.name), bytes / WORD);
                }
                let first = begin + part * self.count;
                call = call.bind_window(read.operand, (first * read.bytes) as u64, bytes as u64);
            }
        }
        call
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Kernel, source};

    fn cut(units: usize, bytes: &[usize], slow_storage: bool) -> Vec<(usize, usize, usize)> {
        let reads: Vec<_> = bytes.iter().map(|&bytes| Read { operand: Operand::Output, name: "x", bytes }).collect();
        let caps = Caps { slow_storage, ..Caps::webgpu_minimum() };
        pieces(units, &reads, MANY, &caps).into_iter().map(|p| (p.first, p.count, p.windows)).collect()
    }

    #[test]
    fn pieces_are_even_aligned_and_leave_little() {
        assert_eq!(cut(9000, &[16], false), [(0, 9000, 0)]);
        assert_eq!(cut(8192, &[16], true), [(0, 4096, 2)]);
        // Of 562 stretches of 16 words, three parts take 187 each.
        assert_eq!(cut(9000, &[16], true), [(0, 2992, 3), (8976, 24, 0)]);
        assert_eq!(cut(10, &[48, 16], true), [(0, 10, 0)]);
        assert_eq!(cut(2, &[1 << 17], true), [(0, 2, 0)]);
        assert_eq!(cut(300, &[256, 64], true), [(0, 148, 2), (296, 4, 0)]);
        // Of twelve uniform buffers four are left to an epilogue and one to the parameters.
        assert_eq!(cut(40_960, &[16], true), [(0, 4096, 7), (28_672, 4096, 3)]);
        assert_eq!(cut(20_480, &[16, 16], true), [(0, 4096, 3), (12_288, 4096, 2)]);
    }

    #[test]
    fn parts_are_bound_from_where_a_pass_begins() {
        let read = |input, name, bytes| Read { operand: Operand::Input(input), name, bytes };
        let reads = [read(0, "x", 256), read(1, "d_y", 64)];
        let caps = Caps { slow_storage: true, ..Caps::webgpu_minimum() };
        let pieces = pieces(500, &reads, MANY, &caps);
        assert_eq!(
            (pieces.len(), pieces[0], in_windows(&pieces)),
            (2, Piece { first: 0, count: 248, windows: 2 }, true)
        );
        let call = KernelCall::new(Kernel::new(source!("max_pool2d_backward_2x2")), [1; 3]);
        let bound = pieces[0].bind_from(8, call, &reads).operands;
        let windows: Vec<_> = bound.iter().map(|bound| (bound.operand, bound.window)).collect();
        let window = |input, first: u64, unit: u64| (Operand::Input(input), Some((first * unit, 248 * unit)));
        assert_eq!(windows, [window(0, 8, 256), window(0, 256, 256), window(1, 8, 64), window(1, 256, 64)]);
    }
}
