//! Pure values: shapes, element types, host tensors, the f64 arrays of the references, and counter-based random numbers.

mod array;
mod host;
pub mod random;
mod shape;

pub use array::Array;
pub use host::{HostData, HostTensor};
pub use shape::{DType, Shape, TensorType};
