//! The layers.

mod activation;
mod batch_norm;
mod container;
mod conv2d;
mod dropout;
mod embedding;
mod layer_norm;
mod linear;
mod pool;
mod recurrent;
mod scale;

pub use activation::Activation;
pub use batch_norm::BatchNorm2d;
pub use container::{Flatten, Residual, Sequential};
pub use conv2d::Conv2d;
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use pool::{AvgPool2d, GlobalAvgPool, GlobalMaxPool, MaxPool2d};
pub use recurrent::{Recurrent, Sequence, Unrolled};
pub use scale::Scale;
