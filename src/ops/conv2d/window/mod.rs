//! For software adapters: both operands are repacked into pieces that fit uniform bindings, which such adapters gather
//! from faster than from storage, and one dispatch works on a few pairs of pieces. The kernels know 3×3 taps of stride 1;
//! packing makes every convolution such a one, of more channels, for each of its groups.

mod forward;
mod weight;

pub(super) use forward::{d_input, forward, halved};
pub(super) use weight::d_weight;

use super::geometry::Geometry;
use crate::gpu::Caps;
use crate::graph::Lowering;
use crate::kernel::{Kernel, KernelCall, Operand, linear_grid, source};
use crate::ops::stream::{FEW, Piece, Read, pieces};

const WORKGROUP: usize = 64;

/// Bytes of a window, and the words of four floats in it.
const WINDOW_BYTES: u64 = 65_536;
const WINDOW_WORDS: usize = 4096;

/// Words between which a window may begin.
const ALIGNMENT: usize = 16;

/// Invocations of a workgroup of the hot kernels: one subgroup, whose lanes share what one of them loads.
const LANES: usize = 8;

/// Channels of results, or of d_y, that an invocation takes.
const CHANNELS: usize = 8;

/// About what a dispatch costs on two cores, in nanoseconds: it is over before the next begins, and a core that has
/// fallen asleep joins late.
const DISPATCH: usize = 75_000;

/// How many windows of each operand a dispatch may take: eight, and four operands of an epilogue, are WebGPU's twelve.
const PLANES: [usize; 3] = [1, 2, 4];

/// Whether the kernels are made for this machine and this convolution.
fn suits(g: &Geometry, caps: &Caps) -> bool {
    let lanes = LANES as u32;
    caps.is_software()
        && caps.subgroup == Some((lanes, lanes))
        && caps.uniform_bytes >= WINDOW_BYTES
        // One channel in a group is for `depthwise`.
        && (g.groups == 1 || g.group_c() > 1)
        && g.n > 0
        // One tap of nine is worth it where storage is slow.
        && (caps.slow_storage || g.kh * g.kw > 1)
}

/// The convolution with as many of its groups taken for one as have eight results together, which the kernels compute at
/// once; the weights between two of them are zeros.
fn joined(g: &Geometry, group_results: usize) -> Geometry {
    let fits = |many: &usize| g.groups.is_multiple_of(*many) && many * group_results <= CHANNELS;
    Geometry { groups: g.groups / (1..=g.groups).rev().find(fits).unwrap_or(1), ..*g }
}

/// How many of `count` things go into each of as few as possible but evenly filled pieces of at most `most`.
fn even(count: usize, most: usize) -> usize {
    count.div_ceil(count.div_ceil(most))
}

/// One axis of a convolution. To make it one of three taps and stride 1, the lines of the image are dealt out to `stride`
/// images, and the lines that a result takes from each are divided into blocks of three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Axis {
    taps: usize,
    stride: usize,
    dilation: usize,
    /// Zeros before the first line; where negative, lines left out.
    padding: isize,
    /// Each line of the image is followed by `spread` − 1 lines of zeros.
    spread: usize,
}

impl Axis {
    /// The axis of something that is only cut.
    const PLAIN: Self = Self { taps: 1, stride: 1, dilation: 1, padding: 0, spread: 1 };

    /// Both axes of a convolution.
    fn of(g: &Geometry) -> [Self; 2] {
        [0, 1].map(|i| Self {
            taps: [g.kh, g.kw][i],
            stride: g.stride[i],
            dilation: g.dilation[i],
            padding: g.padding[i] as isize,
            spread: 1,
        })
    }

    /// The gradient's axis: its image is d_y, spread by the stride.
    fn transposed(self) -> Self {
        let padding = ((self.taps - 1) * self.dilation) as isize - self.padding;
        Self { stride: 1, spread: self.stride, padding, ..self }
    }

    /// Pairs of an image of every stride-th line and three lines of it.
    fn blocks(&self) -> usize {
        let reach = (self.taps - 1) * self.dilation;
        if reach < self.stride { reach + 1 } else { (reach / self.stride / 3 + 1) * self.stride }
    }

    /// Whether lines keep their order and distance, from `padding` on.
    fn is_shift(&self) -> bool {
        self.stride == 1 && self.spread == 1 && self.blocks() == 1 && self.padding >= 0
    }
}

/// Adds the preamble constants that say how packing deals `axes` out.
fn with_axes(kernel: Kernel, [y, x]: [Axis; 2]) -> Kernel {
    kernel
        .constant("BLOCKS_Y", y.blocks())
        .constant("BLOCKS_X", x.blocks())
        .constant("STRIDE_Y", y.stride)
        .constant("STRIDE_X", x.stride)
}

/// Adds those too that describe their taps.
fn with_taps(kernel: Kernel, axes: [Axis; 2]) -> Kernel {
    let [y, x] = axes;
    with_axes(kernel, axes)
        .constant("TAPS_Y", y.taps)
        .constant("TAPS_X", x.taps)
        .constant("DILATION_Y", y.dilation)
        .constant("DILATION_X", x.dilation)
}

/// Images cut into windows of some channels of some rows of some images.
#[derive(Clone, Copy, Debug)]
struct Pieces {
    /// `[N, C, H, W]`.
    images: [usize; 4],
    axes: [Axis; 2],
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

    /// Words of four in all windows.
    fn words(&self) -> usize {
        self.count() * self.size()
    }

    /// Bytes of all windows; one that begins near the end may still be bound at full length.
    fn bytes(&self) -> u64 {
        (self.words() * 16) as u64 + WINDOW_BYTES
    }

    /// Whether the windows lie one after another in the images themselves, so that none need be cut.
    fn are_whole(&self) -> bool {
        let [n, c, h, w] = self.images;
        let [images, c_each, rows, columns] = self.window;
        let stretches = n.is_multiple_of(images) && c.is_multiple_of(c_each) && (images == 1 || c_each == c);
        let kept = self.axes.iter().all(|axis| axis.is_shift() && axis.padding == 0);
        kept && rows == h && columns * 4 == w && stretches && self.size() == WINDOW_WORDS
    }

    /// The dispatches that cut: by planes where the words of a row lie as the input's do, or are shifted by part of a word.
    fn pack(&self, input: usize, scratch: usize, l: &Lowering<'_>) -> Vec<KernelCall> {
        let [y, x] = self.axes;
        if y.is_shift() && x.is_shift() && x.padding < 4 && self.images[3].is_multiple_of(4) {
            return self.pack_planes(input, scratch, l);
        }
        let [n, c, h, w] = self.images;
        let count = self.count() * self.window.iter().product::<usize>();
        let kernel = with_axes(Kernel::new(source!("conv2d_window_pack_x")), self.axes)
            .constant("SPREAD_Y", y.spread)
            .constant("SPREAD_X", x.spread)
            .constant("WG", WORKGROUP);
        let call = KernelCall::new(kernel, linear_grid(count.div_ceil(WORKGROUP), l.caps))
            .bind(Operand::Input(input))
            .bind(Operand::Scratch(scratch))
            .param("n", n)
            .param("c", c)
            .param("h", h)
            .param("w", w)
            .param("pad_y", y.padding as u32)
            .param("pad_x", x.padding as u32)
            .param("images", self.window[0])
            .param("c_each", self.window[1])
            .param("rows", self.window[2])
            .param("columns", self.window[3])
            .param("blocks", self.blocks)
            .param("row_tiles", self.row_tiles)
            .param("row_step", self.row_step)
            .param("window_size", self.size())
            .param("count", count);
        vec![call]
    }

    /// Cuts the planes there are, then fills the windows' places for channels and images behind the last with zeros.
    fn pack_planes(&self, input: usize, scratch: usize, l: &Lowering<'_>) -> Vec<KernelCall> {
        let [n, c, h, w] = self.images;
        let [images, c_each, rows, columns] = self.window;
        let reads = [Read { operand: Operand::Input(input), name: "x", bytes: h * w * 4 }];
        let call = |live: bool, channels: std::ops::Range<usize>, planes: Piece| {
            let kernel = Kernel::new(source!("conv2d_window_pack_planes"))
                .constant("WG", WORKGROUP)
                .constant("LIVE", live)
                .constant("FIRST_C", channels.start)
                .constant("CHANNELS", channels.len())
                .constant("H", h)
                .constant("PAD_Y", self.axes[0].padding as u32)
                .constant("PAD_X", self.axes[1].padding as u32)
                .constant("IMAGES", images)
                .constant("C_EACH", c_each)
                .constant("ROWS", rows)
                .constant("BLOCKS", self.blocks)
                .constant("ROW_TILES", self.row_tiles)
                .constant("ROW_STEP", self.row_step)
                .constant("WINDOW_SIZE", self.size());
            let count = planes.count * self.row_tiles * rows;
            let call = KernelCall::new(kernel, linear_grid(count.div_ceil(WORKGROUP), l.caps));
            // What is filled with zeros reads nothing, wherever it lies.
            let from = if live { planes } else { Piece::new(0, n * c) };
            from.bind(call, &reads)
                .bind(Operand::Scratch(scratch))
                .param("first", planes.first)
                .param("count", count)
                .param("words", w / 4)
                .param("columns", columns)
        };
        let mut calls: Vec<_> =
            pieces(n * c, &reads, FEW, l.caps).into_iter().map(|piece| call(true, 0..c, piece)).collect();
        let (n_whole, c_whole) = (n.next_multiple_of(images), c.next_multiple_of(c_each));
        if n_whole > n {
            calls.push(call(false, 0..c, Piece::new(n * c, (n_whole - n) * c)));
        }
        if c_whole > c {
            calls.push(call(false, c..c_whole, Piece::new(0, n_whole * (c_whole - c))));
        }
        calls
    }
}

/// Binds window `index` of the windows of `size` words that `operand` consists of.
fn bind_window(call: KernelCall, operand: Operand, index: usize, size: usize) -> KernelCall {
    call.bind_window(operand, (index * size * 16) as u64, WINDOW_BYTES)
}
