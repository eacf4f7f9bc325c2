//! What must hold of every graph, whoever built it.

use super::builder::Graph;
use super::node::Kind;
use crate::tensor::TensorType;

/// Checks that inputs come before users, every type is what its op infers, effects have no users and change variables
/// only, input names are unique, and variables lie inside their banks without overlap.
///
/// # Errors
/// One line a violation.
pub fn verify(graph: &Graph) -> Result<(), Vec<String>> {
    let mut faults = Vec::new();
    let mut names = Vec::new();
    for (id, node) in graph.ids().zip(graph.nodes()) {
        for &input in &node.inputs {
            if input >= id {
                faults.push(format!("node {} uses node {}, which comes later", id.0, input.0));
            } else if graph.node(input).is_effect() {
                faults.push(format!("node {} uses effect {}", id.0, input.0));
            }
        }
        match &node.kind {
            Kind::Input(name) if names.contains(&name) => faults.push(format!("two inputs are called {name}")),
            Kind::Input(name) => names.push(name),
            Kind::Op(op) => {
                let types: Vec<TensorType> = node.inputs.iter().map(|&i| graph.ty(i).clone()).collect();
                if op.infer(&types).as_ref() != Ok(&node.ty) {
                    faults.push(format!("node {} ({}) is not of the type {} that it says", id.0, op.name(), node.ty));
                }
                for &i in op.mutates() {
                    if !matches!(graph.node(node.inputs[i]).kind, Kind::Variable(_) | Kind::Bank(_)) {
                        faults.push(format!("node {} ({}) changes input {i}, not a variable", id.0, op.name()));
                    }
                }
            }
            _ => {}
        }
    }
    let mut ends = vec![0; graph.banks().len()];
    for variable in graph.variables() {
        let end = &mut ends[variable.bank.0 as usize];
        if variable.offset < *end {
            faults.push(format!("variable {} overlaps the one before it", variable.name));
        }
        *end = variable.offset + variable.ty.count();
    }
    for (bank, end) in graph.banks().iter().zip(ends) {
        if end > bank.len {
            faults.push(format!("bank {} is shorter than its variables", bank.name));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}
