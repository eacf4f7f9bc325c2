//! Layer normalisation, a composition of other ops.

use crate::graph::{Graph, GraphError, NodeId};

impl Graph {
    /// `(x − mean) / √(variance + eps) · weight + bias` over the last axes of `x`, as many as `weight` and `bias`, of one
    /// shape, have; the variance is the biased one (Ba et al., *Layer Normalization*, 2016).
    ///
    /// # Errors
    /// When the last axes of `x` are not those of `weight` and `bias`.
    pub fn layer_norm(&mut self, x: NodeId, weight: NodeId, bias: NodeId, eps: f32) -> Result<NodeId, GraphError> {
        let [shape, of_weight, of_bias] = [x, weight, bias].map(|node| self.ty(node).shape.to_vec());
        let lead = shape.len().saturating_sub(of_weight.len());
        if of_weight != of_bias || of_weight.is_empty() || shape[lead..] != of_weight {
            let why = "weight and bias must have the shape of the last axes of x";
            return Err(self.error("layer_norm", &[x, weight, bias], why));
        }
        let axes: Vec<usize> = (lead..shape.len()).collect();
        let mean = self.mean(x, &axes, true)?;
        let centred = self.sub(x, mean)?;
        let squares = self.square(centred)?;
        let variance = self.mean(squares, &axes, true)?;
        let eps = self.scalar(eps);
        let variance = self.add(variance, eps)?;
        let scale = self.rsqrt(variance)?;
        let normal = self.mul(centred, scale)?;
        let weighted = self.mul(normal, weight)?;
        self.add(weighted, bias)
    }
}
