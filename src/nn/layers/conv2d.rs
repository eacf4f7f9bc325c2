//! The 2-D convolution.

use super::linear::bias_init;
use crate::graph::{GraphError, NodeId};
use crate::nn::init::Initializer;
use crate::nn::{Layer, Net};
use crate::ops::conv2d;

/// x `[N, in, H, W]` → `[N, out, H', W']`. Parameters `weight [out, in / groups, kernel…]` and `bias [out]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv2d {
    out_channels: usize,
    kernel: [usize; 2],
    options: conv2d::Conv2d,
    bias: bool,
    weight: Initializer,
}

impl Conv2d {
    /// Of stride 1, without padding, with a bias, initialised as PyTorch does.
    pub fn new(out_channels: usize, kernel: [usize; 2]) -> Self {
        let options = conv2d::Conv2d::default();
        Self { out_channels, kernel, options, bias: true, weight: Initializer::Default }
    }

    /// Sets the stride in rows and columns.
    #[must_use]
    pub fn stride(mut self, stride: [usize; 2]) -> Self {
        self.options.stride = stride;
        self
    }

    /// Sets the padding in rows and columns: top, left, bottom, right.
    #[must_use]
    pub fn padding(mut self, padding: [usize; 4]) -> Self {
        self.options.padding = padding;
        self
    }

    /// Sets the dilation in rows and columns.
    #[must_use]
    pub fn dilation(mut self, dilation: [usize; 2]) -> Self {
        self.options.dilation = dilation;
        self
    }

    /// Sets the groups; as many as input channels make it depthwise.
    #[must_use]
    pub fn groups(mut self, groups: usize) -> Self {
        self.options.groups = groups;
        self
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

impl Conv2d {
    /// The input's channels checked, and the parameters made.
    fn parameters(&self, net: &mut Net<'_>, x: NodeId) -> Result<(NodeId, Option<NodeId>), GraphError> {
        let &[_, channels, _, _] = net.shape(x).as_slice() else {
            return Err(net.error("conv2d", &[x], "takes [N, C, H, W]"));
        };
        let groups = self.options.groups;
        if groups == 0 || !channels.is_multiple_of(groups) {
            return Err(net.error("conv2d", &[x], &format!("{channels} channels do not fall into {groups} groups")));
        }
        let shape = [self.out_channels, channels / groups, self.kernel[0], self.kernel[1]];
        let weight = net.parameter("weight", &shape, self.weight.init(&shape))?;
        let bias = match self.bias {
            true => Some(net.parameter("bias", &[self.out_channels], bias_init(&shape))?),
            false => None,
        };
        Ok((weight, bias))
    }
}

impl Layer for Conv2d {
    fn build(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let (weight, bias) = self.parameters(net, x)?;
        net.graph().conv2d(x, weight, bias, &self.options)
    }

    fn build_without_bias(&self, net: &mut Net<'_>, x: NodeId) -> Result<(NodeId, Option<NodeId>), GraphError> {
        let (weight, bias) = self.parameters(net, x)?;
        Ok((net.graph().conv2d(x, weight, None, &self.options)?, bias))
    }
}
