//! Nodes, variables and banks.

use std::sync::Arc;

use super::op::Op;
use crate::tensor::random::Random;
use crate::tensor::{HostTensor, TensorType};

/// A node of a graph; nodes are numbered so that inputs come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

/// A variable of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VariableId(pub u32);

/// A bank of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BankId(pub u32);

/// What makes a node's value.
#[derive(Clone, Debug)]
pub enum Kind {
    /// The host, before a run.
    Input(String),
    /// A persistent variable's value before this run's effects.
    Variable(VariableId),
    /// A whole bank, as one flat tensor.
    Bank(BankId),
    /// The same number everywhere.
    Scalar(f32),
    /// Fixed values.
    Constant(Arc<HostTensor>),
    /// An op over other nodes.
    Op(Arc<dyn Op>),
}

/// A value to be.
#[derive(Clone, Debug)]
pub struct Node {
    /// What makes it.
    pub kind: Kind,
    /// The op's inputs.
    pub inputs: Vec<NodeId>,
    /// Shape and element type. An effect has shape `[0]`.
    pub ty: TensorType,
    /// The layer it belongs to.
    pub path: String,
}

impl Node {
    /// The op, if one makes this node.
    pub fn op(&self) -> Option<&dyn Op> {
        match &self.kind {
            Kind::Op(op) => Some(op.as_ref()),
            _ => None,
        }
    }

    /// Whether this node changes variables instead of having a value.
    pub fn is_effect(&self) -> bool {
        self.op().is_some_and(|op| !op.mutates().is_empty())
    }
}

/// How a variable starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// One value everywhere.
    Fill(f32),
    /// Uniform in `[-bound, bound)`.
    Uniform(f32),
    /// Normal with mean 0 and this standard deviation.
    Normal(f32),
    /// Of a matrix `[n · columns, columns]`: n identities one above another, times `scale`, plus what is uniform in `[-bound,
    /// bound)`.
    Identities {
        /// Rows and columns of an identity.
        columns: usize,
        /// What stands on the diagonals.
        scale: f32,
        /// Half the width of the noise.
        bound: f32,
    },
}

impl Init {
    /// The initial values of the variable numbered `stream`, of `count` elements, under `seed`.
    pub fn values(self, seed: u32, stream: u32, count: usize) -> Vec<f32> {
        let mut random = Random::new(seed, 0, stream);
        match self {
            Self::Fill(value) => vec![value; count],
            Self::Uniform(bound) => (0..count).map(|_| (2.0 * random.uniform() - 1.0) * bound).collect(),
            Self::Normal(deviation) => (0..count).map(|_| random.normal() * deviation).collect(),
            Self::Identities { columns, scale, bound } => (0..count)
                .map(|i| {
                    let diagonal = if i / columns % columns == i % columns { scale } else { 0.0 };
                    diagonal + (2.0 * random.uniform() - 1.0) * bound
                })
                .collect(),
        }
    }
}

/// A named persistent tensor inside a bank.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Its name, such as `layer1.conv.weight`.
    pub name: String,
    /// Shape and element type.
    pub ty: TensorType,
    /// The bank that holds it.
    pub bank: BankId,
    /// Its first element in the bank; a multiple of [`Bank::ALIGNMENT`].
    pub offset: usize,
    /// How it starts.
    pub init: Init,
}

/// A persistent buffer that holds variables one after another, so that one kernel can update them all. Gaps are zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bank {
    /// Its name, such as `parameters`; recordings of the same model share banks by name.
    pub name: String,
    /// Its length in elements.
    pub len: usize,
}

impl Bank {
    /// Elements between the starts that variables may have: 256 bytes, WebGPU's storage offset alignment.
    pub const ALIGNMENT: usize = 64;
    /// The longest bank: WebGPU's 128 MiB binding. A model larger than that has several, and a variable longer than that, which
    /// not every adapter binds, one of its own.
    pub const MAX_LEN: usize = (128 << 20) / 4;
}
