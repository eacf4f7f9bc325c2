//! 3×3 convolutions of stride 1 as products of transformed tiles (`shaders/lib/winograd.wgsl`): a tile of four by four results
//! takes 36 multiplications a channel where the sum as written takes 144. All three passes: of the weight's gradient the
//! nine taps are the results, and four by four elements of d_y the taps. Scratch buffers 0, 1 and 2 hold the products' operands
//! and results.

use super::geometry::{Geometry, Pass};
use super::{Timed, WINOGRAD_CHANNELS};
use crate::graph::Lowering;
use crate::kernel::{Kernel, KernelCall, Operand, Strategy, linear_grid, source};
use crate::ops::matmul::{Matrix, Products};
use crate::ops::stream::{ALIGNMENT, FEW, Piece, Read, pieces};

/// Nanoseconds on two cores that transforming takes for each number in or out, where storage is slow and elsewhere.
const TRANSFORM: [f64; 2] = [2.4, 0.9];

/// Rows and columns of a tile of results, and of its transform.
const TILE: usize = 4;
const POINTS: usize = 36;

/// Invocations of a workgroup. A GPU starts about one workgroup a nanosecond: they must not be small.
fn workgroup(l: &Lowering<'_>) -> usize {
    if l.caps.is_software() { 64 } else { 256 }
}

/// Bytes that the transforms of one operand may take, in software and elsewhere: images are taken in turns.
const MOST_BYTES: [u64; 2] = [96 << 20, 400 << 20];

/// Tiles from which on this beats sums of gathered operands on a GPU: below, it moves more bytes than it saves work.
const LEAST_TILES: usize = 16;

/// Images in tiles.
#[derive(Clone, Copy, Debug)]
struct Tiles {
    n: usize,
    /// Rows and columns of tiles.
    rows: usize,
    columns: usize,
    /// Images of a turn.
    images: usize,
}

impl Tiles {
    /// The tiles of `n` images, in as few turns as the transforms of `channels` allow.
    fn new(n: usize, [h, w]: [usize; 2], channels: usize, l: &Lowering<'_>) -> Option<Self> {
        let (rows, columns) = (h.div_ceil(TILE), w.div_ceil(TILE));
        // A product's windows and tiles may be a good deal wider than what they hold.
        let image = (4 * POINTS * channels * rows * columns) as u64 * 5 / 4;
        let most_bytes = MOST_BYTES[usize::from(!l.caps.is_software())];
        let most = (most_bytes.min(l.caps.binding_bytes) / image.max(1)) as usize;
        let turns = n.div_ceil(most.clamp(1, n.max(1)));
        (most > 0 && n > 0).then_some(Self { n, rows, columns, images: n.div_ceil(turns) })
    }

    fn count(&self) -> usize {
        self.images * self.rows * self.columns
    }

    /// Whether every turn takes as many images, of so many floats each, and begins where a window may.
    fn whole_turns(&self, floats: usize) -> bool {
        let turn = 4 * self.images * floats;
        self.images == self.n || (self.n.is_multiple_of(self.images) && turn.is_multiple_of(ALIGNMENT))
    }

    /// The first image of each turn.
    fn turns(&self) -> impl Iterator<Item = usize> {
        (0..self.n).step_by(self.images)
    }

    fn params(&self, call: KernelCall, first_image: usize) -> KernelCall {
        call.param("n", self.n)
            .param("tiles_y", self.rows)
            .param("tiles_x", self.columns)
            .param("first_image", first_image)
            .param("tiles", self.count())
    }
}

pub(super) fn forward(g: &Geometry, l: &Lowering<'_>) -> Option<Timed> {
    results(&g.forward(), g, l)
}

pub(super) fn d_input(g: &Geometry, l: &Lowering<'_>) -> Option<Timed> {
    results(&g.d_input(), g, l)
}

/// Whether the transforms are those of this convolution, whose results, or d_y, are `columns` wide.
fn suits(g: &Geometry, columns: usize) -> bool {
    [g.kh, g.kw] == [3, 3]
        && g.stride == [1, 1]
        && g.dilation == [1, 1]
        && g.groups == 1
        && columns.is_multiple_of(TILE)
}

fn results(pass: &Pass, g: &Geometry, l: &Lowering<'_>) -> Option<Timed> {
    if !suits(g, pass.of[1]) {
        return None;
    }
    let tiles = Tiles::new(g.n, pass.of, pass.c.max(pass.o), l)?;
    let products = Products::new(POINTS, [pass.o, tiles.count(), pass.c], false, l.caps)?;
    let channels = products.k_padded();
    let kernel = Kernel::new(source!("conv2d_winograd_pack_weight"))
        .constant("FLIP", pass.flip)
        .constant("CHANNELS_FIRST", products.k_innermost());
    let pack_weight = with_place(over(pass.o * channels, kernel, l), &products, Matrix::A, false)
        .bind(Operand::Input(1))
        .bind(Operand::Scratch(0))
        .param("results", pass.o)
        .param("channels", pass.c)
        .param("channels_padded", channels);
    let mut calls = vec![pack_weight];
    let (products_calls, more) = products.calls([0, 1, 2], 3, l)?;
    for first_image in tiles.turns() {
        calls.extend(pack_x(&tiles, first_image, pass, [channels, tiles.count()], (&products, Matrix::B, true), l));
        calls.extend(products_calls.iter().cloned());
        let call = over(pass.o * tiles.count(), Kernel::new(source!("conv2d_winograd_y")), l);
        let call = with_place(call, &products, Matrix::C, false)
            .bind(Operand::Scratch(2))
            .bind(Operand::Output)
            .param("o", pass.o)
            .param("oh", pass.of[0]);
        calls.push(l.with_epilogue_vec4(tiles.params(call, first_image)));
    }
    finish(calls, &products, (more, &tiles), pass.c.min(pass.o), l)
}

pub(super) fn d_weight(g: &Geometry, l: &Lowering<'_>) -> Option<Timed> {
    if !suits(g, g.ow) {
        return None;
    }
    let tiles = Tiles::new(g.n, [g.oh, g.ow], g.c.max(g.o), l)?;
    // On GPUs products have tiles of few rows, but not of few columns.
    let turned = !l.caps.is_software() && g.c < g.o;
    let (of_x, of_d_y, extents) = match turned {
        true => (Matrix::A, Matrix::B, [g.c, g.o, tiles.count()]),
        false => (Matrix::B, Matrix::A, [g.o, g.c, tiles.count()]),
    };
    let products = Products::new(POINTS, extents, true, l.caps)?;
    let padded = products.k_padded();
    let (products_calls, more) = products.calls([0, 1, 2], 3, l)?;
    let pass = g.forward();
    let mut calls = Vec::new();
    for first_image in tiles.turns() {
        calls.extend(pack_x(&tiles, first_image, &pass, [g.c, padded], (&products, of_x, false), l));
        calls.extend(pack_d_y(&tiles, first_image, &pass, padded, (&products, of_d_y), l));
        calls.extend(products_calls.iter().cloned());
        let call = over(g.o * g.c, Kernel::new(source!("conv2d_winograd_d_weight")), l);
        calls.push(
            with_place(call, &products, Matrix::C, turned)
                .bind(Operand::Scratch(2))
                .bind(Operand::Output)
                .param("c", g.c)
                .param("resume", u32::from(first_image > 0)),
        );
    }
    finish(calls, &products, (more, &tiles), g.c.min(g.o), l)
}

/// The scratch buffer of the products' operand `matrix`.
fn scratch(matrix: Matrix) -> Operand {
    Operand::Scratch(usize::from(matrix == Matrix::B))
}

/// The dispatches that transform the images' tiles to operand `matrix` of `products`: places for so many channels and tiles,
/// with K first or not.
fn pack_x(
    tiles: &Tiles,
    first_image: usize,
    pass: &Pass,
    padded: [usize; 2],
    (products, matrix, k_first): (&Products, Matrix, bool),
    l: &Lowering<'_>,
) -> Vec<KernelCall> {
    let shape = |call: KernelCall| {
        let call = with_place(call, products, matrix, k_first);
        let call = call.bind(scratch(matrix)).param("c", pass.c).param("h", pass.size[0]);
        call.param("pad_y", pass.padding[0] as u32)
    };
    let [h, w] = pass.size;
    let plain = w == TILE * tiles.columns && pass.padding[1] == 1;
    if plain && padded == [pass.c, tiles.count()] && tiles.whole_turns(pass.c * h * w) {
        let read = Read { operand: Operand::Input(0), name: "x", bytes: 4 * h * w };
        let planes = (first_image * pass.c, tiles.images * pass.c);
        return of_planes(tiles, planes, read, Kernel::new(source!("conv2d_winograd_pack_planes")), l, shape);
    }
    let [channels, tiles_padded] = padded;
    let call = over(channels * tiles_padded, Kernel::new(source!("conv2d_winograd_pack_x")), l).bind(Operand::Input(0));
    let call = shape(call).param("w", w).param("pad_x", pass.padding[1] as u32).param("tiles_padded", tiles_padded);
    vec![tiles.params(call, first_image)]
}

/// The dispatches that transform the tiles of d_y to operand `matrix` of `products`: places for so many.
fn pack_d_y(
    tiles: &Tiles,
    first_image: usize,
    pass: &Pass,
    tiles_padded: usize,
    (products, matrix): (&Products, Matrix),
    l: &Lowering<'_>,
) -> Vec<KernelCall> {
    let shape = |call: KernelCall| {
        let call = with_place(call, products, matrix, false);
        call.bind(scratch(matrix)).param("o", pass.o).param("oh", pass.of[0])
    };
    let [h, w] = pass.of;
    if tiles_padded == tiles.count() && tiles.whole_turns(pass.o * h * w) {
        let read = Read { operand: Operand::Input(1), name: "d_y", bytes: 4 * h * w };
        let planes = (first_image * pass.o, tiles.images * pass.o);
        return of_planes(tiles, planes, read, Kernel::new(source!("conv2d_winograd_pack_d_y_planes")), l, shape);
    }
    let call = over(pass.o * tiles_padded, Kernel::new(source!("conv2d_winograd_pack_d_y")), l).bind(Operand::Input(1));
    vec![tiles.params(shape(call).param("tiles_padded", tiles_padded), first_image)]
}

/// The dispatches of `kernel` over the tiles of a turn's `planes`, which it reads; `bind` adds what is bound behind them, and
/// parameters.
fn of_planes(
    tiles: &Tiles,
    (first_plane, planes): (usize, usize),
    read: Read,
    kernel: Kernel,
    l: &Lowering<'_>,
    bind: impl Fn(KernelCall) -> KernelCall,
) -> Vec<KernelCall> {
    let workgroup = workgroup(l);
    // A GPU's stores are fast where neighbours' lie side by side: 32 floats.
    let images_first = !l.caps.is_software() && tiles.rows * tiles.columns < 32;
    let (kernel, reads) = (kernel.constant("WG", workgroup).constant("IMAGES_FIRST", images_first), [read]);
    let call = |piece: Piece| {
        let grid = linear_grid((piece.count * tiles.rows * tiles.columns).div_ceil(workgroup), l.caps);
        let call = piece.bind_from(first_plane, KernelCall::new(kernel.clone(), grid), &reads);
        bind(call)
            .param("first", piece.first)
            .param("count", piece.count)
            .param("tiles_y", tiles.rows)
            .param("tiles_x", tiles.columns)
            .param("images", tiles.images)
    };
    pieces(planes, &reads, FEW, l.caps).into_iter().map(call).collect()
}

/// Tells a kernel where the elements of one of the products' three lie.
fn with_place(mut call: KernelCall, products: &Products, matrix: Matrix, k_first: bool) -> KernelCall {
    let (code, params) = products.place(matrix, k_first);
    call.kernel = call.kernel.code(code);
    let call = call.param("point", products.stride(matrix));
    params.into_iter().fold(call, |call, (name, value)| call.code_param(name, value))
}

/// A call of `count` invocations.
fn over(count: usize, kernel: Kernel, l: &Lowering<'_>) -> KernelCall {
    let workgroup = workgroup(l);
    let grid = linear_grid(count.div_ceil(workgroup), l.caps);
    KernelCall::new(kernel.constant("WG", workgroup), grid).param("count", count)
}

fn finish(
    calls: Vec<KernelCall>,
    products: &Products,
    (more, tiles): (Vec<u64>, &Tiles),
    channels: usize,
    l: &Lowering<'_>,
) -> Option<Timed> {
    let matrices = [Matrix::A, Matrix::B, Matrix::C];
    let scratch: Vec<u64> = matrices.map(|matrix| products.bytes(matrix)).into_iter().chain(more).collect();
    let numbers: usize = matrices.map(|matrix| POINTS * products.stride(matrix)).into_iter().sum();
    let transforms = TRANSFORM[usize::from(!l.caps.slow_storage)] * numbers as f64;
    let fits = scratch.iter().all(|&bytes| bytes <= l.caps.buffer_bytes.min(l.caps.binding_bytes));
    let ns = match l.caps.is_software() {
        true => tiles.turns().count() as f64 * (products.time() + transforms),
        false if channels >= WINOGRAD_CHANNELS && tiles.count() >= LEAST_TILES => 0.0,
        false => f64::INFINITY,
    };
    fits.then_some(Timed { strategy: Strategy { name: "winograd", calls, scratch }, ns })
}
