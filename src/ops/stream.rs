//! Passes over whole tensors, in pieces that uniform windows hold where storage is slow to read.

use crate::gpu::Caps;
use crate::kernel::{KernelCall, Operand};

/// Bytes that every window's offset is a multiple of.
const ALIGNMENT: usize = 256;

/// Bytes of the largest window.
const WINDOW: usize = 65_536;

/// Bytes of a word, the vec4 that windows consist of.
const WORD: usize = 16;

/// A tensor that a pass reads once, in order.
pub(super) struct Read {
    /// The tensor.
    pub operand: Operand,
    /// The kernel's name of it: the array of vec4 that is read, at a piece's first element from 0 on.
    pub name: &'static str,
    /// Bytes of a unit.
    pub bytes: usize,
}

/// Some neighbouring units of a pass: one dispatch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Piece {
    /// The first unit.
    pub first: usize,
    /// How many units.
    pub count: usize,
    /// Whether uniform windows hold what is read.
    windows: bool,
}

/// Divides `units` equal units of a pass: into as few pieces as windows allow and a short rest where storage is slow to
/// read, else not at all.
pub(super) fn pieces(units: usize, reads: &[Read], caps: &Caps) -> Vec<Piece> {
    let rest = |first| Piece::new(first, units - first);
    // Units between which every window may begin, and how many such stretches the largest window holds.
    let stretch = reads.iter().map(|r| ALIGNMENT >> r.bytes.trailing_zeros().min(8)).max().unwrap_or(1);
    let widest = reads.iter().map(|r| r.bytes * stretch).max().unwrap_or(0);
    let (stretches, most) = (units / stretch, WINDOW.checked_div(widest).unwrap_or(0));
    if !caps.slow_storage || stretches == 0 || most == 0 {
        return vec![rest(0)];
    }
    let count = stretches / stretches.div_ceil(most) * stretch;
    let mut pieces: Vec<_> = (0..units / count).map(|i| Piece { first: i * count, count, windows: true }).collect();
    if !units.is_multiple_of(count) {
        pieces.push(rest(units / count * count));
    }
    pieces
}

impl Piece {
    /// A piece that is not read through windows.
    pub fn new(first: usize, count: usize) -> Self {
        Self { first, count, windows: false }
    }

    /// Binds what the pass reads, behind what `call` binds already.
    pub fn bind(&self, call: KernelCall, reads: &[Read]) -> KernelCall {
        reads.iter().fold(call, |mut call, read| {
            let (offset, bytes) = ((self.first * read.bytes) as u64, (self.count * read.bytes) as u64);
            if self.windows {
                call.kernel = call.kernel.window(read.name, self.count * read.bytes / WORD);
            } else if self.first == 0 {
                return call.bind(read.operand);
            }
            call.bind_window(read.operand, offset, bytes)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(units: usize, bytes: &[usize], slow_storage: bool) -> Vec<(usize, usize, bool)> {
        let reads: Vec<_> = bytes.iter().map(|&bytes| Read { operand: Operand::Output, name: "x", bytes }).collect();
        let caps = Caps { slow_storage, ..Caps::webgpu_minimum() };
        pieces(units, &reads, &caps).into_iter().map(|p| (p.first, p.count, p.windows)).collect()
    }

    #[test]
    fn pieces_are_even_aligned_and_leave_little() {
        assert_eq!(cut(9000, &[16], false), [(0, 9000, false)]);
        assert_eq!(cut(8192, &[16], true), [(0, 4096, true), (4096, 4096, true)]);
        // Of 562 stretches of 16 words, three pieces take 187 each.
        let thirds = [(0, 2992, true), (2992, 2992, true), (5984, 2992, true), (8976, 24, false)];
        assert_eq!(cut(9000, &[16], true), thirds);
        assert_eq!(cut(10, &[48, 16], true), [(0, 10, false)]);
        assert_eq!(cut(2, &[1 << 17], true), [(0, 2, false)]);
        let halves = [(0, 148, true), (148, 148, true), (296, 4, false)];
        assert_eq!(cut(300, &[256, 64], true), halves);
    }
}
