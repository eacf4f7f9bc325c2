//! Dropout.

use crate::graph::{GraphError, NodeId};
use crate::nn::{Layer, Net};

/// In training each element is 0 with this probability, in `[0, 1)`, and the others are scaled up to keep the mean; in
/// evaluation x itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout(pub f32);

impl Layer for Dropout {
    fn build(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        match net.clock() {
            Some(clock) => net.graph().dropout(x, clock, self.0),
            None => Ok(x),
        }
    }
}
