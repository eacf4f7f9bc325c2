//! Any set of reduced axes, brought to one form: three nested kept runs and three nested reduced runs.

use crate::tensor::Shape;

/// Neighbouring axes that are all kept or all reduced, as one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Run {
    pub extent: usize,
    pub stride: usize,
}

const ABSENT: Run = Run { extent: 1, stride: 0 };

/// Kept and reduced runs, outermost first; absent ones have extent 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Layout {
    pub kept: [Run; 3],
    pub reduced: [Run; 3],
}

impl Layout {
    /// One element reduced to itself.
    pub const EMPTY: Self = Self { kept: [ABSENT; 3], reduced: [ABSENT; 3] };

    /// The form of reducing `axes` of `shape`; `None` with more than three separate runs of either kind.
    pub fn new(shape: &Shape, axes: &[usize]) -> Option<Self> {
        let strides = shape.strides();
        let (mut kept, mut reduced) = (Vec::<Run>::new(), Vec::<Run>::new());
        let mut before = None;
        for axis in (0..shape.rank()).filter(|&a| shape[a] != 1) {
            let is_reduced = axes.contains(&axis);
            let runs = if is_reduced { &mut reduced } else { &mut kept };
            match runs.last_mut().filter(|_| before == Some(is_reduced)) {
                Some(run) => *run = Run { extent: run.extent * shape[axis], stride: strides[axis] },
                None => runs.push(Run { extent: shape[axis], stride: strides[axis] }),
            }
            before = Some(is_reduced);
        }
        Some(Self { kept: align(&kept)?, reduced: align(&reduced)? })
    }

    /// How many results there are.
    pub fn outputs(&self) -> usize {
        self.kept.iter().map(|r| r.extent).product()
    }

    /// How many elements each result takes in.
    pub fn elements(&self) -> usize {
        self.reduced.iter().map(|r| r.extent).product()
    }

    /// Rows of the reduced elements: all but the innermost run.
    pub fn rows(&self) -> usize {
        self.reduced[0].extent * self.reduced[1].extent
    }

    /// Whether the innermost axis is reduced; else neighbouring results read neighbouring elements.
    pub fn reduces_innermost(&self) -> bool {
        self.reduced[2].stride == 1
    }

    /// What is left when every stretch of `len` elements of the innermost axis, which is reduced, is one.
    pub fn of_rows(&self, len: usize) -> Self {
        let mut left = *self;
        // The other strides are multiples of this extent.
        for run in left.kept.iter_mut().chain(&mut left.reduced[..2]) {
            run.stride /= len;
        }
        let rows = left.reduced[2].extent / len;
        left.reduced[2] = if rows > 1 { Run { extent: rows, stride: 1 } } else { ABSENT };
        left
    }

    /// The same in units of four elements, where the innermost run allows it.
    pub fn by_four(&self) -> Option<Self> {
        let mut by_four = *self;
        let innermost = if self.reduces_innermost() { &mut by_four.reduced[2] } else { &mut by_four.kept[2] };
        if innermost.stride != 1 || !innermost.extent.is_multiple_of(4) {
            return None;
        }
        // The other strides are multiples of this extent.
        innermost.extent /= 4;
        for run in by_four.kept.iter_mut().chain(&mut by_four.reduced).filter(|r| r.stride != 1) {
            run.stride /= 4;
        }
        Some(by_four)
    }
}

fn align(runs: &[Run]) -> Option<[Run; 3]> {
    let lead = 3usize.checked_sub(runs.len())?;
    let mut aligned = [ABSENT; 3];
    aligned[lead..].copy_from_slice(runs);
    Some(aligned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_of_images() {
        let layout = Layout::new(&[64, 32, 16, 8].into(), &[0, 2, 3]).unwrap();
        assert_eq!(layout.kept[2], Run { extent: 32, stride: 128 });
        assert_eq!(layout.reduced, [ABSENT, Run { extent: 64, stride: 4096 }, Run { extent: 128, stride: 1 }]);
        let four = layout.by_four().unwrap();
        assert_eq!((four.kept[2].stride, four.reduced[2].extent, four.rows()), (32, 32, 64));
        let rows = four.of_rows(32);
        assert_eq!((rows.kept[2].stride, rows.reduced[1].stride, rows.reduced[2]), (1, 32, ABSENT));
        assert_eq!(four.of_rows(16).reduced[2], Run { extent: 2, stride: 1 });
    }

    #[test]
    fn ones_vanish_and_too_many_runs_are_refused() {
        let layout = Layout::new(&[4, 1, 8].into(), &[0, 1]).unwrap();
        assert_eq!((layout.kept[2].extent, layout.reduced[2]), (8, Run { extent: 4, stride: 8 }));
        assert_eq!(Layout::new(&[2; 8].into(), &[0, 2, 4, 6]), None);
    }
}
