//! Girih: a deep-learning engine whose every kernel is a WGSL compute shader, on wgpu.

pub mod autodiff;
pub mod data;
mod error;
pub mod gpu;
pub mod graph;
pub mod kernel;
pub mod nn;
pub mod ops;
pub mod optim;
pub mod plan;
pub mod tensor;
pub mod train;

pub use error::Error;
