//! Tensors in host memory.

use half::f16;

use super::{Array, DType, Shape, TensorType};

/// The elements of a [`HostTensor`].
#[derive(Clone, Debug, PartialEq)]
pub enum HostData {
    /// Floating-point elements.
    F32(Vec<f32>),
    /// Integer elements.
    U32(Vec<u32>),
    /// The bits of 16-bit floating-point elements; a zero behind an odd number of them fills the last word.
    F16(Vec<u16>),
}

/// A tensor in host memory, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct HostTensor {
    shape: Shape,
    data: HostData,
}

impl HostTensor {
    /// An f32 tensor; `None` when `values` does not hold as many elements as `shape`.
    pub fn f32(shape: impl Into<Shape>, values: Vec<f32>) -> Option<Self> {
        let shape = shape.into();
        (shape.count() == values.len()).then_some(Self { shape, data: HostData::F32(values) })
    }

    /// A u32 tensor; `None` when `values` does not hold as many elements as `shape`.
    pub fn u32(shape: impl Into<Shape>, values: Vec<u32>) -> Option<Self> {
        let shape = shape.into();
        (shape.count() == values.len()).then_some(Self { shape, data: HostData::U32(values) })
    }

    /// An f16 tensor of the f16 nearest to each value; `None` when `values` does not hold as many elements as `shape`.
    pub fn f16(shape: impl Into<Shape>, values: &[f32]) -> Option<Self> {
        let shape = shape.into();
        let mut bits: Vec<u16> = values.iter().map(|&v| f16::from_f32(v).to_bits()).collect();
        bits.resize(values.len().next_multiple_of(2), 0);
        (shape.count() == values.len()).then_some(Self { shape, data: HostData::F16(bits) })
    }

    /// A tensor of `shape` whose every element is `value`.
    pub fn full(shape: impl Into<Shape>, value: f32) -> Self {
        let shape = shape.into();
        let data = HostData::F32(vec![value; shape.count()]);
        Self { shape, data }
    }

    /// A tensor of type `ty` from the bytes a device holds (little-endian, whole 32-bit words); `None` on a wrong length.
    pub fn from_bytes(ty: &TensorType, bytes: &[u8]) -> Option<Self> {
        let words = bytes.chunks_exact(4).map(|b| [b[0], b[1], b[2], b[3]]);
        match ty.dtype {
            DType::F32 => Self::f32(ty.shape.clone(), words.map(f32::from_le_bytes).collect()),
            DType::U32 => Self::u32(ty.shape.clone(), words.map(u32::from_le_bytes).collect()),
            DType::F16 if bytes.len() as u64 == ty.bytes() => {
                let bits = bytes.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect();
                Some(Self { shape: ty.shape.clone(), data: HostData::F16(bits) })
            }
            DType::F16 => None,
        }
    }

    /// Shape and element type.
    pub fn ty(&self) -> TensorType {
        let dtype = match self.data {
            HostData::F32(_) => DType::F32,
            HostData::U32(_) => DType::U32,
            HostData::F16(_) => DType::F16,
        };
        TensorType { shape: self.shape.clone(), dtype }
    }

    /// The extents.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The elements.
    pub fn data(&self) -> &HostData {
        &self.data
    }

    /// The elements, when they are f32.
    pub fn as_f32(&self) -> Option<&[f32]> {
        match &self.data {
            HostData::F32(values) => Some(values),
            HostData::U32(_) | HostData::F16(_) => None,
        }
    }

    /// The elements as the bytes a device holds.
    pub fn bytes(&self) -> &[u8] {
        match &self.data {
            HostData::F32(values) => bytemuck::cast_slice(values),
            HostData::U32(values) => bytemuck::cast_slice(values),
            HostData::F16(bits) => bytemuck::cast_slice(bits),
        }
    }

    /// The elements as the f64 array that references compute with (exact for all element types).
    pub fn to_array(&self) -> Array {
        let values = match &self.data {
            HostData::F32(values) => values.iter().map(|&v| f64::from(v)).collect(),
            HostData::U32(values) => values.iter().map(|&v| f64::from(v)).collect(),
            HostData::F16(bits) => bits[..self.shape.count()].iter().map(|&b| f16::from_bits(b).to_f64()).collect(),
        };
        Array::new(self.shape.clone(), values)
    }
}
