//! The forward pass, and the gradient with respect to the input, which is one with other weights.

use super::super::geometry::Geometry;
use super::{ALIGNMENT, DISPATCH, LANES, Pieces, SUMS_BYTES, WINDOW_BYTES, WINDOW_WORDS, WORKGROUP};
use super::{bind_window, even, plain};
use crate::graph::Lowering;
use crate::kernel::{Kernel, KernelCall, Operand, Strategy, linear_grid, source};

/// Channels and rows that an invocation computes.
const CHANNELS: usize = 4;
const ROWS: usize = 4;

/// A convolution as the kernel sees it.
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
    /// Whether the weights are turned about and their channels exchanged.
    flip: bool,
}

pub fn forward(g: &Geometry, l: &Lowering<'_>) -> Option<Strategy> {
    let Geometry { n, c, h, w, o, oh, ow, padding, .. } = *g;
    strategy(&Pass { n, c, h, w, o, oh, ow, padding, flip: false }, g, l)
}

pub fn d_input(g: &Geometry, l: &Lowering<'_>) -> Option<Strategy> {
    let Geometry { n, c, h, w, o, oh, ow, .. } = *g;
    let padding = [2usize.checked_sub(g.padding[0])?, 2usize.checked_sub(g.padding[1])?];
    strategy(&Pass { n, c: o, h: oh, w: ow, o: c, oh: h, ow: w, padding, flip: true }, g, l)
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
    image_tiles: usize,
    /// Words of four in a padded row.
    columns: usize,
}

impl Tiling {
    /// The best division by a rough account of the time it takes.
    fn new(pass: &Pass) -> Option<Self> {
        let divisions = (1..=pass.c).filter_map(|blocks| Self::with_blocks(pass, blocks));
        divisions.take(64).min_by_key(|tiling| tiling.time(pass))
    }

    fn with_blocks(pass: &Pass, blocks: usize) -> Option<Self> {
        let columns = pass.ow / 4 + 1;
        let c_each = pass.c.div_ceil(blocks);
        let room = WINDOW_WORDS / (c_each * columns);
        let widest = WINDOW_WORDS * 4 / (c_each * 9) / CHANNELS * CHANNELS;
        if room < ROWS + 2 || widest == 0 {
            return None;
        }
        let most_images = (room / (pass.oh + 2)).max(1);
        let row_step = if room < pass.oh + 2 { even(pass.oh / ROWS, (room - 2) / ROWS) * ROWS } else { pass.oh };
        let images = even(pass.n, most_images);
        let o_each = even(pass.o / CHANNELS, widest / CHANNELS) * CHANNELS;
        Some(Self {
            c_each,
            blocks: pass.c.div_ceil(c_each),
            o_each,
            parts: pass.o.div_ceil(o_each),
            images,
            row_step,
            row_tiles: pass.oh.div_ceil(row_step),
            image_tiles: pass.n.div_ceil(images),
            columns,
        })
    }

    /// Nanoseconds on two cores.
    fn time(&self, pass: &Pass) -> usize {
        let dispatches = self.image_tiles * self.row_tiles * self.parts * self.blocks;
        let groups = (self.invocations(pass, self.images) * (self.o_each / CHANNELS)).div_ceil(LANES);
        dispatches * (DISPATCH + groups.div_ceil(2) * (self.c_each * 700 + 4000))
    }

    /// Invocations for each four channels of a tile of `images` images.
    fn invocations(&self, pass: &Pass, images: usize) -> usize {
        images * (self.row_step / ROWS) * (pass.ow / 4)
    }

    fn pieces(&self, pass: &Pass) -> Pieces {
        Pieces {
            images: [pass.n, pass.c, pass.h, pass.w],
            padding: pass.padding,
            window: [self.images, self.c_each, self.row_step + 2, self.columns],
            blocks: self.blocks,
            row_tiles: self.row_tiles,
            row_step: self.row_step,
        }
    }

    /// Words of four from one weight window to the next.
    fn weight_size(&self) -> usize {
        (self.c_each * 9 * self.o_each / 4).next_multiple_of(ALIGNMENT)
    }

    /// The dispatch that packs the weights.
    fn pack_weight(&self, pass: &Pass, l: &Lowering<'_>) -> KernelCall {
        let count = self.parts * self.blocks * self.c_each * 9 * self.o_each / 4;
        let kernel = Kernel::new(source!("conv2d_window_pack_weight")).constant("WG", WORKGROUP);
        let kernel = kernel.constant("FLIP", pass.flip);
        KernelCall::new(kernel, linear_grid(count.div_ceil(WORKGROUP), l.caps))
            .bind(Operand::Input(1))
            .bind(Operand::Scratch(1))
            .param("results", pass.o)
            .param("channels", pass.c)
            .param("taps", 9usize)
            .param("o_each", self.o_each)
            .param("c_each", self.c_each)
            .param("blocks", self.blocks)
            .param("window_size", self.weight_size())
            .param("count", count)
    }
}

fn strategy(pass: &Pass, g: &Geometry, l: &Lowering<'_>) -> Option<Strategy> {
    if !plain(g) || [pass.o, pass.oh, pass.ow].iter().any(|n| !n.is_multiple_of(4)) {
        return None;
    }
    let t = Tiling::new(pass)?;
    let pieces = t.pieces(pass);
    let mut calls = vec![pieces.pack(0, 0, l), t.pack_weight(pass, l)];
    let image_words = pass.o * pass.oh * pass.ow / 4;
    let weight_bytes = (t.parts * t.blocks * t.weight_size() * 16) as u64 + WINDOW_BYTES;
    let mut scratch = vec![pieces.bytes(), weight_bytes];
    // Of several blocks' sums, those of some images are kept until they are added up.
    let chunk_tiles = (SUMS_BYTES / (t.blocks * t.images * image_words * 16)).clamp(1, t.image_tiles);
    let chunk_words = chunk_tiles * t.images * image_words;
    if t.blocks > 1 {
        scratch.push((t.blocks * chunk_words * 16) as u64);
    }
    for chunk in (0..t.image_tiles).step_by(chunk_tiles) {
        let tiles = chunk..(chunk + chunk_tiles).min(t.image_tiles);
        let first_image = chunk * t.images;
        for (tile, row_tile) in tiles.clone().flat_map(|tile| (0..t.row_tiles).map(move |row_tile| (tile, row_tile))) {
            let images = t.images.min(pass.n - tile * t.images);
            for (part, block) in (0..t.parts).flat_map(|part| (0..t.blocks).map(move |block| (part, block))) {
                let count = t.invocations(pass, images);
                let o_each = t.o_each.min(pass.o - part * t.o_each);
                // Lanes of a workgroup that share their channels share the loads of weights.
                let mixed = !count.is_multiple_of(LANES) && count < 4 * LANES;
                let groups = o_each / CHANNELS;
                let grid = if mixed { [(count * groups).div_ceil(LANES), 1] } else { [count.div_ceil(LANES), groups] };
                let kernel = Kernel::new(source!("conv2d_window_3x3")).constant("MIXED", mixed);
                let call = KernelCall::new(kernel, [grid[0] as u32, grid[1] as u32, 1]);
                let call = bind_window(call, 0, (tile * t.row_tiles + row_tile) * t.blocks + block, pieces.size());
                let call = bind_window(call, 1, part * t.blocks + block, t.weight_size());
                let call = call
                    .bind(if t.blocks == 1 { Operand::Output } else { Operand::Scratch(2) })
                    .param("o", pass.o)
                    .param("oh", pass.oh)
                    .param("ow4", pass.ow / 4)
                    .param("c_each", t.c_each)
                    .param("o_words", t.o_each / 4)
                    .param("rows", t.row_step + 2)
                    .param("columns", t.columns)
                    .param("count", count)
                    .param("o_count", o_each)
                    .param("first_row", row_tile * t.row_step)
                    .param("first_o", part * t.o_each);
                calls.push(if t.blocks == 1 {
                    l.with_epilogue_vec4(call.param("y_first", tile * t.images * image_words))
                } else {
                    let place = block * chunk_words + (tile * t.images - first_image) * image_words;
                    l.plain().with_epilogue_vec4(call.param("y_first", place))
                });
            }
        }
        if t.blocks > 1 {
            let words = (pass.n.min(tiles.end * t.images) - first_image) * image_words;
            let kernel = Kernel::new(source!("conv2d_window_sum")).constant("WG", WORKGROUP);
            let call = KernelCall::new(kernel, linear_grid(words.div_ceil(WORKGROUP), l.caps))
                .bind(Operand::Scratch(2))
                .bind(Operand::Output)
                .param("parts", t.blocks)
                .param("stride", chunk_words)
                .param("count", words)
                .param("first", first_image * image_words);
            calls.push(l.with_epilogue_vec4(call));
        }
    }
    let fits = scratch.iter().all(|&bytes| bytes <= l.caps.buffer_bytes.min(l.caps.binding_bytes));
    fits.then_some(Strategy { name: "window", calls, scratch })
}
