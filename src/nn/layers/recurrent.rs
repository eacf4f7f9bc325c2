//! Recurrent layers over sequences, of one or many layers and one or both directions.

use crate::graph::{GraphError, Init, NodeId};
use crate::nn::{Layer, Net};
use crate::ops::recurrent::{Cell, Recurrence, States, Walk};
use crate::tensor::HostTensor;

/// Layers of a recurrent cell: x f32 `[T, B, in]` → the hidden states of the last layer, `[T, B, D·hidden]`, D being the
/// number of directions; batch-first, the first two axes of both change places.
///
/// Parameters as PyTorch has them, for layer k: `weight_ih_lk [G·hidden, in]`, `weight_hh_lk [G·hidden, hidden]`,
/// `bias_ih_lk` and `bias_hh_lk [G·hidden]`, and the same with `_reverse` for the other direction; the G gates one after
/// another along the first axis: i, f, g, o in an LSTM, r, z, n in a GRU. From the second layer on, `in` is D·hidden.
#[derive(Clone, Debug, PartialEq)]
pub struct Recurrent {
    cell: Cell,
    hidden_size: usize,
    layers: usize,
    bidirectional: bool,
    bias: bool,
    dropout: f32,
    batch_first: bool,
}

/// What a recurrent layer is given and gives beside x.
#[derive(Clone, Debug, Default)]
pub struct Sequence {
    /// Steps of each sequence, u32 `[B]`, at most T: steps behind its last neither read nor learn and give 0. None: all
    /// have T. A length of 0 leaves the initial state as it is; one above T counts as T.
    pub lengths: Option<NodeId>,
    /// The states to begin with, one a layer and direction, the directions of a layer next to each other; empty: zeros.
    pub initial: Vec<States>,
}

/// What a recurrent layer gives.
#[derive(Clone, Debug)]
pub struct Unrolled {
    /// The hidden states of the last layer, `[T, B, D·hidden]` (batch-first `[B, T, …]`), 0 where a sequence has no step.
    pub output: NodeId,
    /// The states each layer and direction ends with, in the order of [`Sequence::initial`]: after a sequence's own last
    /// step; of a reverse direction, after its first.
    pub last: Vec<States>,
}

impl Recurrent {
    /// One layer of this cell, forwards, with biases.
    pub fn new(cell: Cell, hidden_size: usize) -> Self {
        Self { cell, hidden_size, layers: 1, bidirectional: false, bias: true, dropout: 0.0, batch_first: false }
    }

    /// [`Recurrent::new`] of a vanilla RNN with tanh.
    pub fn rnn(hidden_size: usize) -> Self {
        Self::new(Cell::RnnTanh, hidden_size)
    }

    /// [`Recurrent::new`] of an LSTM.
    pub fn lstm(hidden_size: usize) -> Self {
        Self::new(Cell::Lstm, hidden_size)
    }

    /// [`Recurrent::new`] of a GRU with PyTorch's convention.
    pub fn gru(hidden_size: usize) -> Self {
        Self::new(Cell::GruResetAfter, hidden_size)
    }

    /// Sets how many layers lie on one another.
    #[must_use]
    pub fn layers(mut self, layers: usize) -> Self {
        self.layers = layers;
        self
    }

    /// Sets whether each layer goes both ways.
    #[must_use]
    pub fn bidirectional(mut self, bidirectional: bool) -> Self {
        self.bidirectional = bidirectional;
        self
    }

    /// Sets whether there are biases.
    #[must_use]
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Sets the probability with which what one layer hands to the next is dropped in training, in `[0, 1)`.
    #[must_use]
    pub fn dropout(mut self, dropout: f32) -> Self {
        self.dropout = dropout;
        self
    }

    /// Sets whether x is `[B, T, in]`.
    #[must_use]
    pub fn batch_first(mut self, batch_first: bool) -> Self {
        self.batch_first = batch_first;
        self
    }

    /// The cell.
    pub fn cell(&self) -> Cell {
        self.cell
    }

    /// Units of a layer.
    pub fn hidden_size(&self) -> usize {
        self.hidden_size
    }

    /// Layers times directions: how many states there are.
    pub fn state_count(&self) -> usize {
        self.layers * self.directions()
    }

    fn directions(&self) -> usize {
        if self.bidirectional { 2 } else { 1 }
    }

    /// Builds the layers over `x`.
    ///
    /// # Errors
    /// When x has not three axes, or lengths or states do not fit it.
    pub fn unroll(&self, net: &mut Net<'_>, x: NodeId, sequence: &Sequence) -> Result<Unrolled, GraphError> {
        let mut x = x;
        if net.shape(x).len() != 3 || self.layers * self.hidden_size == 0 {
            return Err(net.error("recurrent", &[x], "takes [T, B, features], and has a layer and a unit or more"));
        }
        if self.batch_first {
            x = net.graph().transpose(x, &[1, 0, 2])?;
        }
        let shape = net.shape(x);
        let (steps, batch) = (shape[0], shape[1]);
        let initial = match sequence.initial.len() {
            0 => vec![self.zeros(net, batch)?; self.state_count()],
            count if count == self.state_count() => sequence.initial.clone(),
            count => {
                let why =
                    format!("takes {} initial states, one a layer and direction, not {count}", self.state_count());
                return Err(net.error("recurrent", &[x], &why));
            }
        };
        let mask = sequence.lengths.map(|lengths| mask(net, lengths, steps, batch)).transpose()?;
        if let Some(mask) = mask {
            // Whatever lies behind a sequence's end, its gradients are zeros: it must not make them something else.
            x = clear(net, x, mask)?;
        }
        let mut last = Vec::new();
        for layer in 0..self.layers {
            if let (true, Some(clock)) = (layer > 0, net.clock()) {
                x = net.graph().dropout(x, clock, self.dropout)?;
            }
            let mut outputs = Vec::new();
            for (direction, &states) in initial[layer * self.directions()..].iter().take(self.directions()).enumerate()
            {
                let walk = Walk { cell: self.cell, reverse: direction == 1, masked: mask.is_some() };
                let Recurrence { hidden, last: states } = self.direction(net, x, layer, walk, states, mask)?;
                outputs.push(hidden);
                last.push(states);
            }
            x = match outputs[..] {
                [one] => one,
                _ => net.graph().concat(&outputs, 2)?,
            };
            if let Some(mask) = mask {
                x = clear(net, x, mask)?;
            }
        }
        let output = if self.batch_first { net.graph().transpose(x, &[1, 0, 2])? } else { x };
        Ok(Unrolled { output, last })
    }

    /// One direction of one layer.
    fn direction(
        &self,
        net: &mut Net<'_>,
        x: NodeId,
        layer: usize,
        walk: Walk,
        initial: States,
        mask: Option<NodeId>,
    ) -> Result<Recurrence, GraphError> {
        let suffix = format!("l{layer}{}", if walk.reverse { "_reverse" } else { "" });
        let (hidden, rows) = (self.hidden_size, self.cell.gates() * self.hidden_size);
        // PyTorch's, for weights and biases alike.
        let init = Init::Uniform((1.0 / (hidden as f64).sqrt()) as f32);
        let features = net.shape(x)[2];
        let weight_ih = net.parameter(&format!("weight_ih_{suffix}"), &[rows, features], init)?;
        let weight_hh = net.parameter(&format!("weight_hh_{suffix}"), &[rows, hidden], init)?;
        let (mut input_bias, mut recurrent_bias) = (None, None);
        if self.bias {
            let bias_ih = net.parameter(&format!("bias_ih_{suffix}"), &[rows], init)?;
            let bias_hh = net.parameter(&format!("bias_hh_{suffix}"), &[rows], init)?;
            (input_bias, recurrent_bias) = match self.cell.has_recurrent_bias() {
                true => (Some(bias_ih), Some(bias_hh)),
                false => (Some(net.graph().add(bias_ih, bias_hh)?), None),
            };
        } else if self.cell.has_recurrent_bias() {
            recurrent_bias = Some(zeros(net, &[rows])?);
        }
        let graph = net.graph();
        let x = graph.linear(x, weight_ih, input_bias)?;
        graph.recurrent(walk, x, weight_hh, initial, recurrent_bias, mask)
    }

    fn zeros(&self, net: &mut Net<'_>, batch: usize) -> Result<States, GraphError> {
        let zeros = zeros(net, &[batch, self.hidden_size])?;
        Ok(States { h: zeros, c: self.cell.has_cell_state().then_some(zeros) })
    }
}

impl Layer for Recurrent {
    fn build(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        Ok(self.unroll(net, x, &Sequence::default())?.output)
    }
}

fn zeros(net: &mut Net<'_>, shape: &[usize]) -> Result<NodeId, GraphError> {
    Ok(net.graph().constant(HostTensor::full(shape, 0.0)))
}

/// u32 `[B]` → f32 `[T, B]`: 1 where a sequence has a step, else 0.
fn mask(net: &mut Net<'_>, lengths: NodeId, steps: usize, batch: usize) -> Result<NodeId, GraphError> {
    let graph = net.graph();
    if *graph.ty(lengths).shape != [batch] {
        return Err(graph.error("recurrent", &[lengths], &format!("lengths u32[{batch}] wanted, one a sequence")));
    }
    let numbers = HostTensor::u32([steps, 1], (0..steps as u32).collect());
    let numbers = numbers.ok_or_else(|| graph.error("recurrent", &[lengths], "too many steps to number"))?;
    let numbers = graph.constant(numbers);
    let lengths = graph.reshape(lengths, [1, batch])?;
    graph.greater(lengths, numbers)
}

/// `[T, B, …]` with zeros where the mask is 0.
fn clear(net: &mut Net<'_>, x: NodeId, mask: NodeId) -> Result<NodeId, GraphError> {
    let graph = net.graph();
    let [steps, batch] = [0, 1].map(|axis| graph.ty(mask).shape[axis]);
    let mask = graph.reshape(mask, [steps, batch, 1])?;
    let zero = graph.scalar(0.0);
    graph.select_by(mask, x, zero)
}
