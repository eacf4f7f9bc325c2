//! Classifiers of the nodes of trees.

use crate::graph::{GraphError, Init, NodeId};
use crate::nn::{Dropout, Initializer, Layer, Linear, Net};
use crate::ops::tree::Cell;
use crate::tensor::TensorType;

/// A recursive network over trees with words at their leaves, and a classifier at every node.
///
/// Parameters: `embedding.weight [vocabulary, embedding]`; of a Tree-LSTM `leaf.weight [3 · hidden, embedding]`;
/// `cell.weight` and `cell.bias` as [`Cell`] has them, a Tree-LSTM's leaves sharing the bias of i, o and u, and the tensor
/// cell's weight in two, W and V as `cell.weight [2H, H]` and `cell.tensor [2H, 2H · H]`; and
/// `out.weight [classes, hidden]`, `out.bias`.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeNet {
    /// The cell.
    pub cell: Cell,
    /// The most children of a node.
    pub arity: usize,
    /// Words, that which stands for unknown ones included.
    pub vocabulary: usize,
    /// Elements of a word vector; of the tensor cell, as many as of a state.
    pub embedding: usize,
    /// Elements of a state: a multiple of 4.
    pub hidden: usize,
    /// Classes of a node.
    pub classes: usize,
    /// How much of word vectors and states is dropped in training, in `[0, 1)`.
    pub dropout: f32,
}

/// The tables of a batch of trees, as [`crate::data::trees::Forest`] has them.
#[derive(Clone, Copy, Debug)]
pub struct TreeTables {
    /// u32 `[leaves]`.
    pub words: NodeId,
    /// u32 `[inner, arity]`.
    pub children: NodeId,
    /// u32 `[1 + levels, 2]`, an input of the graph.
    pub levels: NodeId,
}

impl TreeNet {
    /// Adds the network → logits `[leaves + inner, classes]`.
    ///
    /// # Errors
    /// When the tables are not of these shapes, or the extents do not fit the cell.
    pub fn build(&self, net: &mut Net<'_>, tables: &TreeTables) -> Result<NodeId, GraphError> {
        let dropout = Dropout(self.dropout);
        let vectors = net.scoped("embedding", |net| {
            let weight = net.parameter("weight", &[self.vocabulary, self.embedding], Init::Normal(0.1))?;
            net.graph().gather(weight, tables.words)
        })?;
        let vectors = if self.dropout > 0.0 { dropout.build(net, vectors)? } else { vectors };
        let shapes = self.cell.shapes(self.hidden, self.arity);
        let (weight, bias) = net.scoped("cell", |net| {
            let bias = net.parameter("bias", &[shapes.bias], Init::Fill(0.0))?;
            Ok::<_, GraphError>((self.cell_weight(net, shapes.weight)?, bias))
        })?;
        let leaves = if self.cell == Cell::Tensor { vectors } else { self.project(net, vectors, bias)? };
        let hidden = net
            .scoped("cell", |net| net.graph().tree(self.cell, leaves, weight, bias, tables.children, tables.levels))?;
        let hidden = if self.dropout > 0.0 { dropout.build(net, hidden)? } else { hidden };
        net.scoped("out", |net| Linear::new(self.classes).build(net, hidden))
    }

    /// The weight of a cell, which starts as that of a linear layer over as many inputs. Of the tensor cell, W starts near the
    /// mean of both children, so that what their words say reaches the root from the first step on, and V small, as each of
    /// its sums has 4H² terms: what saturates teaches nothing.
    fn cell_weight(&self, net: &mut Net<'_>, shape: [usize; 2]) -> Result<NodeId, GraphError> {
        let [inputs, columns] = shape;
        if self.cell != Cell::Tensor {
            return net.parameter("weight", &shape, Initializer::Default.init(&[1, inputs]));
        }
        let noise = 0.5 / (inputs as f32).sqrt();
        let init = Init::Identities { columns: self.hidden, scale: 0.5, bound: noise };
        let matrix = net.parameter("weight", &[inputs, self.hidden], init)?;
        let bound = 1.0 / inputs as f32;
        let tensor = net.parameter("tensor", &[inputs, columns - self.hidden], Init::Uniform(bound))?;
        net.graph().concat(&[matrix, tensor], 1)
    }

    /// The gates i, o, u of leaves.
    fn project(&self, net: &mut Net<'_>, vectors: NodeId, bias: NodeId) -> Result<NodeId, GraphError> {
        let shape = [3 * self.hidden, self.embedding];
        net.scoped("leaf", |net| {
            let weight = net.parameter("weight", &shape, Initializer::Default.init(&shape))?;
            let bias = net.graph().slice(bias, 0, 0, shape[0])?;
            net.graph().linear(vectors, weight, Some(bias))
        })
    }

    /// Adds the inputs `words`, `children` and `levels` for so many leaves, inner nodes and levels.
    pub fn tables(&self, net: &mut Net<'_>, leaves: usize, inner: usize, levels: usize) -> TreeTables {
        let graph = net.graph();
        TreeTables {
            words: graph.input("words", TensorType::u32([leaves])),
            children: graph.input("children", TensorType::u32([inner, self.arity])),
            levels: graph.input("levels", TensorType::u32([1 + levels, 2])),
        }
    }
}
