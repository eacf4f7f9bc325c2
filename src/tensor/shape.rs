//! Shapes and element types.

use std::fmt;
use std::ops::Deref;

/// The element type of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// 32-bit floating point: activations, weights, gradients.
    F32,
    /// 32-bit unsigned integer: indices, labels, packed bytes.
    U32,
    /// 16-bit floating point: operands of products in mixed precision. Two lie in a 32-bit word, the first one lower.
    F16,
}

impl DType {
    /// Bytes of one element.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 | Self::U32 => 4,
            Self::F16 => 2,
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::U32 => "u32",
            Self::F16 => "f16",
        })
    }
}

/// The extents of a tensor, outermost first (row-major, contiguous). A scalar has no axes.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Shape(Vec<usize>);

impl Shape {
    /// The number of elements; 1 for a scalar.
    pub fn count(&self) -> usize {
        self.0.iter().product()
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// Row-major strides in elements.
    pub fn strides(&self) -> Vec<usize> {
        let mut strides = vec![1; self.rank()];
        for axis in (0..self.rank().saturating_sub(1)).rev() {
            strides[axis] = strides[axis + 1] * self.0[axis + 1];
        }
        strides
    }

    /// The shape two operands broadcast to, aligned at the last axis as in NumPy; `None` when they do not fit.
    pub fn broadcast(&self, other: &Self) -> Option<Self> {
        let rank = self.rank().max(other.rank());
        let extent = |s: &Self, axis: usize| (axis + s.rank()).checked_sub(rank).map_or(1, |a| s.0[a]);
        (0..rank)
            .map(|axis| match (extent(self, axis), extent(other, axis)) {
                (a, b) if a == b || b == 1 => Some(a),
                (1, b) => Some(b),
                _ => None,
            })
            .collect::<Option<Vec<_>>>()
            .map(Self)
    }

    /// The strides, in elements, with which this shape is read when broadcast to `to`: 0 along a repeated axis.
    pub fn broadcast_strides(&self, to: &Self) -> Vec<usize> {
        let lead = to.rank() - self.rank();
        let mut strides = vec![0; lead];
        strides.extend(self.strides().iter().zip(&self.0).map(|(&s, &extent)| if extent == 1 { 0 } else { s }));
        strides
    }
}

impl Deref for Shape {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl From<Vec<usize>> for Shape {
    fn from(extents: Vec<usize>) -> Self {
        Self(extents)
    }
}

impl From<&[usize]> for Shape {
    fn from(extents: &[usize]) -> Self {
        Self(extents.to_vec())
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(extents: [usize; N]) -> Self {
        Self(extents.to_vec())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What is known of a tensor before it exists: shape and element type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TensorType {
    /// Extents, outermost first.
    pub shape: Shape,
    /// Element type.
    pub dtype: DType,
}

impl TensorType {
    /// An f32 tensor.
    pub fn f32(shape: impl Into<Shape>) -> Self {
        Self { shape: shape.into(), dtype: DType::F32 }
    }

    /// A u32 tensor.
    pub fn u32(shape: impl Into<Shape>) -> Self {
        Self { shape: shape.into(), dtype: DType::U32 }
    }

    /// An f16 tensor.
    pub fn f16(shape: impl Into<Shape>) -> Self {
        Self { shape: shape.into(), dtype: DType::F16 }
    }

    /// The number of elements.
    pub fn count(&self) -> usize {
        self.shape.count()
    }

    /// Bytes on the device: whole words.
    pub fn bytes(&self) -> u64 {
        (self.count() as u64 * self.dtype.bytes() as u64).next_multiple_of(4)
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.dtype, self.shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_aligns_at_the_last_axis() {
        let a = Shape::from([4, 1, 3]);
        let b = Shape::from([5, 1]);
        assert_eq!(a.broadcast(&b), Some(Shape::from([4, 5, 3])));
        assert_eq!(a.broadcast_strides(&Shape::from([4, 5, 3])), [3, 0, 1]);
        assert_eq!(b.broadcast_strides(&Shape::from([4, 5, 3])), [0, 1, 0]);
        assert_eq!(Shape::from([2]).broadcast(&Shape::from([3])), None);
    }
}
