//! Clipping by the gradients' norm.

use crate::graph::{Graph, GraphError, NodeId};

impl Graph {
    /// The norm `[]` of all `gradients` together: the square root of the sum of their squares.
    ///
    /// # Errors
    /// When there are no gradients, or one is not f32.
    pub fn global_norm(&mut self, gradients: &[NodeId]) -> Result<NodeId, GraphError> {
        let mut sum = None;
        for &gradient in gradients {
            let axes: Vec<usize> = (0..self.ty(gradient).shape.rank()).collect();
            let squares = self.sum_squares(gradient, &axes, false)?;
            sum = Some(match sum {
                None => squares,
                Some(sum) => self.add(sum, squares)?,
            });
        }
        match sum {
            Some(sum) => self.sqrt(sum),
            None => Err(self.error("global_norm", &[], "of no gradients")),
        }
    }

    /// The factor `[]` by which all gradients are multiplied so that their norm (see [`Graph::global_norm`]) does not
    /// exceed `max_norm`: `min(1, max_norm / (norm + 1e-6))`, as `torch.nn.utils.clip_grad_norm_` has it
    /// (Pascanu et al., *On the difficulty of training recurrent neural networks*, 2013).
    ///
    /// # Errors
    /// When there are no gradients, one is not f32, or `max_norm` is not positive.
    pub fn clip_factor(&mut self, gradients: &[NodeId], max_norm: f32) -> Result<NodeId, GraphError> {
        let norm = self.global_norm(gradients)?;
        self.clip_factor_of(norm, max_norm)
    }

    /// [`Graph::clip_factor`] of gradients whose norm `[]` is known.
    ///
    /// # Errors
    /// When `max_norm` is not positive.
    pub fn clip_factor_of(&mut self, norm: NodeId, max_norm: f32) -> Result<NodeId, GraphError> {
        if !(max_norm > 0.0 && max_norm.is_finite()) {
            return Err(self.error("clip_factor", &[norm], &format!("a largest norm of {max_norm}")));
        }
        let [max_norm, eps, one] = [max_norm, 1e-6, 1.0].map(|value| self.scalar(value));
        let divisor = self.add(norm, eps)?;
        let factor = self.div(max_norm, divisor)?;
        self.minimum(one, factor)
    }
}
