//! What the kernels that reduce a batch to two numbers a channel share.

use super::Planes;
use crate::gpu::Caps;
use crate::kernel::{Kernel, KernelCall, Operand, linear_grid};
use crate::ops::split::{Aim, Split};

const LINES_WORKGROUP: usize = 64;

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
        let kernel = of_elements(kernel, width, LINES_WORKGROUP);
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

    /// One workgroup a part: coalesced.
    pub fn tree(kernel: Kernel, planes: Planes, caps: &Caps) -> Self {
        let width = width(planes);
        let (size, elements) = (planes.size / width, planes.count() / width);
        let mut split = Split::new(planes.channels, 1, elements, Aim::tree());
        let kernel = of_elements(kernel, width, if split.run_each >= 512 { 256 } else { 64 });
        let call = KernelCall::new(kernel, linear_grid(planes.channels * split.parts(), caps))
            .param("channels", planes.channels)
            .param("parts", split.parts())
            .param("size", size)
            .param("elements", elements)
            .param("elements_each", split.run_each);
        split.run_each *= width;
        Self { call, split, extents: [1, planes.count()] }
    }

    /// Where the pass writes: the output itself when there is one part.
    pub fn destination(&self) -> Operand {
        if self.split.parts() == 1 { Operand::Output } else { Operand::Scratch(0) }
    }

    /// Bytes of the partial results.
    pub fn scratch(&self, planes: Planes) -> Vec<u64> {
        let parts = self.split.parts();
        if parts == 1 { Vec::new() } else { vec![(parts * planes.channels * 2 * 4) as u64] }
    }
}

/// Elements loaded at once along a plane.
pub(super) fn width(planes: Planes) -> usize {
    if planes.size.is_multiple_of(4) { 4 } else { 1 }
}

pub(super) fn element(width: usize) -> &'static str {
    if width == 4 { "vec4<f32>" } else { "f32" }
}

/// The kernel with the two functions that differ between one and four elements.
fn of_elements(kernel: Kernel, width: usize, workgroup: usize) -> Kernel {
    let (head, total) = if width == 4 { ("v.x", "(v.x + v.y) + (v.z + v.w)") } else { ("v", "v") };
    kernel
        .constant("Elem", element(width))
        .constant("WIDTH", width)
        .constant("WG", workgroup)
        .code(format!("fn head(v: Elem) -> f32 {{ return {head}; }}\nfn total(v: Elem) -> f32 {{ return {total}; }}"))
}

/// Whether the innermost elements of a channel lie side by side often enough for a workgroup to read them.
pub(super) fn prefers_tree(planes: Planes, caps: &Caps) -> bool {
    !caps.is_software() && planes.size >= 8
}
