//! The fully connected layer.

use crate::graph::{GraphError, Init, NodeId};
use crate::nn::init::{Initializer, fans};
use crate::nn::{Layer, Net};

/// x `[…, in]` → `[…, out]`: x · weightᵀ + bias. Parameters `weight [out, in]` and `bias [out]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    out_features: usize,
    bias: bool,
    weight: Initializer,
}

impl Linear {
    /// With a bias, initialised as PyTorch does.
    pub fn new(out_features: usize) -> Self {
        Self { out_features, bias: true, weight: Initializer::Default }
    }

    /// Sets whether there is a bias.
    #[must_use]
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Sets how the weight starts.
    #[must_use]
    pub fn weight(mut self, weight: Initializer) -> Self {
        self.weight = weight;
        self
    }
}

impl Layer for Linear {
    fn build(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let Some(&in_features) = net.shape(x).last() else {
            return Err(net.error("linear", &[x], "takes [..., features]"));
        };
        let shape = [self.out_features, in_features];
        let weight = net.parameter("weight", &shape, self.weight.init(&shape))?;
        let bias = match self.bias {
            true => Some(net.parameter("bias", &[self.out_features], bias_init(&shape))?),
            false => None,
        };
        net.graph().linear(x, weight, bias)
    }
}

/// PyTorch's default for the bias beside a weight of this shape.
pub(super) fn bias_init(weight: &[usize]) -> Init {
    Init::Uniform((1.0 / (fans(weight).0.max(1) as f64).sqrt()) as f32)
}
