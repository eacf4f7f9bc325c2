//! What does not fit.

use std::fmt;

use crate::tensor::TensorType;

/// Why inputs do not fit an op; the op's own words, with both shapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeError(pub String);

impl ShapeError {
    /// An error from a message.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// An op that cannot be added to a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphError {
    /// The layer's path, such as `layer1.conv`; empty at the root.
    pub path: String,
    /// The op.
    pub op: String,
    /// The types of its inputs.
    pub inputs: Vec<TensorType>,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for GraphError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "the graph" } else { &self.path };
        let inputs: Vec<String> = self.inputs.iter().map(ToString::to_string).collect();
        write!(f, "{path}: {} of {}: {}", self.op, inputs.join(" and "), self.why)
    }
}

impl std::error::Error for GraphError {}
