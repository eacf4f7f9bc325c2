//! Evaluating a graph in f64 with the ops' references: what plans are tested against.

use std::collections::BTreeMap;

use super::builder::Graph;
use super::node::{Kind, NodeId};
use crate::tensor::Array;

/// Values of leaves, by node.
pub type Feeds = BTreeMap<NodeId, Array>;

/// The values of all nodes, effects applied at the end in order. `feeds` must hold every input, variable and bank that
/// is used; after the call it holds what effects made of them.
///
/// # Panics
/// When a leaf has no feed: a defect of the test that calls it.
pub fn evaluate(graph: &Graph, feeds: &mut Feeds) -> Vec<Array> {
    let mut values: Vec<Array> = Vec::with_capacity(graph.nodes().len());
    for (id, node) in graph.ids().zip(graph.nodes()) {
        let value = match &node.kind {
            Kind::Scalar(value) => Array::full([], f64::from(*value)),
            Kind::Constant(value) => value.to_array(),
            Kind::Op(_) if node.is_effect() => Array::zeros([0]),
            Kind::Op(op) => {
                let inputs: Vec<&Array> = node.inputs.iter().map(|i| &values[i.0 as usize]).collect();
                op.reference(&inputs)
            }
            Kind::Input(_) | Kind::Variable(_) | Kind::Bank(_) => match feeds.get(&id) {
                Some(value) => value.clone(),
                None => panic!("node {} has no feed", id.0),
            },
        };
        values.push(value);
    }
    for &effect in graph.effects() {
        let node = graph.node(effect);
        let Some(op) = node.op() else { continue };
        let current = |id: &NodeId| feeds.get(id).unwrap_or(&values[id.0 as usize]).clone();
        let mut inputs: Vec<Array> = node.inputs.iter().map(current).collect();
        op.mutate(&mut inputs);
        for &i in op.mutates() {
            feeds.insert(node.inputs[i], inputs[i].clone());
        }
    }
    values
}
