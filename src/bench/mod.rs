//! Measuring: what an adapter can do ([`peaks`]), how near each strategy of an op comes to that ([`measure`]), and what a
//! model ([`model`]) or a recurrent layer ([`recurrent`]) does. Plain values in, plain values out; the `girih bench`
//! command reads and shows them.
//!
//! Results are checked against f64 before they are timed. Times are medians over rounds in which all strategies take
//! turns, by the device's clock where it has one ([`Timer`](crate::gpu::Timer)).

mod case;
mod check;
mod custom;
mod error_map;
mod measure;
mod microkernel;
pub mod model;
mod peak;
mod problems;
mod profile;
pub mod recurrent;
mod spread;
pub mod trees;

pub use case::BenchCase;
pub use check::Wrong;
pub use error_map::ErrorMap;
pub use measure::{CaseReport, Outcome, Settings, Timing, measure, strategies};
pub use microkernel::kernels;
pub use peak::{Effort, Peak, Roofline, Unit, peaks};
pub use problems::{
    BatchNormPass, Convolution, ConvolutionPass, CrossEntropyPass, GatherPass, Pooling, PoolingPass, Product,
    Recurrence, RecurrencePass, SoftmaxPass, batch_norm, convolution, cross_entropy, dropout, gather, pointwise,
    pooling, product, recurrence, reduction, softmax, transpose,
};
pub use profile::{Profile, ProfileRow};
pub use spread::Spread;
