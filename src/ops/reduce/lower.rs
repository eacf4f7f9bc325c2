//! Kernel calls of reductions.
//!
//! `lines`: an invocation walks the elements of one result, or of four neighbouring ones. It has no barrier, which suits
//! software Vulkan, and reads coalesced where the innermost axis is kept. `tree`: a workgroup reduces each result, or where
//! they are short a group of its invocations, with neighbouring lanes on neighbouring elements, which suits GPUs where the
//! innermost axis is reduced. Where there are too few results to fill the machine, each is computed in parts ([`Split`]). `rows`: a first pass reduces stretches of
//! the innermost axis through uniform windows, a second what it leaves, if anything: for drivers that read storage slowly, where
//! it is four to eight times as fast as `lines`.

use super::layout::Layout;
use super::{Reduce, Reduction};
use crate::gpu::Caps;
use crate::graph::Lowering;
use crate::kernel::{Candidates, Kernel, KernelCall, Operand, Strategy, linear_grid, source};
use crate::ops::group::Group;
use crate::ops::split::{Aim, Split};
use crate::ops::stream::{MANY, Piece, Read, in_windows, pieces};

const LINES_WORKGROUP: usize = 64;
const ROWS_WORKGROUP: usize = 8;
/// Words of four in a row of the first pass: at most so many that a window's rows fill a vector's lanes, and at least so
/// many that the second pass is short.
const ROW_WORDS: std::ops::RangeInclusive<usize> = 4..=512;
/// Rows of a result that the second pass of `rows` adds up in one go.
const ROWS_LEFT: usize = 4096;
/// Parts from which several invocations join those of an output, on GPUs.
const MANY_PARTS: usize = 8;
/// Reduced elements from which a workgroup is worth its barriers.
const TREE_FROM: usize = 64;

/// How elements are loaded.
#[derive(Clone, Copy, PartialEq)]
enum Width {
    /// One by one.
    One,
    /// Four neighbours that go to the same result.
    FourIn,
    /// Four neighbours that go to four neighbouring results.
    FourOut,
}

impl Width {
    /// The widest form of `layout`, and `layout` in its units.
    fn of(layout: &Layout) -> (Self, Layout) {
        match layout.by_four() {
            Some(by_four) if layout.reduces_innermost() => (Self::FourIn, by_four),
            Some(by_four) => (Self::FourOut, by_four),
            None => (Self::One, *layout),
        }
    }
}

pub(super) fn lower(op: &Reduce, l: &Lowering<'_>) -> Candidates {
    // `infer` refuses the shapes that have no layout.
    let Some(layout) = Layout::new(&l.inputs[0].shape, &op.axes) else { return Vec::new() };
    let scale = if op.reduction == Reduction::Mean { 1.0 / layout.elements() as f32 } else { 1.0 };
    let (width, units) = Width::of(&layout);
    let lines = lines(op.reduction, width, &units, scale, l.caps);
    if width == Width::FourOut || !layout.reduces_innermost() {
        return vec![lines];
    }
    let tree = tree(op.reduction, width, &units, scale, l.caps);
    if !l.caps.is_software() && layout.elements() >= TREE_FROM {
        return vec![tree, lines];
    }
    let rows = if width == Width::FourIn { rows(op.reduction, &units, scale, l.caps) } else { None };
    rows.into_iter().chain([lines, tree]).collect()
}

fn lines(reduction: Reduction, width: Width, layout: &Layout, scale: f32, caps: &Caps) -> Strategy {
    let split = Split::new(layout.outputs(), layout.rows(), layout.reduced[2].extent, Aim::lines(caps));
    let outputs = layout.outputs() * if width == Width::FourOut { 4 } else { 1 };
    in_parts("lines", reduction, split.parts(), outputs, scale, caps, |to, scale| {
        lines_call(reduction, width, layout, split, scale, caps).bind(Operand::Input(0)).bind(to)
    })
}

/// Through windows, where they hold it; `layout` counts words of four.
fn rows(reduction: Reduction, layout: &Layout, scale: f32, caps: &Caps) -> Option<Strategy> {
    let run = layout.reduced[2].extent;
    // Sixteen rows of an odd number of words begin where the next window may.
    let fits = |words: usize| words.is_multiple_of(2) || words <= *ROW_WORDS.end() / 2;
    let words = ROW_WORDS.rev().find(|&words| run.is_multiple_of(words) && fits(words))?;
    let left = layout.of_rows(words);
    if !caps.slow_storage || left.elements() > ROWS_LEFT {
        return None;
    }
    let reads = [Read { operand: Operand::Input(0), name: "x", bytes: words * 16 }];
    let kernel = kernel(Kernel::new(source!("reduce_rows")), reduction, Width::FourIn)
        .constant("WG", ROWS_WORKGROUP)
        .constant("WORDS", words);
    let count = left.outputs() * left.elements();
    let pieces = pieces(count, &reads, MANY, caps);
    if !in_windows(&pieces) {
        return None;
    }
    let once = left.elements() == 1;
    let (to, first_scale) = if once { (Operand::Output, scale) } else { (Operand::Scratch(0), 1.0) };
    let first = |piece: Piece| {
        let grid = linear_grid(piece.count.div_ceil(ROWS_WORKGROUP), caps);
        piece
            .bind(KernelCall::new(kernel.clone(), grid), &reads)
            .bind(to)
            .param("first", piece.first)
            .param("count", piece.count)
            .param("start", start(reduction))
            .param("scale", first_scale)
    };
    let mut calls: Vec<_> = pieces.into_iter().map(first).collect();
    if !once {
        calls.push(whole(reduction.again(), &left, scale, caps).bind(Operand::Scratch(0)).bind(Operand::Output));
    }
    let scratch = if once { Vec::new() } else { vec![(count * 4) as u64] };
    Some(Strategy { name: "rows", calls, scratch })
}

fn tree(reduction: Reduction, width: Width, layout: &Layout, scale: f32, caps: &Caps) -> Strategy {
    let split = Split::new(layout.outputs(), 1, layout.elements(), Aim::tree(caps));
    let outputs = layout.outputs();
    in_parts("tree", reduction, split.parts(), outputs, scale, caps, |to, scale| {
        tree_call(reduction, width, layout, split, scale, caps).bind(Operand::Input(0)).bind(to)
    })
}

/// The call of `tree` for parts of stretches.
fn tree_call(reduction: Reduction, width: Width, layout: &Layout, split: Split, scale: f32, caps: &Caps) -> KernelCall {
    let count = layout.outputs() * split.parts();
    let (group, more) = Group::of_parts(count, split.run_each, caps);
    let [outer, middle, _] = layout.kept;
    let kernel = group
        .define(kernel(Kernel::new(source!("reduce_tree")), reduction, width))
        .constant("MORE", more)
        .constant("NESTED", outer.extent * middle.extent > 1);
    with_layout(KernelCall::new(kernel.code(of_group(reduction)), group.grid(count, caps)), reduction, layout, scale)
        .param("parts", split.parts())
        .param("elements", layout.elements())
        .param("elements_each", split.run_each)
        .param("rows_on", group.lanes / layout.reduced[2].extent)
        .param("columns_on", group.lanes % layout.reduced[2].extent)
}

/// One call when there is one part; else partial results to a scratch buffer `[parts, outputs]`, and a second pass.
fn in_parts(
    name: &'static str,
    reduction: Reduction,
    parts: usize,
    outputs: usize,
    scale: f32,
    caps: &Caps,
    call: impl FnOnce(Operand, f32) -> KernelCall,
) -> Strategy {
    if parts == 1 {
        return Strategy::single(name, call(Operand::Output, scale));
    }
    let calls = vec![
        call(Operand::Scratch(0), 1.0),
        over_parts(reduction.again(), parts, outputs, scale, caps).bind(Operand::Scratch(0)).bind(Operand::Output),
    ];
    Strategy { name, calls, scratch: vec![(parts * outputs * 4) as u64] }
}

/// The sum over `parts` of a buffer `[parts, outputs]`, still to be bound: source, then destination.
pub(in crate::ops) fn sum_parts(parts: usize, outputs: usize, caps: &Caps) -> KernelCall {
    over_parts(Reduction::Sum, parts, outputs, 1.0, caps)
}

fn over_parts(reduction: Reduction, parts: usize, outputs: usize, scale: f32, caps: &Caps) -> KernelCall {
    // Both forms exist for every shape of two axes.
    let layout = Layout::new(&[parts, outputs].into(), &[0]).unwrap_or(Layout::EMPTY);
    if !caps.is_software() && parts >= MANY_PARTS {
        // One invocation would wait for one part after another; and where there are many parts, there are few outputs.
        let (width, units) = if layout.reduces_innermost() { Width::of(&layout) } else { (Width::One, layout) };
        let split = Split { rows_each: 1, run_each: units.elements(), row_parts: 1, run_parts: 1 };
        return tree_call(reduction, width, &units, split, scale, caps);
    }
    whole(reduction, &layout, scale, caps)
}

/// One call without parts.
fn whole(reduction: Reduction, layout: &Layout, scale: f32, caps: &Caps) -> KernelCall {
    let (width, units) = Width::of(layout);
    let split = Split { rows_each: units.rows(), run_each: units.reduced[2].extent, row_parts: 1, run_parts: 1 };
    lines_call(reduction, width, &units, split, scale, caps)
}

fn lines_call(
    reduction: Reduction,
    width: Width,
    layout: &Layout,
    split: Split,
    scale: f32,
    caps: &Caps,
) -> KernelCall {
    let invocations = layout.outputs() * split.parts();
    let kernel = kernel(Kernel::new(source!("reduce_lines")), reduction, width).constant("WG", LINES_WORKGROUP);
    let grid = linear_grid(invocations.div_ceil(LINES_WORKGROUP), caps);
    with_layout(KernelCall::new(kernel, grid), reduction, layout, scale)
        .param("parts", split.parts())
        .param("rows", layout.rows())
        .param("rows_each", split.rows_each)
        .param("run_parts", split.run_parts)
        .param("run_each", split.run_each)
}

fn kernel(kernel: Kernel, reduction: Reduction, width: Width) -> Kernel {
    let element = if width == Width::One { "f32" } else { "vec4<f32>" };
    kernel.constant("Elem", element).code(code(reduction, width))
}

/// What a fold begins with.
fn start(reduction: Reduction) -> f32 {
    // Infinities have no literal in WGSL.
    match reduction {
        Reduction::Max => f32::NEG_INFINITY,
        Reduction::Min => f32::INFINITY,
        _ => 0.0,
    }
}

fn with_layout(mut call: KernelCall, reduction: Reduction, layout: &Layout, scale: f32) -> KernelCall {
    let [outer, middle, inner] = layout.kept;
    let [deep, row, run] = layout.reduced;
    call.kernel = call.kernel.constant("DEEP", deep.extent > 1);
    call.param("outputs", layout.outputs())
        .param("middle", middle.extent)
        .param("inner", inner.extent)
        .param("outer_stride", outer.stride)
        .param("middle_stride", middle.stride)
        .param("inner_stride", inner.stride)
        .param("deep_stride", deep.stride)
        .param("shallow_rows", row.extent)
        .param("row_stride", row.stride)
        .param("run", run.extent)
        .param("run_stride", run.stride)
        .param("start", start(reduction))
        .param("scale", scale)
}

/// How a group joins what its invocations have.
fn of_group(reduction: Reduction) -> &'static str {
    match reduction {
        Reduction::Max => "#import group_max\nfn of_group(v: f32, lane: u32) -> f32 { return group_max(v, lane); }",
        Reduction::Min => "#import group_max\nfn of_group(v: f32, lane: u32) -> f32 { return -group_max(-v, lane); }",
        _ => "#import group_sum\nfn of_group(v: f32, lane: u32) -> f32 { return group_sum(v, lane); }",
    }
}

/// The functions that fill the kernels' hole.
fn code(reduction: Reduction, width: Width) -> String {
    let join = |a: &str, b: &str| match reduction {
        Reduction::Max => format!("max({a}, {b})"),
        Reduction::Min => format!("min({a}, {b})"),
        _ => format!("({a} + {b})"),
    };
    let taken = if reduction == Reduction::SumSquares { "v * v" } else { "v" };
    let (out, folded) = match width {
        Width::FourIn => ("f32", join(&join("v.x", "v.y"), &join("v.z", "v.w"))),
        Width::FourOut => ("vec4<f32>", "v".to_owned()),
        Width::One => ("f32", "v".to_owned()),
    };
    let join = join("a", "b");
    format!(
        "alias Out = {out};\n\
         fn take(v: Elem) -> Elem {{ return {taken}; }}\n\
         fn join(a: Elem, b: Elem) -> Elem {{ return {join}; }}\n\
         fn fold(v: Elem) -> Out {{ return {folded}; }}"
    )
}
