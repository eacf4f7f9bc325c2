//! Activations.

use crate::graph::{GraphError, NodeId};
use crate::nn::{Layer, Net};

/// An element-wise function; see the builders on [`crate::graph::Graph`] for the formulas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// max(x, 0).
    Relu,
    /// x where positive, else slope · x.
    LeakyRelu(f32),
    /// x where positive, else alpha · (eˣ − 1).
    Elu(f32),
    /// x · Φ(x).
    Gelu,
    /// GELU's tanh approximation.
    GeluTanh,
    /// x · σ(x).
    Silu,
    /// σ(x).
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// log(1 + eˣ).
    Softplus,
}

impl Layer for Activation {
    fn build(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let graph = net.graph();
        match *self {
            Self::Relu => graph.relu(x),
            Self::LeakyRelu(slope) => {
                let slope = graph.scalar(slope);
                graph.leaky_relu(x, slope)
            }
            Self::Elu(alpha) => {
                let alpha = graph.scalar(alpha);
                graph.elu(x, alpha)
            }
            Self::Gelu => graph.gelu(x),
            Self::GeluTanh => graph.gelu_tanh(x),
            Self::Silu => graph.silu(x),
            Self::Sigmoid => graph.sigmoid(x),
            Self::Tanh => graph.tanh(x),
            Self::Softplus => graph.softplus(x),
        }
    }

    fn is_monotone(&self) -> bool {
        *self == Self::Relu
    }
}
