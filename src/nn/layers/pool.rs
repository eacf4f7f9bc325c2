//! Pooling.

use crate::graph::{GraphError, NodeId};
use crate::nn::{Layer, Net};
use crate::ops::pool::Pool2d;

/// x `[N, C, H, W]` → `[N, C, H', W']`: the largest element of each window.
#[derive(Clone, Debug, PartialEq)]
pub struct MaxPool2d(pub Pool2d);

impl MaxPool2d {
    /// Windows side by side, without padding.
    pub fn new(kernel: [usize; 2]) -> Self {
        Self(Pool2d::new(kernel))
    }
}

impl Layer for MaxPool2d {
    fn build(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        net.graph().max_pool2d(x, &self.0)
    }

    fn is_max_pool(&self) -> bool {
        true
    }
}

/// x `[N, C, H, W]` → `[N, C, H', W']`: the mean of each window.
#[derive(Clone, Debug, PartialEq)]
pub struct AvgPool2d {
    /// The windows.
    pub pool: Pool2d,
    /// Whether padding counts as zeros.
    pub count_include_pad: bool,
}

impl AvgPool2d {
    /// Windows side by side, without padding.
    pub fn new(kernel: [usize; 2]) -> Self {
        Self { pool: Pool2d::new(kernel), count_include_pad: true }
    }
}

impl Layer for AvgPool2d {
    fn build(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        net.graph().avg_pool2d(x, &self.pool, self.count_include_pad)
    }
}

/// x `[N, C, H, W]` → `[N, C, 1, 1]`: the largest element of each channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GlobalMaxPool;

impl Layer for GlobalMaxPool {
    fn build(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        net.graph().global_max_pool2d(x)
    }

    fn is_max_pool(&self) -> bool {
        true
    }
}

/// x `[N, C, H, W]` → `[N, C, 1, 1]`: the mean of each channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GlobalAvgPool;

impl Layer for GlobalAvgPool {
    fn build(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        net.graph().global_avg_pool2d(x)
    }
}
