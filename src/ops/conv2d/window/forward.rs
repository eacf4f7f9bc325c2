//! The forward pass, and the gradient with respect to the input, which is one with other weights.

use super::super::geometry::Geometry;
use super::{ALIGNMENT, Axis, DISPATCH, LANES, Pieces, SUMS_BYTES, WINDOW_BYTES, WINDOW_WORDS, WORKGROUP};
use super::{bind_window, even, suits, with_taps};
use crate::graph::Lowering;
use crate::kernel::{Kernel, KernelCall, Operand, Strategy, linear_grid, source};

/// Channels, rows and pixels that an invocation computes.
const CHANNELS: usize = 8;
const ROWS: usize = 4;
const PIXELS: usize = 4;

/// Words of four that eight channels have for each channel in, and how far past them the kernel's loads reach.
const OCTET_WORDS: usize = 18;
const OVERHANG: usize = 6;

/// Blocks whose sums are added up through uniform windows: WebGPU has twelve a kernel.
const SUM_WINDOWS: usize = 8;

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
    axes: [Axis; 2],
    /// Whether the weights are turned about and their channels exchanged.
    flip: bool,
}

pub fn forward(g: &Geometry, l: &Lowering<'_>) -> Option<Strategy> {
    let Geometry { n, c, h, w, o, oh, ow, .. } = *g;
    strategy(&Pass { n, c, h, w, o, oh, ow, axes: Axis::of(g), flip: false }, g, l)
}

pub fn d_input(g: &Geometry, l: &Lowering<'_>) -> Option<Strategy> {
    let Geometry { n, c, h, w, o, oh, ow, .. } = *g;
    let axes = Axis::of(g).map(Axis::transposed);
    strategy(&Pass { n, c: o, h: oh, w: ow, o: c, oh: h, ow: w, axes, flip: true }, g, l)
}

impl Pass {
    /// Channels that packing makes.
    fn channels(&self) -> usize {
        self.c * self.axes[0].blocks() * self.axes[1].blocks()
    }

    /// Words of four in a row of results.
    fn row_words(&self) -> usize {
        self.ow.div_ceil(PIXELS)
    }
}

/// How a pass is divided into windows.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tiling {
    /// Channels of a block.
    c_each: usize,
    blocks: usize,
    /// Octets of results, those of a weight window, and weight windows.
    octets: usize,
    octets_each: usize,
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
        let divisions = (1..=pass.channels()).filter_map(|blocks| Self::with_blocks(pass, blocks));
        divisions.take(64).min_by_key(|tiling| tiling.time(pass))
    }

    fn with_blocks(pass: &Pass, blocks: usize) -> Option<Self> {
        let columns = pass.row_words() + 1;
        let c_each = pass.channels().div_ceil(blocks);
        let room = WINDOW_WORDS / (c_each * columns);
        let widest = (WINDOW_WORDS - OVERHANG) / (c_each * OCTET_WORDS).next_multiple_of(ALIGNMENT);
        if room < ROWS + 2 || widest == 0 {
            return None;
        }
        let bands = pass.oh.div_ceil(ROWS);
        let row_step = even(bands, (room - 2) / ROWS) * ROWS;
        let images = if row_step < pass.oh { 1 } else { even(pass.n, room / (row_step + 2)) };
        let octets = pass.o.div_ceil(CHANNELS);
        let octets_each = even(octets, widest);
        Some(Self {
            c_each,
            blocks: pass.channels().div_ceil(c_each),
            octets,
            octets_each,
            parts: octets.div_ceil(octets_each),
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
        let groups = self.invocations(pass, self.images).div_ceil(LANES) * self.octets_each;
        dispatches * (DISPATCH + groups.div_ceil(2) * (self.c_each * 800 + 4000))
    }

    /// Invocations for each octet of a tile of `images` images.
    fn invocations(&self, pass: &Pass, images: usize) -> usize {
        images * (self.row_step / ROWS) * pass.row_words()
    }

    fn pieces(&self, pass: &Pass) -> Pieces {
        Pieces {
            images: [pass.n, pass.c, pass.h, pass.w],
            axes: pass.axes,
            window: [self.images, self.c_each, self.row_step + 2, self.columns],
            blocks: self.blocks,
            row_tiles: self.row_tiles,
            row_step: self.row_step,
        }
    }

    /// Words of four from one octet's weights to the next.
    fn octet_size(&self) -> usize {
        (self.c_each * OCTET_WORDS).next_multiple_of(ALIGNMENT)
    }

    /// The dispatch that packs the weights.
    fn pack_weight(&self, pass: &Pass, l: &Lowering<'_>) -> KernelCall {
        let count = self.blocks * self.octets * self.c_each * OCTET_WORDS;
        let kernel = with_taps(Kernel::new(source!("conv2d_window_pack_weight")), pass.axes)
            .constant("WG", WORKGROUP)
            .constant("FLIP", pass.flip);
        KernelCall::new(kernel, linear_grid(count.div_ceil(WORKGROUP), l.caps))
            .bind(Operand::Input(1))
            .bind(Operand::Scratch(1))
            .param("results", pass.o)
            .param("channels", pass.c)
            .param("octets", self.octets)
            .param("c_each", self.c_each)
            .param("o_stride", self.octet_size())
            .param("count", count)
    }
}

fn strategy(pass: &Pass, g: &Geometry, l: &Lowering<'_>) -> Option<Strategy> {
    if !suits(g, l.caps) {
        return None;
    }
    let t = Tiling::new(pass)?;
    let pieces = t.pieces(pass);
    let mut calls = pieces.pack(0, 0, l);
    calls.push(t.pack_weight(pass, l));
    let image_words = pass.o * pass.oh * pass.row_words();
    let weight_bytes = (t.blocks * t.octets * t.octet_size() * 16) as u64 + WINDOW_BYTES;
    let mut scratch = vec![pieces.bytes(), weight_bytes];
    // Of several blocks' sums, and of rows that end within a word, those of some images are kept until they are added up.
    let last = t.blocks == 1 && pass.ow.is_multiple_of(PIXELS);
    let chunk_tiles = (SUMS_BYTES / (t.blocks * t.images * image_words * 16)).clamp(1, t.image_tiles);
    let chunk_words = chunk_tiles * t.images * image_words;
    if !last {
        scratch.push((t.blocks * chunk_words * 16) as u64 + WINDOW_BYTES);
    }
    for chunk in (0..t.image_tiles).step_by(chunk_tiles) {
        let tiles = chunk..(chunk + chunk_tiles).min(t.image_tiles);
        let first_image = chunk * t.images;
        for (tile, row_tile) in tiles.clone().flat_map(|tile| (0..t.row_tiles).map(move |row_tile| (tile, row_tile))) {
            let images = t.images.min(pass.n - tile * t.images);
            for (part, block) in (0..t.parts).flat_map(|part| (0..t.blocks).map(move |block| (part, block))) {
                let count = t.invocations(pass, images);
                let first_octet = part * t.octets_each;
                let octets = t.octets_each.min(t.octets - first_octet);
                let grid = [count.div_ceil(LANES) as u32, octets as u32, 1];
                let call = KernelCall::new(Kernel::new(source!("conv2d_window_3x3")), grid);
                let call = bind_window(
                    call,
                    Operand::Scratch(0),
                    (tile * t.row_tiles + row_tile) * t.blocks + block,
                    pieces.size(),
                );
                let call = bind_window(call, Operand::Scratch(1), block * t.octets + first_octet, t.octet_size());
                let call = call
                    .bind(if last { Operand::Output } else { Operand::Scratch(2) })
                    .param("o", pass.o)
                    .param("oh", pass.oh)
                    .param("ow4", pass.row_words())
                    .param("c_each", t.c_each)
                    .param("o_stride", t.octet_size())
                    .param("rows", t.row_step + 2)
                    .param("columns", t.columns)
                    .param("count", count)
                    .param("first_row", row_tile * t.row_step)
                    .param("first_o", first_octet * CHANNELS);
                calls.push(if last {
                    l.with_epilogue_vec4(call.param("y_first", tile * t.images * image_words))
                } else {
                    let place = block * chunk_words + (tile * t.images - first_image) * image_words;
                    l.plain().with_epilogue_vec4(call.param("y_first", place))
                });
            }
        }
        if !last {
            let images = pass.n.min(tiles.end * t.images) - first_image;
            if pass.ow.is_multiple_of(PIXELS) {
                let (first, words) = (first_image * image_words, images * image_words);
                calls.extend(add_up(t.blocks, chunk_words, words, first, l));
            } else {
                calls.push(crop(pass, t.blocks, chunk_words, [first_image, images], l));
            }
        }
    }
    let fits = scratch.iter().all(|&bytes| bytes <= l.caps.buffer_bytes.min(l.caps.binding_bytes));
    fits.then_some(Strategy { name: "window", calls, scratch })
}

/// Adds up the sums of `parts` blocks, `stride` words from one to the next, of some images whose rows end within a word.
fn crop(pass: &Pass, parts: usize, stride: usize, [first, images]: [usize; 2], l: &Lowering<'_>) -> KernelCall {
    let image = pass.o * pass.oh * pass.ow;
    let kernel = Kernel::new(source!("conv2d_window_crop")).constant("WG", WORKGROUP);
    let call = KernelCall::new(kernel, linear_grid((images * image).div_ceil(WORKGROUP), l.caps))
        .bind(Operand::Scratch(2))
        .bind(Operand::Output)
        .param("parts", parts)
        .param("stride", stride * PIXELS)
        .param("count", images * image)
        .param("first", first * image)
        .param("width", pass.ow)
        .param("padded_width", pass.row_words() * PIXELS);
    l.with_epilogue(call)
}

/// Adds up `words` words of each block's sums, which lie `stride` apart, and ends them as results from `first` on.
fn add_up(blocks: usize, stride: usize, words: usize, first: usize, l: &Lowering<'_>) -> Vec<KernelCall> {
    let windows = l.caps.slow_storage && blocks <= SUM_WINDOWS && stride.is_multiple_of(ALIGNMENT);
    let code = if windows {
        let declared = (0..blocks).map(|block| {
            let binding = block + 1;
            format!("@group(0) @binding({binding}) var<uniform> terms{block}: array<vec4<f32>, {WINDOW_WORDS}>;\n")
        });
        let terms: Vec<_> = (0..blocks).map(|block| format!("terms{block}[i]")).collect();
        let declared: String = declared.collect();
        format!("{declared}fn total(i: u32) -> vec4<f32> {{ return {}; }}", terms.join(" + "))
    } else {
        format!(
            "@group(0) @binding(1) var<storage, read> terms: array<vec4<f32>>;\n\
             fn total(i: u32) -> vec4<f32> {{\n    \
             var sum = vec4<f32>();\n    \
             for (var block = 0u; block < {blocks}u; block++) {{ sum += terms[block * {stride}u + i]; }}\n    \
             return sum;\n}}"
        )
    };
    let kernel = Kernel::new(source!("conv2d_window_sum")).constant("WG", WORKGROUP).code(code);
    let call = |at: usize, count: usize| {
        let grid = linear_grid(count.div_ceil(WORKGROUP), l.caps);
        let call = KernelCall::new(kernel.clone(), grid).bind(Operand::Output);
        let call = if windows {
            let place = |block: usize| ((block * stride + at) * 16) as u64;
            (0..blocks).fold(call, |call, block| call.bind_window(Operand::Scratch(2), place(block), WINDOW_BYTES))
        } else {
            call.bind(Operand::Scratch(2))
        };
        l.with_epilogue_vec4(call.param("count", count).param("first", first + at))
    };
    let each = if windows { WINDOW_WORDS } else { words };
    (0..words).step_by(each).map(|at| call(at, each.min(words - at))).collect()
}
