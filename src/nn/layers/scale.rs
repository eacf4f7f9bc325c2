//! A constant factor.

use crate::graph::{GraphError, NodeId};
use crate::nn::{Layer, Net};

/// Every element times a constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale(pub f32);

impl Layer for Scale {
    fn build(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let factor = net.graph().scalar(self.0);
        net.graph().mul(x, factor)
    }
}
