//! For software adapters and 3×3 kernels of stride 1: both operands are repacked into pieces that fit uniform bindings,
//! which such adapters read many times as fast as storage, and one dispatch works on one pair of pieces.

mod forward;
mod weight;

pub(super) use forward::{d_input, forward};
pub(super) use weight::d_weight;

use super::geometry::Geometry;
use crate::graph::Lowering;
use crate::kernel::{Kernel, KernelCall, Operand, linear_grid, source};

const WORKGROUP: usize = 64;

/// Bytes of a window, and the words of four floats in it.
const WINDOW_BYTES: u64 = 65_536;
const WINDOW_WORDS: usize = 4096;

/// Words between which a window may begin.
const ALIGNMENT: usize = 16;

/// Invocations of a workgroup of the hot kernels: the lanes of a vector.
const LANES: usize = 8;

/// About what a dispatch costs on two cores, in nanoseconds: it is over before the next begins.
const DISPATCH: usize = 30_000;

/// Bytes of intermediate sums that are kept before they are added up.
const SUMS_BYTES: usize = 16 << 20;

/// Whether the kernels are made for this convolution.
fn plain(g: &Geometry) -> bool {
    [g.kh, g.kw] == [3, 3] && g.stride == [1, 1] && g.dilation == [1, 1] && g.groups == 1 && g.n > 0
}

/// How many of `count` things go into each of as few as possible but evenly filled pieces of at most `most`.
fn even(count: usize, most: usize) -> usize {
    count.div_ceil(count.div_ceil(most))
}

/// Images cut into windows of some channels of some rows of some images.
#[derive(Clone, Copy, Debug)]
struct Pieces {
    /// `[N, C, H, W]`.
    images: [usize; 4],
    padding: [usize; 2],
    /// Images, channels, rows and words in a row of a window.
    window: [usize; 4],
    /// Windows along the channels and the rows.
    blocks: usize,
    row_tiles: usize,
    /// Rows from window to window.
    row_step: usize,
}

impl Pieces {
    /// Words of four from one window to the next.
    fn size(&self) -> usize {
        self.window.iter().product::<usize>().next_multiple_of(ALIGNMENT)
    }

    fn count(&self) -> usize {
        self.images[0].div_ceil(self.window[0]) * self.row_tiles * self.blocks
    }

    /// Bytes of all windows; one that begins near the end may still be bound at full length.
    fn bytes(&self) -> u64 {
        (self.count() * self.size() * 16) as u64 + WINDOW_BYTES
    }

    /// The dispatch that cuts: by rows where the words of a row lie as the input's do, or are shifted by part of a word.
    fn pack(&self, input: usize, scratch: usize, l: &Lowering<'_>) -> KernelCall {
        let [pad_y, pad_x] = self.padding;
        let by_rows = self.images[3].is_multiple_of(4) && pad_x < 4;
        let words = self.count() * self.window.iter().product::<usize>();
        let (kernel, count) = if by_rows {
            (Kernel::new(source!("conv2d_window_pack_rows")).constant("PAD", pad_x), words / self.window[3])
        } else {
            (Kernel::new(source!("conv2d_window_pack_x")), words)
        };
        let call = KernelCall::new(kernel.constant("WG", WORKGROUP), linear_grid(count.div_ceil(WORKGROUP), l.caps))
            .bind(Operand::Input(input))
            .bind(Operand::Scratch(scratch))
            .param("n", self.images[0])
            .param("c", self.images[1])
            .param("h", self.images[2])
            .param("w", self.images[3])
            .param("pad_y", pad_y)
            .param("images", self.window[0])
            .param("c_each", self.window[1])
            .param("rows", self.window[2])
            .param("columns", self.window[3])
            .param("blocks", self.blocks)
            .param("row_tiles", self.row_tiles)
            .param("row_step", self.row_step)
            .param("window_size", self.size())
            .param("count", count);
        if by_rows { call } else { call.param("pad_x", pad_x) }
    }
}

/// Binds window `index` of windows of `size` words.
fn bind_window(call: KernelCall, scratch: usize, index: usize, size: usize) -> KernelCall {
    call.bind_window(Operand::Scratch(scratch), (index * size * 16) as u64, WINDOW_BYTES)
}
