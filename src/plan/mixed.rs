//! Mixed precision: the operands of products become f16, by casts among the graph's nodes.
//!
//! Variables stay f32, and so does whatever is no product: losses, statistics, updates. What a product computes is f32
//! too, until another one reads it. The casts are element-wise, so that the fusion lays them at the end of the chain or of
//! the product that computes the value.

use std::collections::{BTreeMap, BTreeSet};

use super::choose::is_taken;
use super::{PlanError, PlanOptions};
use crate::gpu::Caps;
use crate::graph::{Graph, Kind, Lowering, NodeId, OpTypes};
use crate::tensor::{DType, TensorType};

/// `graph` with casts to f16 in front of every op that gains from them on a device with `caps`, and the new ids of all
/// nodes by their old ones.
pub(super) fn with_half_operands(
    graph: &Graph,
    targets: &[NodeId],
    caps: &Caps,
    options: &PlanOptions,
) -> Result<(Graph, Vec<NodeId>), PlanError> {
    let mut products = BTreeSet::new();
    for id in graph.ids() {
        if gains(graph, id, caps, options)? {
            products.insert(id);
        }
    }
    let stored = stored_in_half(graph, targets, &products);
    let mut copies: BTreeMap<NodeId, NodeId> = BTreeMap::new();
    let rebuilt = graph.rebuilt(|new, id, inputs| {
        let old = &graph.node(id).inputs;
        let (product, element_wise) = (products.contains(&id), is_element_wise(graph, id));
        old.iter()
            .zip(inputs)
            .map(|(from, to)| {
                let reads_copy = product || element_wise && stored.contains(from);
                if !reads_copy {
                    return Ok(to);
                }
                if let Some(&copy) = copies.get(from) {
                    return Ok(copy);
                }
                // Of the layer that makes the value.
                let copy = new.at_path(&graph.node(*from).path, |new| new.to_f16(to))?;
                copies.insert(*from, copy);
                Ok(copy)
            })
            .collect()
    });
    rebuilt.map_err(PlanError::Fusion)
}

/// Values of which only the f16 copy is stored: all that reads them are products, and element-wise ops, which then read
/// the copy too.
fn stored_in_half(graph: &Graph, targets: &[NodeId], products: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
    let computed = |id: &NodeId| matches!(graph.node(*id).kind, Kind::Op(_)) && !targets.contains(id);
    let operands = products.iter().flat_map(|&id| &graph.node(id).inputs).copied();
    let mut stored: BTreeSet<NodeId> = operands.filter(computed).collect();
    for id in graph.ids().filter(|&id| !products.contains(&id) && !is_element_wise(graph, id)) {
        for input in &graph.node(id).inputs {
            stored.remove(input);
        }
    }
    stored
}

/// Whether an op is better computed of f16. What a kernel from outside takes stays as it is.
fn gains(graph: &Graph, id: NodeId, caps: &Caps, options: &PlanOptions) -> Result<bool, PlanError> {
    let Kind::Op(op) = &graph.node(id).kind else { return Ok(false) };
    let inputs: Vec<TensorType> = graph.node(id).inputs.iter().map(|&input| graph.ty(input).clone()).collect();
    let output = graph.ty(id);
    let full = inputs.iter().all(|ty| ty.dtype == DType::F32);
    if !full || !op.gains_from_f16(&OpTypes { inputs: &inputs, output }, caps) {
        return Ok(false);
    }
    Ok(!is_taken(&**op, &Lowering { inputs: &inputs, output, caps, epilogue: None }, options)?)
}

fn is_element_wise(graph: &Graph, id: NodeId) -> bool {
    graph.node(id).op().is_some_and(|op| op.function().is_some())
}
