//! Girih: a deep-learning engine whose every kernel is a WGSL compute shader, on wgpu.
//!
//! [`nn`] builds a [`graph`], [`autodiff`] adds gradients to it, [`plan`] lowers it to a recording of kernels of
//! [`ops`], and [`gpu`] plays that into an encoder, the caller's own where wanted. [`train`] puts it all together for
//! image classifiers; [`bench`](mod@bench) measures. The README shows both ways; ARCHITECTURE.md tells how the house is built.

pub mod autodiff;
#[cfg(not(target_arch = "wasm32"))]
pub mod bench;
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

/// The README's code blocks, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
