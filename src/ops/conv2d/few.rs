//! `few`, for GPUs: convolutions of a few channels, or to a few results, by small kernels of stride 1. They are as much a
//! matter of memory as of arithmetic: invocations take what they need of an image straight from there into registers, once,
//! and nothing but weights and last sums passes through workgroup memory.

use super::Timed;
use super::geometry::{Geometry, Pass, WORD};
use super::parts::summed;
use crate::graph::Lowering;
use crate::kernel::{Kernel, KernelCall, Operand, Strategy, linear_grid, source};
use crate::ops::split::may_turn;

/// Channels that are few, or results.
const FEW: usize = 4;
/// Rows of results of an invocation.
const ROWS: usize = 2;

/// Invocations of a workgroup, of each kernel; to few results at most so many: with 512 an invocation has no more than 128
/// registers, and a multiprocessor runs more invocations at once.
const OF_CHANNELS: usize = 128;
const OF_RESULTS: usize = 512;
const OF_WEIGHT: usize = 64;
/// Fours of results that an invocation goes through at most.
const MOST_GROUPS: usize = 16;
/// Channels whose weights lie in workgroup memory at once.
const AT_ONCE: usize = 64;
/// Invocations that add up one sum of a weight's gradient, and workgroups that keep a large GPU busy with it.
const ACROSS: usize = 32;
const PARALLEL: usize = 1024;

/// Whether there are kernels for it: its taps reach a neighbour to either side at most, and rows are as wide as they were.
fn suits(pass: &Pass, g: &Geometry, l: &Lowering<'_>) -> bool {
    let pad_x = pass.padding[1];
    pass.in_words(g)
        && (0..=1).contains(&pad_x)
        && (0..=1).contains(&(pass.kernel[1] as isize - 1 - pad_x))
        && pass.size[1] == pass.of[1]
        && l.caps.invocations as usize >= OF_CHANNELS
}

fn constants(kernel: Kernel, pass: &Pass) -> Kernel {
    let [kh, kw] = pass.kernel;
    kernel.constant("KH", kh).constant("KW", kw).constant("PAD_X", pass.padding[1] as u32)
}

/// The same for a kernel of results, which checks nothing where told that there are whole workgroups of them.
fn of_results(kernel: Kernel, pass: &Pass, whole: bool) -> Kernel {
    let whole = whole && pass.size == pass.of && pass.of[0].is_multiple_of(ROWS) && pass.padding[0] >= 0;
    constants(kernel, pass)
        .constant("ROWS", ROWS)
        .constant("READ_ROWS", ROWS + pass.kernel[0] - 1)
        .constant("PAD_Y", pass.padding[0].max(0) as u32)
        .constant("FLIP", pass.flip)
        .constant("WHOLE", whole)
}

/// On a GPU the best there is.
fn timed(strategy: Strategy, l: &Lowering<'_>) -> Timed {
    Timed { strategy, ns: if l.caps.is_software() { f64::INFINITY } else { 0.0 } }
}

pub(super) fn forward(g: &Geometry, l: &Lowering<'_>) -> Option<Timed> {
    results(&g.forward(), g, l)
}

pub(super) fn d_input(g: &Geometry, l: &Lowering<'_>) -> Option<Timed> {
    results(&g.d_input(), g, l)
}

fn results(pass: &Pass, g: &Geometry, l: &Lowering<'_>) -> Option<Timed> {
    if !suits(pass, g, l) {
        return None;
    }
    let strips = pass.n * pass.of[0].div_ceil(ROWS) * (pass.of[1] / WORD);
    let call = match (pass.c, pass.o) {
        (..=FEW, _) => of_few_channels(pass, strips, l),
        (_, ..=FEW) => to_few_results(pass, strips, l),
        _ => return None,
    };
    let call = pass.params(call).bind_inputs(2).bind(Operand::Output);
    Some(timed(Strategy::single("few", l.with_epilogue_vec4(call)), l))
}

fn of_few_channels(pass: &Pass, strips: usize, l: &Lowering<'_>) -> KernelCall {
    let fours = pass.o.div_ceil(4);
    let result_tiles = fours.div_ceil(MOST_GROUPS);
    let groups = fours.div_ceil(result_tiles);
    let whole = pass.o == 4 * groups * result_tiles;
    let kernel = of_results(Kernel::new(source!("conv2d_few_channels")), pass, whole)
        .constant("WG", OF_CHANNELS)
        .constant("CHANNELS", pass.c)
        .constant("GROUPS", groups);
    let grid = linear_grid(result_tiles * strips.div_ceil(OF_CHANNELS), l.caps);
    KernelCall::new(kernel, grid).param("results", pass.o).param("result_tiles", result_tiles)
}

fn to_few_results(pass: &Pass, strips: usize, l: &Lowering<'_>) -> KernelCall {
    // The neighbours of a word lie in the same subgroup where a row does.
    let shuffles = l.caps.subgroup.is_some_and(|(least, _)| least.is_multiple_of((pass.of[1] / WORD) as u32));
    // A power of two, as subgroups are, so that a row that does not cross one in the first does in no other.
    let workgroup = OF_RESULTS.min(1 << l.caps.invocations.ilog2());
    let kernel = of_results(Kernel::new(source!("conv2d_few_results")), pass, strips.is_multiple_of(workgroup))
        .constant("WG", workgroup)
        .constant("RESULTS", pass.o)
        .constant("AT_ONCE", AT_ONCE.min(pass.c))
        .constant("EVEN", pass.c.is_multiple_of(2))
        .constant("SHUFFLES", usize::from(shuffles))
        .constant("LOADS", usize::from(!shuffles));
    KernelCall::new(kernel, linear_grid(strips.div_ceil(workgroup), l.caps)).param("channels", pass.c)
}

pub(super) fn d_weight(g: &Geometry, l: &Lowering<'_>) -> Option<Timed> {
    let pass = g.forward();
    if !suits(&pass, g, l) || pass.c > FEW {
        return None;
    }
    // As many sums as registers hold.
    let results = if pass.c * g.kh * g.kw <= 27 { 4 } else { 2 };
    let many = OF_WEIGHT / ACROSS * results;
    // Checks within the loop would cost half of what is gained.
    if !pass.o.is_multiple_of(many) {
        return None;
    }
    let result_tiles = pass.o / many;
    let columns = pass.n * (pass.of[1] / WORD);
    let columns_each = columns.div_ceil((PARALLEL / result_tiles).max(1)).next_multiple_of(ACROSS);
    let parts = columns.div_ceil(columns_each);
    if !may_turn(columns_each / ACROSS * (g.h + 1), l.caps) {
        return None;
    }
    let kernel = constants(Kernel::new(source!("conv2d_few_d_weight")), &pass)
        .constant("WG", OF_WEIGHT)
        .constant("ACROSS", ACROSS)
        .constant("CHANNELS", pass.c)
        .constant("RESULTS", results)
        .constant("MOVED", g.kh - 1);
    let call = KernelCall::new(kernel, linear_grid(result_tiles * parts, l.caps)).bind_inputs(2);
    let call = pass
        .params(call)
        .param("results", pass.o)
        .param("result_tiles", result_tiles)
        .param("columns_each", columns_each);
    Some(timed(summed("few", call, parts, l), l))
}
