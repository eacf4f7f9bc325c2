//! Reverse-mode differentiation: gradients are nodes of the same graph.

use crate::graph::{Graph, GraphError, NodeId, Vjp};

/// Adds the gradients of `loss` (summed over its elements) with respect to `with_respect_to`. A node the loss does not
/// depend on has no gradient.
///
/// # Errors
/// When an op on the way has no gradient.
pub fn gradients(
    graph: &mut Graph,
    loss: NodeId,
    with_respect_to: &[NodeId],
) -> Result<Vec<Option<NodeId>>, GraphError> {
    let seed = graph.scalar(1.0);
    let shape = graph.ty(loss).shape.clone();
    let seed = if shape.rank() == 0 { seed } else { graph.expand(seed, &shape)? };
    gradients_from(graph, loss, seed, with_respect_to)
}

/// As [`gradients`], given the gradient of the output instead of ones.
///
/// # Errors
/// When an op on the way has no gradient.
pub fn gradients_from(
    graph: &mut Graph,
    output: NodeId,
    d_output: NodeId,
    with_respect_to: &[NodeId],
) -> Result<Vec<Option<NodeId>>, GraphError> {
    let count = output.0 as usize + 1;
    // Only nodes between the wanted ones and the output take part.
    let mut wanted = vec![false; count];
    for &node in with_respect_to {
        if let Some(flag) = wanted.get_mut(node.0 as usize) {
            *flag = true;
        }
    }
    for index in 0..count {
        wanted[index] |= graph.nodes()[index].inputs.iter().any(|i| wanted[i.0 as usize]);
    }
    let mut gradients: Vec<Option<NodeId>> = vec![None; count];
    gradients[output.0 as usize] = Some(d_output);
    for index in (0..count).rev().filter(|&i| wanted[i]).collect::<Vec<_>>() {
        let (Some(d_output), crate::graph::Kind::Op(op)) = (gradients[index], graph.nodes()[index].kind.clone()) else {
            continue;
        };
        let node = &graph.nodes()[index];
        let (inputs, path) = (node.inputs.clone(), node.path.clone());
        let flags: Vec<bool> = inputs.iter().map(|i| wanted[i.0 as usize]).collect();
        let output = NodeId(index as u32);
        let io = Vjp { name: op.name(), inputs: &inputs, output, d_output, wanted: &flags };
        let flowing = graph.at_path(&path, |graph| op.vjp(graph, &io))?;
        for ((input, gradient), wanted) in inputs.into_iter().zip(flowing).zip(flags) {
            let Some(gradient) = gradient.filter(|_| wanted) else { continue };
            let slot = input.0 as usize;
            gradients[slot] = Some(match gradients[slot] {
                None => gradient,
                Some(sum) => graph.at_path(&path, |graph| graph.add(sum, gradient))?,
            });
        }
    }
    Ok(with_respect_to.iter().map(|n| gradients.get(n.0 as usize).copied().flatten()).collect())
}
