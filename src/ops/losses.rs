//! Losses and metrics that are compositions of other ops.

use crate::graph::{Graph, GraphError, NodeId};

impl Graph {
    /// The mean squared error, `[]`: the mean of `(x − target)²` over all elements.
    ///
    /// # Errors
    /// When the shapes do not broadcast.
    pub fn mse(&mut self, x: NodeId, target: NodeId) -> Result<NodeId, GraphError> {
        let difference = self.sub(x, target)?;
        let square = self.square(difference)?;
        self.mean_of_all(square)
    }

    /// The binary cross-entropy of each element of `target` (probabilities in `[0, 1]`) under `σ(x)`:
    /// `log(1 + eˣ) − x · target`, which overflows nowhere.
    ///
    /// # Errors
    /// When the shapes do not broadcast.
    pub fn bce_with_logits_elements(&mut self, x: NodeId, target: NodeId) -> Result<NodeId, GraphError> {
        let all = self.softplus(x)?;
        let claimed = self.mul(x, target)?;
        self.sub(all, claimed)
    }

    /// The mean `[]` of [`Graph::bce_with_logits_elements`] over all elements.
    ///
    /// # Errors
    /// When the shapes do not broadcast.
    pub fn bce_with_logits(&mut self, x: NodeId, target: NodeId) -> Result<NodeId, GraphError> {
        let loss = self.bce_with_logits_elements(x, target)?;
        self.mean_of_all(loss)
    }

    /// How many rows of `logits` `[n, classes]` are largest where `labels` (u32 `[n]`) say, f32 `[]`. Rows with an
    /// ignored label never are.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn correct(&mut self, logits: NodeId, labels: NodeId) -> Result<NodeId, GraphError> {
        if self.ty(logits).shape.rank() != 2 || self.ty(logits).shape[..1] != self.ty(labels).shape[..] {
            return Err(self.error("correct", &[logits, labels], "logits [n, classes] and labels [n] wanted"));
        }
        let guess = self.arg_max(logits, 1)?;
        let hit = self.equal(guess, labels)?;
        self.sum(hit, &[0], false)
    }

    fn mean_of_all(&mut self, x: NodeId) -> Result<NodeId, GraphError> {
        let axes: Vec<usize> = (0..self.ty(x).shape.rank()).collect();
        self.mean(x, &axes, false)
    }
}
