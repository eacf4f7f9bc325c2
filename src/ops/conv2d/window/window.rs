//! For software adapters: both operands are repacked into pieces that fit uniform bindings, which such adapters read many
//! times as fast as storage, and one dispatch works on one pair of pieces.

use super::geometry::Geometry;
use crate::graph::Lowering;
use crate::kernel::{Kernel, KernelCall, Operand, Strategy, linear_grid, source};

const WORKGROUP: usize = 64;

/// Bytes of a window, and the words of four floats in it.
const WINDOW_BYTES: u64 = 65_536;
const WINDOW_WORDS: usize = 4096;

/// Channels and rows that an invocation of the 3×3 kernel computes, and invocations of its workgroup.
const CHANNELS: usize = 4;
const ROWS: usize = 4;
const LANES: usize = 8;

/// A 3×3 convolution of stride 1 as the kernel sees it: a forward pass, or the gradient with respect to the input.
#[derive(Clone, Copy, Debug)]
struct Pass {
    n: usize,
    /// Channels summed over, and the rows and columns of the images they come from.
    c: usize,
    h: usize,
    w: usize,
    /// Channels, rows and columns computed.
    o: usize,
    oh: usize,
    ow: usize,
    padding: [usize; 2],
    flip: bool,
}

impl Pass {
    fn forward(g: &Geometry) -> Option<Self> {
        let Geometry { n, c, h, w, o, oh, ow, padding, .. } = *g;
        Self { n, c, h, w, o, oh, ow, padding, flip: false }.fits(g)
    }

    fn d_input(g: &Geometry) -> Option<Self> {
        let Geometry { n, c, h, w, o, oh, ow, .. } = *g;
        let padding = [2usize.checked_sub(g.padding[0])?, 2usize.checked_sub(g.padding[1])?];
        Self { n, c: o, h: oh, w: ow, o: c, oh: h, ow: w, padding, flip: true }.fits(g)
    }

    fn fits(self, g: &Geometry) -> Option<Self> {
        let plain = [g.kh, g.kw] == [3, 3] && g.stride == [1, 1] && g.dilation == [1, 1] && g.groups == 1;
        (plain && self.n > 0 && self.ow.is_multiple_of(4)).then_some(self)
    }
}

/// How a pass is divided into windows.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tiling {
    /// Channels of a block.
    c_each: usize,
    blocks: usize,
    /// Results of a weight window.
    o_each: usize,
    parts: usize,
    /// Images and output rows of a tile.
    images: usize,
    row_step: usize,
    row_tiles: usize,
    tiles: usize,
    /// Words of four in a row.
    columns: usize,
}

impl Tiling {
    /// The best division by a rough account of the time it takes, in nanoseconds on two cores.
    fn new(pass: &Pass) -> Option<Self> {
        let columns = pass.ow / 4 + 1;
        let all_rows = pass.oh.next_multiple_of(ROWS);
        let mut best: Option<(usize, Self)> = None;
        for blocks in 1..=pass.c {
            let c_each = pass.c.div_ceil(blocks);
            let blocks = pass.c.div_ceil(c_each);
            let room = WINDOW_WORDS / (c_each * columns);
            let widest = (WINDOW_WORDS * 4 / (c_each * 9) / CHANNELS * CHANNELS).min(pass.o.next_multiple_of(CHANNELS));
            if room < ROWS + 2 || widest == 0 {
                continue;
            }
            let (images, row_step) = if room >= all_rows + 2 {
                ((room / (all_rows + 2)).min(pass.n), all_rows)
            } else {
                (1, (room - 2) / ROWS * ROWS)
            };
            let row_tiles = pass.oh.div_ceil(row_step);
            let row_step = pass.oh.div_ceil(row_tiles).next_multiple_of(ROWS);
            let image_tiles = pass.n.div_ceil(images);
            let images = pass.n.div_ceil(image_tiles);
            let parts = pass.o.div_ceil(widest);
            let o_each = pass.o.div_ceil(parts).next_multiple_of(CHANNELS);
            let tiling =
                Self { c_each, blocks, o_each, parts, images, row_step, row_tiles, tiles: image_tiles * row_tiles, columns };
            let groups = tiling.groups(pass) * (o_each / CHANNELS);
            let one = c_each * 1000 + 8000;
            let time = tiling.tiles * parts * blocks * (30_000 + groups.div_ceil(2) * one);
            if best.is_none_or(|(least, _)| time < least) {
                best = Some((time, tiling));
            }
            if c_each <= 8 {
                break;
            }
        }
        best.map(|(_, tiling)| tiling)
    }

    /// Workgroups for the pixels of a tile.
    fn groups(&self, pass: &Pass) -> usize {
        (self.images * (self.row_step / ROWS) * (pass.ow / 4)).div_ceil(LANES)
    }

    /// Words of four of an x window and of a weight window, up to where the next may begin.
    fn sizes(&self) -> [usize; 2] {
        let x = self.images * self.c_each * (self.row_step + 2) * self.columns;
        let weight = self.c_each * 9 * self.o_each / 4;
        [x, weight].map(|words| words.next_multiple_of(16))
    }
}

pub(super) fn forward(g: &Geometry, l: &Lowering<'_>) -> Option<Strategy> {
    strategy(&Pass::forward(g)?, l)
}

pub(super) fn d_input(g: &Geometry, l: &Lowering<'_>) -> Option<Strategy> {
    strategy(&Pass::d_input(g)?, l)
}

fn strategy(pass: &Pass, l: &Lowering<'_>) -> Option<Strategy> {
    let t = Tiling::new(pass)?;
    let [x_size, w_size] = t.sizes();
    let (x, weight) = (0, 1);
    let count = t.tiles * t.blocks * t.images * t.c_each * (t.row_step + 2) * t.columns;
    let pack_x = Kernel::new(source!("conv2d_window_pack_x")).constant("WG", WORKGROUP);
    let pack_x = KernelCall::new(pack_x, linear_grid(count.div_ceil(WORKGROUP), l.caps))
        .bind(Operand::Input(x))
        .bind(Operand::Scratch(0))
        .param("n", pass.n)
        .param("c", pass.c)
        .param("h", pass.h)
        .param("w", pass.w)
        .param("pad_y", pass.padding[0])
        .param("pad_x", pass.padding[1])
        .param("images", t.images)
        .param("c_each", t.c_each)
        .param("rows", t.row_step + 2)
        .param("columns", t.columns)
        .param("blocks", t.blocks)
        .param("row_tiles", t.row_tiles)
        .param("row_step", t.row_step)
        .param("window_size", x_size)
        .param("count", count);
    let count = t.parts * t.blocks * t.c_each * 9 * t.o_each / 4;
    let pack_weight =
        Kernel::new(source!("conv2d_window_pack_weight")).constant("WG", WORKGROUP).constant("FLIP", pass.flip);
    let pack_weight = KernelCall::new(pack_weight, linear_grid(count.div_ceil(WORKGROUP), l.caps))
        .bind(Operand::Input(weight))
        .bind(Operand::Scratch(1))
        .param("results", pass.o)
        .param("channels", pass.c)
        .param("taps", 9usize)
        .param("o_each", t.o_each)
        .param("c_each", t.c_each)
        .param("blocks", t.blocks)
        .param("window_size", w_size)
        .param("count", count);
    let mut calls = vec![pack_x, pack_weight];
    // With several blocks the sums go through the output, and the epilogue comes after the last.
    let fused = t.blocks == 1 || l.epilogue.is_none();
    let target = if fused { Operand::Output } else { Operand::Scratch(2) };
    for tile in 0..t.tiles {
        for part in 0..t.parts {
            for block in 0..t.blocks {
                let kernel = Kernel::new(source!("conv2d_window_3x3"));
                let grid = [t.groups(pass) as u32, (t.o_each / CHANNELS) as u32, 1];
                let offset = |window: usize, size: usize| (window * size * 16) as u64;
                let call = KernelCall::new(kernel, grid)
                    .bind_window(Operand::Scratch(0), offset(tile * t.blocks + block, x_size), WINDOW_BYTES)
                    .bind_window(Operand::Scratch(1), offset(part * t.blocks + block, w_size), WINDOW_BYTES)
                    .bind(target)
                    .param("n", pass.n)
                    .param("o", pass.o)
                    .param("oh", pass.oh)
                    .param("ow4", pass.ow / 4)
                    .param("c_each", t.c_each)
                    .param("o_words", t.o_each / 4)
                    .param("rows", t.row_step + 2)
                    .param("columns", t.columns)
                    .param("images", t.images)
                    .param("first_image", tile / t.row_tiles * t.images)
                    .param("first_row", tile % t.row_tiles * t.row_step)
                    .param("first_o", part * t.o_each)
                    .param("first", u32::from(block == 0));
                calls.push(if fused { l.with_epilogue(call) } else { plain(call) });
            }
        }
    }
    let slack = WINDOW_BYTES;
    let mut scratch = vec![
        (t.tiles * t.blocks * x_size * 16) as u64 + slack,
        (t.parts * t.blocks * w_size * 16) as u64 + slack,
    ];
    if !fused {
        let count = l.output.count() / 4;
        let kernel = Kernel::new(source!("conv2d_epilogue")).constant("WG", WORKGROUP);
        let call = KernelCall::new(kernel, linear_grid(count.div_ceil(WORKGROUP), l.caps));
        let call = call.bind(target).bind(Operand::Output).param("count", count);
        calls.push(l.with_epilogue(call));
        scratch.push(l.output.bytes());
    }
    Some(Strategy { name: "window", calls, scratch })
}

/// A call whose epilogue does nothing.
fn plain(mut call: KernelCall) -> KernelCall {
    call.kernel = call.kernel.code("fn epilogue(value: f32, index: u32) -> f32 { return value; }");
    call
}
