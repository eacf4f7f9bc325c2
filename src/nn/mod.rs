//! Layers and models: they build graphs, and know nothing of plans and devices.
//!
//! ```
//! use girih::graph::Graph;
//! use girih::nn::{Activation, Flatten, Layer, Linear, Net, Sequential};
//! use girih::tensor::TensorType;
//!
//! let layers = Sequential::new()
//!     .with("flatten", Flatten)
//!     .with("fc1", Linear::new(64))
//!     .with("relu", Activation::Relu)
//!     .with("fc2", Linear::new(10));
//! let mut graph = Graph::new();
//! let x = graph.input("x", TensorType::f32([32, 1, 28, 28]));
//! let logits = layers.build(&mut Net::eval(&mut graph), x)?;
//! assert_eq!(graph.ty(logits), &TensorType::f32([32, 10]));
//! assert_eq!(graph.variables()[0].name, "fc1.weight");
//! # Ok::<(), girih::graph::GraphError>(())
//! ```

pub mod init;
mod layers;
pub mod models;
mod net;
mod summary;

pub use init::Initializer;
pub use layers::{
    Activation, AvgPool2d, BatchNorm2d, Conv2d, Dropout, Embedding, Flatten, GlobalAvgPool, GlobalMaxPool, LayerNorm,
    Linear, MaxPool2d, Recurrent, Residual, Scale, Sequence, Sequential, Unrolled,
};
pub use net::{Layer, Mode, Net, PARAMETERS, STATE, STATISTICS};
pub use summary::{LayerRow, Summary, summary};
