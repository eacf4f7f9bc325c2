//! What the kernels that reduce a batch to two numbers a channel share.

use super::Planes;
use crate::gpu::Caps;
use crate::kernel::{Kernel, KernelCall, Operand, Strategy, element, linear_grid};
use crate::ops::group::Group;
use crate::ops::split::{Aim, Split};
use crate::ops::stream::{MANY, Piece, Read, in_windows, pieces};

const LINES_WORKGROUP: usize = 64;
/// A window holds few planes: each workgroup is one vector of the driver's.
const PLANES_WORKGROUP: usize = 8;
/// Images whose partial results are merged in one go: a software driver stops loops of more than 65,535 turns.
const MOST_IMAGES: usize = 4096;
/// Elements of the smallest plane that is worth two partial results, which are read again.
const SMALLEST: usize = 16;

/// A pass over `[n, channels, …]` that leaves `[parts, 2, channels]`.
pub(super) struct Pass {
    /// The call, without operands.
    pub call: KernelCall,
    /// How it was divided, in elements (not vectors).
    pub split: Split,
    /// Rows and run that were divided.
    pub extents: [usize; 2],
}

impl Pass {
    /// One invocation a part: no barriers.
    pub fn lines(kernel: Kernel, planes: Planes, caps: &Caps) -> Self {
        let width = width(planes);
        let size = planes.size / width;
        let mut split = Split::new(planes.channels, planes.images, size, Aim::lines(caps));
        let invocations = planes.channels * split.parts();
        let kernel = of_elements(kernel, width).constant("WG", LINES_WORKGROUP);
        let call = KernelCall::new(kernel, linear_grid(invocations.div_ceil(LINES_WORKGROUP), caps))
            .param("channels", planes.channels)
            .param("parts", split.parts())
            .param("images", planes.images)
            .param("size", size)
            .param("images_each", split.rows_each)
            .param("run_parts", split.run_parts)
            .param("run_each", split.run_each);
        split.run_each *= width;
        Self { call, split, extents: [planes.images, planes.size] }
    }

    /// One workgroup a part, or on GPUs a group of its invocations: coalesced.
    pub fn tree(kernel: Kernel, planes: Planes, caps: &Caps) -> Self {
        let width = width(planes);
        let (size, elements) = (planes.size / width, planes.count() / width);
        let mut split = Split::new(planes.channels, 1, elements, Aim::tree(caps));
        let count = planes.channels * split.parts();
        let (group, more) = Group::of_parts(count, split.run_each, caps);
        let kernel = group.define(of_elements(kernel, width)).constant("MORE", more);
        let call = KernelCall::new(kernel, group.grid(count, caps))
            .param("channels", planes.channels)
            .param("parts", split.parts())
            .param("size", size)
            .param("elements", elements)
            .param("elements_each", split.run_each)
            .param("images_on", group.lanes / size)
            .param("places_on", group.lanes % size);
        split.run_each *= width;
        Self { call, split, extents: [1, planes.count()] }
    }
}

/// The calls of a pass over whole planes, one an invocation, that leaves `[images, 2, channels]`, where storage is slow to
/// read and windows hold its planes. `names` are the kernel's of the first inputs; `end` adds what is the pass's own.
pub(super) fn by_planes(
    kernel: Kernel,
    planes: Planes,
    names: &[&'static str],
    caps: &Caps,
    end: impl Fn(KernelCall) -> KernelCall,
) -> Option<Vec<KernelCall>> {
    let reads = reads(planes, names);
    let pieces = pieces(planes.images * planes.channels, &reads, MANY, caps);
    if planes.images > MOST_IMAGES || planes.size < SMALLEST || width(planes) != 4 || !in_windows(&pieces) {
        return None;
    }
    let kernel = of_elements(kernel, 4).constant("WG", PLANES_WORKGROUP);
    let call = |piece: Piece| {
        let grid = linear_grid(piece.count.div_ceil(PLANES_WORKGROUP), caps);
        let call = piece.bind(KernelCall::new(kernel.clone(), grid), &reads);
        let call = call.param("first", piece.first).param("count", piece.count).param("channels", planes.channels);
        end(call.param("size", planes.size / 4))
    };
    Some(pieces.into_iter().map(call).collect())
}

/// The planes of the first inputs, which the kernel names so.
pub(super) fn reads(planes: Planes, names: &[&'static str]) -> Vec<Read> {
    let read = |(i, &name)| Read { operand: Operand::Input(i), name, bytes: 4 * planes.size };
    names.iter().enumerate().map(read).collect()
}

/// Where a pass of so many parts writes: the output itself when there is one.
pub(super) fn destination(parts: usize) -> Operand {
    if parts == 1 { Operand::Output } else { Operand::Scratch(0) }
}

/// A strategy of calls that leave so many parts, of which `merge` makes the output where there are several.
pub(super) fn in_parts(
    name: &'static str,
    mut calls: Vec<KernelCall>,
    parts: usize,
    planes: Planes,
    merge: impl FnOnce() -> KernelCall,
) -> Strategy {
    if parts == 1 {
        return Strategy { name, calls, scratch: Vec::new() };
    }
    calls.push(merge().bind(Operand::Scratch(0)).bind(Operand::Output));
    Strategy { name, calls, scratch: vec![(parts * planes.channels * 2 * 4) as u64] }
}

/// Elements loaded at once along a plane.
pub(super) fn width(planes: Planes) -> usize {
    if planes.size.is_multiple_of(4) { 4 } else { 1 }
}

/// The kernel with the two functions that differ between one and four elements.
fn of_elements(kernel: Kernel, width: usize) -> Kernel {
    let (head, total) = if width == 4 { ("v.x", "(v.x + v.y) + (v.z + v.w)") } else { ("v", "v") };
    kernel
        .constant("Elem", element(width))
        .constant("WIDTH", width)
        .code(format!("fn head(v: Elem) -> f32 {{ return {head}; }}\nfn total(v: Elem) -> f32 {{ return {total}; }}"))
}

/// Whether the innermost elements of a channel lie side by side often enough for a workgroup to read them.
pub(super) fn prefers_tree(planes: Planes, caps: &Caps) -> bool {
    !caps.is_software() && planes.size >= 8
}
