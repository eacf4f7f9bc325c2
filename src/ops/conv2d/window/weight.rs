//! The gradient with respect to the weight.

use super::super::Timed;
use super::super::geometry::Geometry;
use super::{Axis, CHANNELS, DISPATCH, LANES, PLANES, Pieces, WINDOW_WORDS, WORKGROUP};
use super::{bind_window, even, joined, suits, with_taps};
use crate::graph::Lowering;
use crate::kernel::{Kernel, KernelCall, Operand, Strategy, linear_grid, source};

/// Rows of a band that an invocation walks.
const BAND: usize = 2;

/// Workgroups that a dispatch should have, for the cores to share.
const WANTED_GROUPS: usize = 8;

/// Nanoseconds that compiling another plane takes, over a thousand, and that packing a word of four takes on two cores.
const COMPILE: usize = 200_000;
const PACK: usize = 18;
/// Nanoseconds that adding up a float of the sums takes at the end.
const SUM: usize = 4;

/// How the sums are divided into windows.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tiling {
    /// Channels of an x window, and windows along a group's.
    c_each: usize,
    blocks: usize,
    /// The same of d_y.
    o_each: usize,
    parts: usize,
    /// Images and output rows of a tile.
    images: usize,
    row_step: usize,
    row_tiles: usize,
    image_tiles: usize,
    /// Tiles that a dispatch takes one after another.
    planes: usize,
    /// Into how many parts the bands of a tile are divided.
    segments: usize,
}

impl Tiling {
    /// The best division by a rough account of the time it takes.
    fn new(g: &Geometry) -> Option<Self> {
        let halves = |count: usize| (0..10).map(move |halvings| count.div_ceil(1 << halvings)).filter(|&n| n > 0);
        let channels = halves(made_channels(g)).flat_map(|c| halves(g.group_o()).map(move |o| [c, o]));
        let divisions = channels.flat_map(|[c, o]| PLANES.map(|planes| Self::cut(g, c, o, planes)));
        divisions.flatten().min_by_key(|tiling| tiling.time(g))
    }

    fn cut(g: &Geometry, c_each: usize, o_each: usize, planes: usize) -> Option<Self> {
        let o_each = o_each.next_multiple_of(CHANNELS);
        let (blocks, parts) = (made_channels(g).div_ceil(c_each), g.group_o().div_ceil(o_each));
        // No window holds channels of two groups.
        if g.groups > 1 && [blocks * c_each, parts * o_each] != [made_channels(g), g.group_o()] {
            return None;
        }
        let columns = g.ow.div_ceil(4);
        let all_rows = g.oh.next_multiple_of(BAND);
        let x_rows = WINDOW_WORDS / (c_each * (columns + 1));
        let y_rows = WINDOW_WORDS / (o_each * columns);
        let most_rows = x_rows.saturating_sub(2).min(y_rows) / BAND * BAND;
        if most_rows == 0 {
            return None;
        }
        let most_images = (x_rows / (all_rows + 2)).min(y_rows / all_rows).max(1);
        let row_step = even(all_rows / BAND, most_rows / BAND) * BAND;
        let images = if row_step == all_rows { even(g.n, most_images) } else { 1 };
        let (row_tiles, image_tiles) = (all_rows.div_ceil(row_step), g.n.div_ceil(images));
        let bands = images * (row_step / BAND);
        let workgroups = c_each.div_ceil(LANES) * (o_each / CHANNELS);
        let tiling = Self {
            c_each,
            blocks,
            o_each,
            parts,
            images,
            row_step,
            row_tiles,
            image_tiles,
            planes,
            segments: (WANTED_GROUPS / workgroups).clamp(1, bands),
        };
        (planes <= tiling.tiles()).then_some(tiling)
    }

    /// Nanoseconds on two cores, with what compiling costs spread over a thousand runs.
    fn time(&self, g: &Geometry) -> usize {
        let dispatches = self.tiles().div_ceil(self.planes) * g.groups * self.parts * self.blocks;
        let turns = self.bands_each() * g.ow.div_ceil(4);
        let each = 3000 + self.planes * (500 + turns * 215);
        let y = self.y(g);
        let packed = self.x(g).words() + if y.are_whole() { 0 } else { y.words() };
        let sums = self.segments * g.groups * self.blocks * self.c_each * 9 * self.parts * self.o_each;
        let products = dispatches * (DISPATCH + self.workgroups().div_ceil(2) * each);
        products + packed * PACK + sums * SUM + self.planes * COMPILE
    }

    fn tiles(&self) -> usize {
        self.image_tiles * self.row_tiles
    }

    fn bands_each(&self) -> usize {
        (self.images * (self.row_step / BAND)).div_ceil(self.segments)
    }

    fn workgroups(&self) -> usize {
        self.c_each.div_ceil(LANES) * (self.o_each / CHANNELS) * self.segments
    }

    fn x(&self, g: &Geometry) -> Pieces {
        let window = [self.images, self.c_each, self.row_step + 2, g.ow.div_ceil(4) + 1];
        self.pieces(g.x(), Axis::of(g), window, g.groups * self.blocks)
    }

    fn y(&self, g: &Geometry) -> Pieces {
        let window = [self.images, self.o_each, self.row_step, g.ow.div_ceil(4)];
        self.pieces(g.y(), [Axis::PLAIN; 2], window, g.groups * self.parts)
    }

    fn pieces(&self, images: [usize; 4], axes: [Axis; 2], window: [usize; 4], blocks: usize) -> Pieces {
        Pieces { images, axes, window, blocks, row_tiles: self.row_tiles, row_step: self.row_step }
    }
}

/// Channels that packing makes of those of a group of x.
fn made_channels(g: &Geometry) -> usize {
    Axis::of(g).iter().fold(g.group_c(), |channels, axis| channels * axis.blocks())
}

pub fn d_weight(g: &Geometry, l: &Lowering<'_>) -> Option<Timed> {
    if !suits(g, l.caps) {
        return None;
    }
    let (group_c, group_o) = (g.group_c(), g.group_o());
    let g = &joined(g, group_o);
    let t = Tiling::new(g)?;
    let (x, y, axes) = (t.x(g), t.y(g), Axis::of(g));
    let (c_padded, o_words) = (x.blocks * t.c_each, t.parts * t.o_each / 4);
    let mut scratch = vec![x.bytes(), (t.segments * c_padded * 9 * o_words * 16) as u64];
    let mut calls = x.pack(0, 0, l);
    let y_windows = if y.are_whole() {
        Operand::Input(1)
    } else {
        scratch.push(y.bytes());
        calls.extend(y.pack(1, 2, l));
        Operand::Scratch(2)
    };
    let kernel = Kernel::new(source!("conv2d_window_d_weight")).constant("PLANES", t.planes);
    let grid = [t.c_each.div_ceil(LANES), t.o_each / CHANNELS, t.segments].map(|n| n as u32);
    for first in (0..t.tiles()).step_by(t.planes) {
        let planes = t.planes.min(t.tiles() - first);
        let of_group = |group| (0..t.blocks).flat_map(move |block| (0..t.parts).map(move |part| (group, block, part)));
        for (group, block, part) in (0..g.groups).flat_map(of_group) {
            let x_window = group * t.blocks + block;
            let mut call = KernelCall::new(kernel.clone(), grid);
            // Planes that do not count have the last one's windows.
            let tiles = (0..t.planes).map(|plane| first + plane.min(planes - 1));
            for tile in tiles.clone() {
                call = bind_window(call, Operand::Scratch(0), tile * x.blocks + x_window, x.size());
            }
            for tile in tiles {
                call = bind_window(call, y_windows, tile * y.blocks + group * t.parts + part, y.size());
            }
            calls.push(
                call.bind(Operand::Scratch(1))
                    .param("c_each", t.c_each)
                    .param("bands_each", t.bands_each())
                    .param("images", t.images)
                    .param("rows", t.row_step)
                    .param("x_columns", g.ow.div_ceil(4) + 1)
                    .param("o_each", t.o_each)
                    .param("y_columns", g.ow.div_ceil(4))
                    .param("planes", planes)
                    .param("c_padded", c_padded)
                    .param("c_first", x_window * t.c_each)
                    .param("o_words", o_words)
                    .param("o_first", part * t.o_each / 4)
                    .param("resume", u32::from(first > 0)),
            );
        }
    }
    let kernel = with_taps(Kernel::new(source!("conv2d_window_d_weight_sum")), axes).constant("WG", WORKGROUP);
    let count = g.c * g.kh * g.kw * o_words;
    calls.push(
        KernelCall::new(kernel, linear_grid(count.div_ceil(WORKGROUP), l.caps))
            .bind(Operand::Scratch(1))
            .bind(Operand::Output)
            .param("parts", t.segments)
            .param("groups", g.groups)
            .param("c", g.group_c())
            .param("c_padded", c_padded)
            .param("o", g.group_o())
            .param("group_c", group_c)
            .param("group_o", group_o)
            .param("o_words", o_words),
    );
    let fits = scratch.iter().all(|&bytes| bytes <= l.caps.buffer_bytes.min(l.caps.binding_bytes));
    let ns = t.time(g) as f64;
    fits.then_some(Timed { strategy: Strategy { name: "window", calls, scratch }, ns })
}
