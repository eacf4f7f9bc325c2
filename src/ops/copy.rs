//! What the ops that only move data share: copies of rows, and shapes reduced to the axes that matter.

use super::launch::Launch;
use crate::gpu::Caps;
use crate::kernel::{Kernel, KernelCall, Operand, source};

/// Elements that an invocation moves one after another in software, where starting one costs much.
pub(super) const IN_SOFTWARE: usize = 4;

/// Sets the first `count` floats, or vec4 where `width` is 4, of `to` to 0.
pub(super) fn clear(to: Operand, width: usize, count: usize, caps: &Caps) -> KernelCall {
    let launch = Launch::new(count, 4 * width, 1, caps);
    let kernel = launch.define(Kernel::new(source!("clear")).constant("Elem", float(width)));
    KernelCall::new(kernel, launch.grid(count, caps)).bind(to).param("count", count)
}

/// The element a kernel moves: one 32-bit word, or four of them.
pub(super) fn word(width: usize) -> &'static str {
    if width == 4 { "vec4<u32>" } else { "u32" }
}

/// The float element a kernel moves or adds.
pub(super) fn float(width: usize) -> &'static str {
    if width == 4 { "vec4<f32>" } else { "f32" }
}

/// 4 where all of `counts` are multiples of it, else 1.
pub(super) fn common_width(counts: &[usize]) -> usize {
    if counts.iter().all(|n| n.is_multiple_of(4)) { 4 } else { 1 }
}

/// Rows of `len` elements, copied between two places each with its own distance from row to row.
pub(super) struct Rows {
    /// How many rows.
    pub rows: usize,
    /// Elements of a row.
    pub len: usize,
    /// The first element read.
    pub from_start: usize,
    /// Elements from row to row where it is read.
    pub from_pitch: usize,
    /// The first element written.
    pub to_start: usize,
    /// Elements from row to row where it is written.
    pub to_pitch: usize,
}

impl Rows {
    /// One row: `len` elements from `from_start` on.
    pub fn one(len: usize, from_start: usize) -> Self {
        Self { rows: 1, len, from_start, from_pitch: len, to_start: 0, to_pitch: len }
    }

    /// The copy from `from` to the output.
    pub fn call(&self, from: Operand, caps: &Caps) -> KernelCall {
        let whole = self.rows == 1 || (self.from_pitch == self.len && self.to_pitch == self.len);
        let width = common_width(&[self.len, self.from_start, self.from_pitch, self.to_start, self.to_pitch]);
        let count = self.rows * self.len / width;
        let launch = Launch::new(count, 2 * 4 * width, IN_SOFTWARE, caps);
        let kernel = launch
            .define(Kernel::new(source!("copy_rows")).constant("Elem", word(width)))
            .constant("LEN", if whole { 0 } else { self.len / width });
        KernelCall::new(kernel, launch.grid(count, caps))
            .bind(from)
            .bind(Operand::Output)
            .param("count", count)
            .param("from_start", self.from_start / width)
            .param("from_pitch", self.from_pitch / width)
            .param("to_start", self.to_start / width)
            .param("to_pitch", self.to_pitch / width)
    }
}

/// The most axes a general kernel walks, once those that belong together are one.
pub(super) const MAX_AXES: usize = 6;

/// The names of a kernel's per-axis constants.
pub(super) struct AxisNames(pub [&'static str; MAX_AXES]);

impl AxisNames {
    /// Defines the constants; axes past the end of `values` get `rest`.
    pub fn define(&self, mut kernel: Kernel, values: &[usize], rest: usize) -> Kernel {
        for (axis, name) in self.0.iter().enumerate() {
            kernel = kernel.constant(name, values.get(axis).copied().unwrap_or(rest));
        }
        kernel
    }
}

/// The axes before, at and behind `axis`, as element counts.
pub(super) fn around(shape: &[usize], axis: usize) -> (usize, usize, usize) {
    (shape[..axis].iter().product(), shape[axis], shape[axis + 1..].iter().product())
}
