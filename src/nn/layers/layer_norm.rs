//! Layer normalisation.

use crate::graph::{GraphError, Init, NodeId};
use crate::nn::{Layer, Net};

/// x `[…, features]`, normalised over the last axis, times `weight [features]` plus `bias [features]`; see
/// [`crate::graph::Graph::layer_norm`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerNorm {
    /// What keeps the divisor from zero.
    pub eps: f32,
}

impl Default for LayerNorm {
    /// PyTorch's eps, 1e-5.
    fn default() -> Self {
        Self { eps: 1e-5 }
    }
}

impl Layer for LayerNorm {
    fn build(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let Some(&features) = net.shape(x).last() else {
            return Err(net.error("layer_norm", &[x], "takes [..., features]"));
        };
        let weight = net.parameter("weight", &[features], Init::Fill(1.0))?;
        let bias = net.parameter("bias", &[features], Init::Fill(0.0))?;
        net.graph().layer_norm(x, weight, bias, self.eps)
    }
}
