//! `patch`, for GPUs: convolutions of small kernels, stride 1 and few channels, for which Winograd's transforms would move
//! more bytes than they save work. Images pass through workgroup memory as they are, with what lies around a tile, and each
//! element read from there serves several taps (`shaders/lib/conv_patch.wgsl`).

use super::geometry::{Geometry, Pass, WORD};
use super::parts::summed;
use super::{Timed, WINOGRAD_CHANNELS};
use crate::graph::Lowering;
use crate::kernel::{Kernel, KernelCall, Operand, Strategy, linear_grid, source};

const WORKGROUP: usize = 128;
/// Words of a strip.
const WORDS: usize = 2;
/// Words of a row of a tile at most.
const MOST_ACROSS: usize = 8;
/// Columns of taps at most: two words hold what four results of a row need.
const MOST_COLUMNS: usize = 5;
/// Channels of an image that are taken in one step of results, and all that are of a weight's gradient at most.
const STEP: usize = 2;
const AT_ONCE: usize = 4;
/// Workgroups that keep a large GPU busy at once, and of the kernel that needs most registers.
const PARALLEL: usize = 528;
const PARALLEL_LARGE: usize = 264;

/// How the strips of a tile lie.
#[derive(Clone, Copy, Debug)]
struct Tile {
    across: usize,
    high: usize,
    images: usize,
}

impl Tile {
    /// A tile of `strips`, a power of two, of images of so many rows and columns.
    fn new(strips: usize, [rows, columns]: [usize; 2], kw: usize) -> Self {
        // Columns to be read, with those that lie around.
        let read = |across: &usize| {
            let wide = WORD * WORDS * across;
            (columns.div_ceil(wide) * (wide + kw - 1), usize::MAX - across)
        };
        let fits = |across: &usize| *across <= strips && WORDS * across <= MOST_ACROSS;
        let across = [1, 2, 4, 8].into_iter().filter(fits).min_by_key(read).unwrap_or(1);
        let high = (strips / across).min(rows.next_power_of_two());
        Self { across, high, images: strips / across / high }
    }

    /// Words of a row of a tile.
    fn wide(&self) -> usize {
        WORDS * self.across
    }

    /// Words that a row of the patch is used for.
    fn words_of_line(&self, kw: usize) -> usize {
        self.wide() + usize::from(kw > 1)
    }

    /// Words of a row of the patch. Where rows are read one below another, an odd number: they lie in other banks.
    fn pitch(&self, kw: usize) -> usize {
        let words = self.words_of_line(kw);
        if self.wide() < MOST_ACROSS { words | 1 } else { words }
    }

    /// Lines of a channel of the patch.
    fn lines(&self, kh: usize) -> usize {
        self.images * (self.high + kh - 1)
    }

    /// Tiles along columns, rows and images of so many.
    fn counts(&self, n: usize, [rows, columns]: [usize; 2]) -> [usize; 3] {
        [columns.div_ceil(WORD * self.wide()), rows.div_ceil(self.high), n.div_ceil(self.images)]
    }

    fn constants(&self, kernel: Kernel, pass: &Pass, channels: usize) -> Kernel {
        let [kh, kw] = pass.kernel;
        let lines = channels * self.lines(kh);
        kernel
            .constant("WG", WORKGROUP)
            .constant("KH", kh)
            .constant("KW", kw)
            .constant("PAD_X", pass.padding[1] as u32)
            .constant("WORDS", WORDS)
            .constant("ACROSS", self.across)
            .constant("HIGH", self.high)
            .constant("IMAGES", self.images)
            .constant("PATCH_PITCH", self.pitch(kw))
            .constant("CHANNELS", channels)
            .constant("WHOLE", pass.c.is_multiple_of(channels))
            .constant("WORD_EACH", (lines * self.words_of_line(kw)).div_ceil(WORKGROUP))
    }
}

/// Whether there is a kernel for it.
fn suits(pass: &Pass, g: &Geometry) -> bool {
    let kw = pass.kernel[1];
    pass.in_words(g) && kw <= MOST_COLUMNS && (0..kw as isize).contains(&pass.padding[1])
}

fn params(pass: &Pass, tile: Tile, call: KernelCall) -> KernelCall {
    let [across, high, _] = tile.counts(pass.n, pass.of);
    pass.params(call)
        .param("channels", pass.c)
        .param("results", pass.o)
        .param("out_words", pass.of[1] / WORD)
        .param("tiles_x", across)
        .param("tiles_y", high)
}

/// On a GPU the best there is for few channels.
fn timed(pass: &Pass, strategy: Strategy, l: &Lowering<'_>) -> Timed {
    let few = pass.c.min(pass.o) < WINOGRAD_CHANNELS;
    Timed { strategy, ns: if few && !l.caps.is_software() { 0.0 } else { f64::INFINITY } }
}

pub(super) fn forward(g: &Geometry, l: &Lowering<'_>) -> Option<Timed> {
    results(&g.forward(), g, l)
}

pub(super) fn d_input(g: &Geometry, l: &Lowering<'_>) -> Option<Timed> {
    results(&g.d_input(), g, l)
}

fn results(pass: &Pass, g: &Geometry, l: &Lowering<'_>) -> Option<Timed> {
    if !suits(pass, g) {
        return None;
    }
    let taps = g.kh * g.kw;
    // Fours of results that an invocation has of a strip, and groups of invocations that share their strips.
    let quads = pass.o.div_ceil(4).next_power_of_two().min(4 / WORDS);
    let groups = pass.o.div_ceil(4 * quads).next_power_of_two().min(16 / quads);
    let many = 4 * quads * groups;
    let tile = Tile::new(WORKGROUP / groups, pass.of, g.kw);
    let patch = tile.lines(g.kh) * tile.pitch(g.kw);
    if 16 * STEP * (patch + taps * (many / 4 + 1)) > l.caps.workgroup_bytes as usize {
        return None;
    }
    let result_tiles = pass.o.div_ceil(many);
    let tiles = tile.counts(pass.n, pass.of).iter().product::<usize>();
    let kernel = tile
        .constants(Kernel::new(source!("conv2d_patch")), pass, STEP)
        .constant("BY_ROWS", tile.wide() == MOST_ACROSS)
        .constant("GROUPS", groups)
        .constant("QUADS", quads)
        .constant("FLIP", pass.flip)
        .constant("WEIGHT_EACH", (STEP * taps * many / 4).div_ceil(WORKGROUP));
    let grid = linear_grid(result_tiles * tiles, l.caps);
    let call = KernelCall::new(kernel, grid).bind_inputs(2).bind(Operand::Output);
    let call = params(pass, tile, call).param("result_tiles", result_tiles).param("tiles", tiles);
    Some(timed(pass, Strategy::single("patch", l.with_epilogue_vec4(call)), l))
}

pub(super) fn d_weight(g: &Geometry, l: &Lowering<'_>) -> Option<Timed> {
    let pass = g.forward();
    if !suits(&pass, g) {
        return None;
    }
    // Channels of an invocation, invocations across channels and results, and how many share a sum.
    let (each, across_channels) = match g.c {
        0..=AT_ONCE => (g.c, 1),
        5..=8 => (2, 4),
        9..=16 => (2, 8),
        _ => (2, 16),
    };
    let across_results = g.o.div_ceil(4).next_power_of_two().clamp(8, (WORKGROUP / across_channels).min(16));
    let slices = WORKGROUP / across_channels / across_results;
    let (channels, results, taps) = (each * across_channels, 4 * across_results, g.kh * g.kw);
    let fits = |(strips, tile): &(usize, Tile)| {
        let joined = if slices > 1 { taps * channels * results / 4 } else { 0 };
        let patch = channels * tile.lines(g.kh) * tile.pitch(g.kw);
        let words = results * ((strips * WORDS) | 1) + patch + joined + 1;
        *strips >= slices && 16 * words <= l.caps.workgroup_bytes as usize
    };
    let tiles = [16, 8, 4].map(|strips| (strips, Tile::new(strips, pass.of, g.kw)));
    let (strips, tile) = tiles.into_iter().find(fits)?;
    let (result_tiles, channel_tiles) = (g.o.div_ceil(results), g.c.div_ceil(channels));
    let tiles = tile.counts(g.n, pass.of).iter().product::<usize>();
    let parallel = if g.c <= AT_ONCE { PARALLEL_LARGE } else { PARALLEL };
    let parts = (parallel / (result_tiles * channel_tiles)).clamp(1, tiles);
    let tiles_each = tiles.div_ceil(parts);
    let parts = tiles.div_ceil(tiles_each);
    let kernel = tile
        .constants(Kernel::new(source!("conv2d_patch_d_weight")), &pass, channels)
        .constant("ACROSS_RESULTS", across_results)
        .constant("ACROSS_CHANNELS", across_channels)
        .constant("SLICES", slices)
        .constant("EACH", each)
        .constant("GRADIENT_EACH", (results * strips * WORDS).div_ceil(WORKGROUP));
    let call = KernelCall::new(kernel, linear_grid(result_tiles * channel_tiles * parts, l.caps)).bind_inputs(2);
    let call = params(&pass, tile, call)
        .param("result_tiles", result_tiles)
        .param("channel_tiles", channel_tiles)
        .param("tiles", tiles)
        .param("tiles_each", tiles_each)
        .param("parts", parts);
    Some(timed(&pass, summed("patch", call, parts, l), l))
}
