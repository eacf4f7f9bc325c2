//! Where pooling windows lie.

use crate::gpu::Caps;
use crate::graph::ShapeError;
use crate::kernel::{Kernel, Size};
use crate::ops::split::may_turn;
use crate::tensor::{DType, TensorType};

/// The windows of a 2-D pooling, in PyTorch's sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool2d {
    /// Rows and columns of a window.
    pub kernel: [usize; 2],
    /// Rows and columns from window to window.
    pub stride: [usize; 2],
    /// Padding in rows and columns: top, left, bottom, right. Each must be less than the kernel's extent.
    pub padding: [usize; 4],
    /// Adds a last window for the rest of an axis, if it begins inside the image or the padding before it.
    pub ceil_mode: bool,
}

impl Pool2d {
    /// Windows side by side, without padding.
    pub fn new(kernel: [usize; 2]) -> Self {
        Self { kernel, stride: kernel, padding: [0; 4], ceil_mode: false }
    }

    /// Sets the stride.
    #[must_use]
    pub fn stride(mut self, stride: [usize; 2]) -> Self {
        self.stride = stride;
        self
    }

    /// Sets the padding: top, left, bottom, right.
    #[must_use]
    pub fn padding(mut self, padding: [usize; 4]) -> Self {
        self.padding = padding;
        self
    }

    /// Sets whether the rest of an axis gets a window.
    #[must_use]
    pub fn ceil_mode(mut self, ceil_mode: bool) -> Self {
        self.ceil_mode = ceil_mode;
        self
    }

    /// The windows over x f32 `[N, C, H, W]`.
    pub(super) fn over(&self, x: &TensorType) -> Result<Windows, ShapeError> {
        let (DType::F32, &[n, c, h, w]) = (x.dtype, &*x.shape) else {
            return Err(ShapeError::new(format!("takes f32[N, C, H, W], not {x}")));
        };
        let [top, left, bottom, right] = self.padding;
        let axis = |axis: usize, extent, before, after| {
            Axis::new(extent, self.kernel[axis], self.stride[axis], [before, after], self.ceil_mode)
                .ok_or_else(|| ShapeError::new(format!("{self:?} does not fit {}", x.shape)))
        };
        Ok(Windows { planes: [n, c], y: axis(0, h, top, bottom)?, x: axis(1, w, left, right)? })
    }
}

/// One axis of the windows over an image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    pub extent: usize,
    pub kernel: usize,
    pub stride: usize,
    pub before: usize,
    pub after: usize,
    pub windows: usize,
}

impl Axis {
    /// `None` when there is no window, or one of padding alone.
    fn new(extent: usize, kernel: usize, stride: usize, padding: [usize; 2], ceil_mode: bool) -> Option<Self> {
        let [before, after] = padding;
        if stride == 0 || extent == 0 || before >= kernel || after >= kernel {
            return None;
        }
        let room = (extent + before + after).checked_sub(kernel)?;
        let mut windows = if ceil_mode { room.div_ceil(stride) } else { room / stride } + 1;
        if ceil_mode && (windows - 1) * stride >= extent + before {
            windows -= 1;
        }
        Some(Self { extent, kernel, stride, before, after, windows })
    }

    /// The elements of window `o`.
    pub fn span(&self, o: usize) -> std::ops::Range<usize> {
        let start = o * self.stride;
        start.saturating_sub(self.before)..(start + self.kernel - self.before).min(self.extent)
    }

    /// How many elements of window `o` lie in the padded image.
    pub fn padded_len(&self, o: usize) -> usize {
        let start = o * self.stride;
        (start + self.kernel).min(self.before + self.extent + self.after) - start
    }

    /// Whether no two windows overlap.
    pub fn disjoint(&self) -> bool {
        self.kernel <= self.stride
    }

    /// Whether the windows halve the axis without a rest.
    pub fn halves(&self) -> bool {
        self.kernel == 2 && self.stride == 2 && self.before == 0 && self.extent == 2 * self.windows
    }
}

/// The windows over one tensor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Windows {
    /// Samples and channels.
    pub planes: [usize; 2],
    /// Along the rows.
    pub y: Axis,
    /// Along the columns.
    pub x: Axis,
}

impl Windows {
    /// `[N, C, H', W']`.
    pub fn output(&self) -> [usize; 4] {
        [self.planes[0], self.planes[1], self.y.windows, self.x.windows]
    }

    /// Elements of a window.
    pub fn elements(&self) -> usize {
        self.y.kernel * self.x.kernel
    }

    /// Turns of the loops over one.
    pub fn turns(&self) -> usize {
        self.y.kernel * (self.x.kernel + 1)
    }

    /// Whether an invocation may walk one on this machine.
    pub fn walkable(&self, caps: &Caps) -> bool {
        may_turn(self.turns(), caps)
    }

    /// Whether the one window of each plane is the plane.
    pub fn are_whole(&self) -> bool {
        [self.y, self.x].iter().all(|axis| axis.windows == 1 && axis.kernel == axis.extent && axis.before == 0)
    }

    /// What kernels from outside may ask for.
    pub fn sizes(&self) -> Vec<Size> {
        let Self { planes: [n, c], y, x } = self;
        let past_end = |axis: &Axis| (axis.windows - 1) * axis.stride + axis.kernel > axis.before + axis.extent;
        vec![
            Size::extent("n", *n),
            Size::extent("c", *c),
            Size::extent("h", y.extent),
            Size::extent("w", x.extent),
            Size::extent("oh", y.windows),
            Size::extent("ow", x.windows),
            Size::extent("kh", y.kernel),
            Size::extent("kw", x.kernel),
            Size::extent("stride_y", y.stride),
            Size::extent("stride_x", x.stride),
            Size::attribute("pad_y", y.before, 0, &[]),
            Size::attribute("pad_x", x.before, 0, &[]),
            // Whether the last windows reach past the image.
            Size::attribute("past_end", usize::from(past_end(y) || past_end(x)), 0, &[]),
        ]
    }

    /// The kernels' geometry: constants, so that index divisions are cheap and windows unrolled.
    pub fn constants(&self, kernel: Kernel) -> Kernel {
        let Self { y, x, .. } = self;
        kernel
            .constant("KH", y.kernel)
            .constant("KW", x.kernel)
            .constant("SH", y.stride)
            .constant("SW", x.stride)
            .constant("PT", y.before)
            .constant("PL", x.before)
            .constant("H", y.extent)
            .constant("W", x.extent)
            .constant("OH", y.windows)
            .constant("OW", x.windows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceil_mode_adds_a_window_only_if_it_begins_inside() {
        let windows = |extent, kernel, stride, before, after, ceil| {
            Axis::new(extent, kernel, stride, [before, after], ceil).map(|a| a.windows)
        };
        assert_eq!(windows(5, 2, 2, 0, 0, false), Some(2));
        assert_eq!(windows(5, 2, 2, 0, 0, true), Some(3));
        // The fourth window would begin behind the image.
        assert_eq!(windows(8, 2, 3, 1, 1, true), Some(3));
        assert_eq!(windows(8, 3, 2, 1, 1, true), Some(5));
        assert_eq!(windows(2, 3, 1, 0, 0, false), None);
        assert_eq!(windows(2, 2, 1, 2, 0, false), None);
    }
}
