//! Models of text: learning from a text by truncated back-propagation through time, and writing.

mod task;
mod writer;

pub use task::TextTask;
pub use writer::{Sampling, Writer};
