//! Models of sequences: of text, character by character, and classifiers of series.

use crate::graph::{GraphError, NodeId};
use crate::nn::{Dropout, Layer, Linear, Net, Recurrent, Sequence};
use crate::ops::recurrent::{Cell, States};

/// A model of text: each character, one-hot, through recurrent layers to the scores of the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CharModel {
    /// What happens in a step.
    pub cell: Cell,
    /// Characters it knows.
    pub characters: usize,
    /// Units of a layer.
    pub hidden: usize,
    /// Recurrent layers.
    pub layers: usize,
    /// What is dropped between the layers, and before the scores, in training.
    pub dropout: f32,
}

impl CharModel {
    fn recurrent(&self) -> Recurrent {
        Recurrent::new(self.cell, self.hidden).layers(self.layers).dropout(self.dropout)
    }

    /// The state a text is at, of all layers, for `batch` texts: zeros at first, then what is
    /// [assigned](crate::graph::Graph::assign).
    ///
    /// # Errors
    /// When the graph has variables of these names already.
    pub fn state(&self, net: &mut Net<'_>, batch: usize) -> Result<Vec<States>, GraphError> {
        (0..self.layers)
            .map(|layer| {
                let h = net.state(&format!("h_l{layer}"), &[batch, self.hidden])?;
                let c = match self.cell.has_cell_state() {
                    true => Some(net.state(&format!("c_l{layer}"), &[batch, self.hidden])?),
                    false => None,
                };
                Ok(States { h, c })
            })
            .collect()
    }

    /// Character numbers `[T·B]`, step by step, of texts that are at the states `initial` → logits
    /// `[T·B, characters]`, and the states after the last step.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn build(
        &self,
        net: &mut Net<'_>,
        numbers: NodeId,
        batch: usize,
        initial: Vec<States>,
    ) -> Result<(NodeId, Vec<States>), GraphError> {
        let rows = net.shape(numbers).iter().product::<usize>();
        let x = net.graph().one_hot(numbers, self.characters)?;
        let x = net.graph().reshape(x, [rows / batch.max(1), batch, self.characters])?;
        let sequence = Sequence { lengths: None, initial };
        let unrolled = net.scoped("recurrent", |net| self.recurrent().unroll(net, x, &sequence))?;
        let y = net.graph().reshape(unrolled.output, [rows, self.hidden])?;
        let y = Dropout(self.dropout).build(net, y)?;
        let logits = net.scoped("head", |net| Linear::new(self.characters).build(net, y))?;
        Ok((logits, unrolled.last))
    }
}

/// A classifier of series: recurrent layers both ways, and on the states they end with a linear layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeriesClassifier {
    /// What happens in a step.
    pub cell: Cell,
    /// The number of classes.
    pub classes: usize,
    /// Units of a layer and direction.
    pub hidden: usize,
    /// Recurrent layers.
    pub layers: usize,
    /// What is dropped between the layers, and before the scores, in training.
    pub dropout: f32,
}

impl SeriesClassifier {
    /// Series f32 `[T, B, dimensions]` of `lengths` u32 `[B]` → logits `[B, classes]`.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn build(&self, net: &mut Net<'_>, series: NodeId, lengths: NodeId) -> Result<NodeId, GraphError> {
        let recurrent = Recurrent::new(self.cell, self.hidden).layers(self.layers).bidirectional(true);
        let recurrent = recurrent.dropout(self.dropout);
        let sequence = Sequence { lengths: Some(lengths), initial: Vec::new() };
        let unrolled = net.scoped("recurrent", |net| recurrent.unroll(net, series, &sequence))?;
        let ends: Vec<NodeId> = unrolled.last[unrolled.last.len() - 2..].iter().map(|states| states.h).collect();
        let y = net.graph().concat(&ends, 1)?;
        let y = Dropout(self.dropout).build(net, y)?;
        net.scoped("head", |net| Linear::new(self.classes).build(net, y))
    }
}
