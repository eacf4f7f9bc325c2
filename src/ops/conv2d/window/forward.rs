//! The forward pass, and the gradient with respect to the input, which is one with other weights.

use super::super::Timed;
use super::super::geometry::Geometry;
use super::{ALIGNMENT, Axis, CHANNELS, DISPATCH, LANES, PLANES, Pieces, WINDOW_BYTES, WINDOW_WORDS, WORKGROUP};
use super::{bind_window, even, joined, suits, with_taps};
use crate::graph::Lowering;
use crate::kernel::{Kernel, KernelCall, Operand, Strategy, linear_grid, source};

/// Rows and pixels that an invocation computes.
const ROWS: usize = 4;
const PIXELS: usize = 4;

/// Words of four that eight channels have for each channel in, and how far past them the kernel's loads reach.
const OCTET_WORDS: usize = 18;
const OVERHANG: usize = 6;

/// Nanoseconds that compiling another plane takes, over a thousand.
const COMPILE: usize = 300_000;

/// What a sum begins with: nothing, or what the dispatch before left.
const BEGINS: &str = "fn before(i: u32) -> vec4<f32> { return vec4<f32>(); }";
const GOES_ON: &str = "fn before(i: u32) -> vec4<f32> { return y[i]; }";

/// A convolution as the kernel sees it.
#[derive(Clone, Copy, Debug)]
struct Pass {
    n: usize,
    groups: usize,
    /// Channels of a group summed over, and the rows and columns of the images they come from.
    c: usize,
    h: usize,
    w: usize,
    /// Channels of a group, rows and columns computed.
    o: usize,
    oh: usize,
    ow: usize,
    axes: [Axis; 2],
    /// Whether the weights are turned about and their channels exchanged.
    flip: bool,
    /// Whether only the largest of each 2×2 results is kept.
    halved: bool,
}

pub fn forward(g: &Geometry, l: &Lowering<'_>) -> Option<Timed> {
    strategy(&Pass::forward(&joined(g, g.group_o())), g, l)
}

/// The forward pass and 2×2 max pooling behind it, where all channels fit one dispatch and rows end with words.
pub fn halved(g: &Geometry, l: &Lowering<'_>) -> Option<Timed> {
    strategy(&Pass { halved: true, ..Pass::forward(&joined(g, g.group_o())) }, g, l)
}

pub fn d_input(g: &Geometry, l: &Lowering<'_>) -> Option<Timed> {
    let forward = Pass::forward(&joined(g, g.group_c()));
    let Pass { c, h, w, o, oh, ow, .. } = forward;
    let axes = forward.axes.map(Axis::transposed);
    strategy(&Pass { c: o, h: oh, w: ow, o: c, oh: h, ow: w, axes, flip: true, ..forward }, g, l)
}

impl Pass {
    fn forward(g: &Geometry) -> Self {
        let Geometry { n, h, w, oh, ow, groups, .. } = *g;
        let (c, o, axes) = (g.group_c(), g.group_o(), Axis::of(g));
        Self { n, groups, c, h, w, o, oh, ow, axes, flip: false, halved: false }
    }

    /// Channels that packing makes of a group's.
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
    /// Channels of a window, windows that a dispatch takes one after another, and dispatches a result takes. None holds
    /// channels of two groups.
    c_each: usize,
    planes: usize,
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
        let channels = pass.channels();
        let divisions =
            PLANES.into_iter().flat_map(|planes| (1..=channels.min(64)).map(move |blocks| (planes, blocks)));
        let whole = |blocks: usize| !pass.halved || blocks == 1;
        let divisions = divisions.filter(|&(planes, blocks)| planes * blocks <= channels && whole(blocks));
        divisions.filter_map(|(planes, blocks)| Self::cut(pass, planes, blocks)).min_by_key(|tiling| tiling.time(pass))
    }

    fn cut(pass: &Pass, planes: usize, blocks: usize) -> Option<Self> {
        let columns = pass.row_words() + 1;
        let c_each = pass.channels().div_ceil(blocks * planes);
        let room = WINDOW_WORDS / (c_each * columns);
        let widest = (WINDOW_WORDS - OVERHANG) / (c_each * OCTET_WORDS).next_multiple_of(ALIGNMENT);
        if room < ROWS + 2 || widest == 0 {
            return None;
        }
        let blocks = pass.channels().div_ceil(c_each * planes);
        if pass.groups > 1 && c_each * planes * blocks != pass.channels() {
            return None;
        }
        let bands = pass.oh.div_ceil(ROWS);
        let row_step = even(bands, (room - 2) / ROWS) * ROWS;
        let images = if row_step < pass.oh { 1 } else { even(pass.n, room / (row_step + 2)) };
        let octets = pass.o.div_ceil(CHANNELS);
        let octets_each = even(octets, widest);
        Some(Self {
            c_each,
            planes,
            blocks,
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

    /// Nanoseconds on two cores, with what compiling costs spread over a thousand runs.
    fn time(&self, pass: &Pass) -> usize {
        let dispatches = self.image_tiles * self.row_tiles * pass.groups * self.parts * self.blocks;
        let workgroups = self.invocations(pass, self.images).div_ceil(LANES) * self.octets_each;
        let each = 1800 + self.planes * (1000 + self.c_each * 370) + if self.blocks > 1 { 1800 } else { 0 };
        dispatches * (DISPATCH + workgroups.div_ceil(2) * each) + self.planes * COMPILE
    }

    /// Invocations for each octet of a tile of `images` images.
    fn invocations(&self, pass: &Pass, images: usize) -> usize {
        images * (self.row_step / ROWS) * pass.row_words()
    }

    /// Windows along a group's channels.
    fn windows(&self) -> usize {
        self.blocks * self.planes
    }

    fn pieces(&self, pass: &Pass) -> Pieces {
        Pieces {
            images: [pass.n, pass.groups * pass.c, pass.h, pass.w],
            axes: pass.axes,
            window: [self.images, self.c_each, self.row_step + 2, self.columns],
            blocks: pass.groups * self.windows(),
            row_tiles: self.row_tiles,
            row_step: self.row_step,
        }
    }

    /// Words of four from one octet's weights to the next.
    fn octet_size(&self) -> usize {
        (self.c_each * OCTET_WORDS).next_multiple_of(ALIGNMENT)
    }

    /// The dispatch that packs the weights of a convolution.
    fn pack_weight(&self, pass: &Pass, g: &Geometry, l: &Lowering<'_>) -> KernelCall {
        let (c, o) = if pass.flip { (g.group_o(), g.group_c()) } else { (g.group_c(), g.group_o()) };
        let group_windows = self.windows() * self.octets;
        let count = pass.groups * group_windows * self.c_each * OCTET_WORDS;
        let kernel = with_taps(Kernel::new(source!("conv2d_window_pack_weight")), pass.axes)
            .constant("WG", WORKGROUP)
            .constant("FLIP", pass.flip);
        KernelCall::new(kernel, linear_grid(count.div_ceil(WORKGROUP), l.caps))
            .bind(Operand::Input(1))
            .bind(Operand::Scratch(1))
            .param("results", pass.o)
            .param("channels", pass.c)
            .param("group_results", o)
            .param("group_channels", c)
            .param("octets", self.octets)
            .param("group_windows", group_windows)
            .param("c_each", self.c_each)
            .param("o_stride", self.octet_size())
            .param("count", count)
    }
}

fn strategy(pass: &Pass, g: &Geometry, l: &Lowering<'_>) -> Option<Timed> {
    if !suits(g, l.caps) {
        return None;
    }
    let t = Tiling::new(pass)?;
    let pieces = t.pieces(pass);
    let mut calls = pieces.pack(0, 0, l);
    calls.push(t.pack_weight(pass, g, l));
    let whole_words = pass.ow.is_multiple_of(PIXELS);
    if pass.halved && !(whole_words && pass.oh.is_multiple_of(2)) {
        return None;
    }
    // Words of two in half as many rows, if halved.
    let image_words = pass.groups * pass.o * pass.oh * pass.row_words() / if pass.halved { 2 } else { 1 };
    let weight_bytes = (pass.groups * t.windows() * t.octets * t.octet_size() * 16) as u64 + WINDOW_BYTES;
    let mut scratch = vec![pieces.bytes(), weight_bytes];
    // Rows that end within a word are computed to its end, and cropped.
    let to = if whole_words { Operand::Output } else { Operand::Scratch(2) };
    if !whole_words {
        scratch.push((pass.n * image_words * 16) as u64);
    }
    let kernel = match pass.halved {
        true => Kernel::new(source!("conv2d_window_3x3_halved")).constant("Word", "vec2<f32>"),
        false => {
            let before = if t.blocks > 1 { GOES_ON } else { BEGINS };
            Kernel::new(source!("conv2d_window_3x3")).constant("Word", "vec4<f32>").code(before)
        }
    };
    let kernel = kernel.constant("PLANES", t.planes);
    for (tile, row_tile) in (0..t.image_tiles).flat_map(|tile| (0..t.row_tiles).map(move |row_tile| (tile, row_tile))) {
        let count = t.invocations(pass, t.images.min(pass.n - tile * t.images));
        let of_group = |group| (0..t.parts).flat_map(move |part| (0..t.blocks).map(move |block| (group, part, block)));
        for (group, part, block) in (0..pass.groups).flat_map(of_group) {
            let first_octet = part * t.octets_each;
            let octets = t.octets_each.min(t.octets - first_octet);
            let grid = [count.div_ceil(LANES) as u32, octets as u32, 1];
            let mut call = KernelCall::new(kernel.clone(), grid);
            let first_window = group * t.windows() + block * t.planes;
            let windows = first_window..first_window + t.planes;
            for window in windows.clone() {
                let index = (tile * t.row_tiles + row_tile) * pieces.blocks + window;
                call = bind_window(call, Operand::Scratch(0), index, pieces.size());
            }
            for window in windows {
                call = bind_window(call, Operand::Scratch(1), window * t.octets + first_octet, t.octet_size());
            }
            let call = call
                .bind(to)
                .param("o", pass.groups * pass.o)
                .param("oh", pass.oh)
                .param("ow4", pass.row_words())
                .param("c_each", t.c_each)
                .param("o_stride", t.octet_size())
                .param("rows", t.row_step + 2)
                .param("columns", t.columns)
                .param("count", count)
                .param("y_first", tile * t.images * image_words)
                .param("first_row", row_tile * t.row_step)
                .param("first_o", group * pass.o + first_octet * CHANNELS)
                .param("end_o", (group + 1) * pass.o)
                .param("resume", u32::from(block > 0));
            let l = if whole_words && block + 1 == t.blocks { *l } else { l.plain() };
            calls.push(if pass.halved { l.with_epilogue_vec2(call) } else { l.with_epilogue_vec4(call) });
        }
    }
    if !whole_words {
        calls.push(crop(pass, l));
    }
    let fits = scratch.iter().all(|&bytes| bytes <= l.caps.buffer_bytes.min(l.caps.binding_bytes));
    let ns = t.time(pass) as f64;
    fits.then_some(Timed { strategy: Strategy { name: "window", calls, scratch }, ns })
}

/// Ends results whose rows end within a word.
fn crop(pass: &Pass, l: &Lowering<'_>) -> KernelCall {
    let count = pass.n * pass.groups * pass.o * pass.oh * pass.ow;
    let kernel = Kernel::new(source!("conv2d_window_crop")).constant("WG", WORKGROUP);
    let call = KernelCall::new(kernel, linear_grid(count.div_ceil(WORKGROUP), l.caps))
        .bind(Operand::Scratch(2))
        .bind(Operand::Output)
        .param("count", count)
        .param("width", pass.ow)
        .param("padded_width", pass.row_words() * PIXELS);
    l.with_epilogue(call)
}
