//! Rows by number.

use crate::graph::{GraphError, Init, NodeId};
use crate::nn::{Layer, Net};

/// Numbers u32 `[…]` → f32 `[…, features]`: for each its row of the parameter `weight [rows, features]`, which starts
/// normal with deviation 1, as PyTorch's. A number past the end gives zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Embedding {
    rows: usize,
    features: usize,
}

impl Embedding {
    /// `rows` rows of `features`.
    pub fn new(rows: usize, features: usize) -> Self {
        Self { rows, features }
    }
}

impl Layer for Embedding {
    fn build(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let mut shape = net.shape(x);
        let count = shape.iter().product::<usize>();
        let weight = net.parameter("weight", &[self.rows, self.features], Init::Normal(1.0))?;
        let numbers = net.graph().reshape(x, [count])?;
        let rows = net.graph().gather(weight, numbers)?;
        shape.push(self.features);
        net.graph().reshape(rows, shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autodiff::gradients;
    use crate::graph::{Feeds, Graph, evaluate};
    use crate::nn::{LayerNorm, PARAMETERS};
    use crate::tensor::{Array, TensorType};

    #[test]
    fn rows_are_found_and_learn() {
        let mut graph = Graph::new();
        let x = graph.input("x", TensorType::u32([2, 2]));
        let y = Embedding::new(3, 2).build(&mut Net::eval(&mut graph), x).unwrap();
        let squares = graph.square(y).unwrap();
        let loss = graph.sum(squares, &[0, 1, 2], false).unwrap();
        let weight = Net::variables_of(&graph, PARAMETERS)[0];
        let gradient = gradients(&mut graph, loss, &[weight]).unwrap()[0].unwrap();
        let rows = Array::new([3, 2], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let numbers = Array::new([2, 2], vec![2.0, 0.0, 2.0, 7.0]);
        let values = evaluate(&graph, &mut Feeds::from([(weight, rows), (x, numbers)]));
        assert_eq!(values[y.0 as usize].values, [5.0, 6.0, 1.0, 2.0, 5.0, 6.0, 0.0, 0.0]);
        assert_eq!(values[gradient.0 as usize].values, [2.0, 4.0, 0.0, 0.0, 20.0, 24.0]);
    }

    #[test]
    fn layer_norm_refuses_what_does_not_fit() {
        let mut graph = Graph::new();
        let scalar = graph.input("x", TensorType::f32([]));
        let error = LayerNorm::default().build(&mut Net::eval(&mut graph), scalar).unwrap_err().to_string();
        assert!(error.contains("[..., features]"), "{error}");
    }
}
