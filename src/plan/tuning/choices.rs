//! What was measured on one adapter.

use std::collections::BTreeMap;

use crate::graph::Op;
use crate::tensor::TensorType;

/// By op and use, the strategy that was fastest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choices(BTreeMap<String, BTreeMap<String, Measured>>);

/// The fastest strategy of a use of an op, and the one that the op prefers by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The fastest.
    pub strategy: String,
    /// Seconds of a run of it.
    pub seconds: f64,
    /// The op's own preference.
    pub heuristic: String,
    /// Seconds of a run of that.
    pub heuristic_seconds: f64,
}

impl Measured {
    /// How much longer the op's own preference takes than the fastest, as a share of the fastest: 0 where it is that.
    pub fn gap(&self) -> f64 {
        self.heuristic_seconds / self.seconds - 1.0
    }
}

impl Choices {
    /// What is known of a use of `op`.
    pub fn get(&self, op: &str, key: &str) -> Option<&Measured> {
        self.0.get(op)?.get(key)
    }

    /// Notes what was measured.
    pub fn insert(&mut self, op: &str, key: &str, measured: Measured) {
        self.0.entry(op.to_owned()).or_default().insert(key.to_owned(), measured);
    }

    /// Takes over what `newer` knows.
    pub fn extend(&mut self, newer: Self) {
        for (op, uses) in newer.0 {
            self.0.entry(op).or_default().extend(uses);
        }
    }

    /// Op, use and what was measured, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &Measured)> {
        self.0
            .iter()
            .flat_map(|(op, uses)| uses.iter().map(move |(key, measured)| (op.as_str(), key.as_str(), measured)))
    }

    /// How many uses are known.
    pub fn len(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A use of an op in words: its attributes, what is fused behind it, and its inputs' types. Those that no run changes,
/// such as the weights of a network that does not learn, are marked: what is packed of them is packed once.
pub(in crate::plan) fn key(op: &dyn Op, inputs: &[TensorType], steady: &[bool]) -> String {
    let mark = |steady| if steady { "const " } else { "" };
    let inputs: Vec<String> = inputs.iter().zip(steady).map(|(ty, &steady)| format!("{}{ty}", mark(steady))).collect();
    format!("{op:?}: {}", inputs.join(", "))
}
