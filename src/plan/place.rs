//! Where each value lies: which values share storage because one is a window of the other or is laid into it.

use std::collections::{BTreeMap, BTreeSet};

use super::fuse::{Step, input_types};
use super::prologue::{bank, changed_banks};
use crate::gpu::Caps;
use crate::graph::{Graph, Kind, NodeId, OpTypes};

/// Where a value lies within the storage of `root`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Location {
    /// The node whose storage it is.
    pub root: NodeId,
    /// The first element.
    pub offset: usize,
}

/// The locations of all values, and which steps need no dispatch.
#[derive(Clone, Debug, Default)]
pub(super) struct Placed {
    locations: BTreeMap<NodeId, Location>,
    /// For a step that lays its inputs one after another: which of them already lie there.
    pub in_place: BTreeMap<NodeId, Vec<bool>>,
    /// Steps whose output is a window of their input.
    pub views: Vec<NodeId>,
}

impl Placed {
    /// Where a value lies.
    pub fn location(&self, node: NodeId) -> Location {
        self.locations.get(&node).copied().unwrap_or(Location { root: node, offset: 0 })
    }
}

/// Places the values of `steps`. `targets` keep their own storage.
pub(super) fn place(graph: &Graph, steps: &[Step], targets: &[NodeId], caps: &Caps) -> Placed {
    // A value may be bound as storage or as a uniform window.
    let alignment = caps.storage_alignment.max(caps.uniform_alignment) as usize / 4;
    let mut placed = Placed::default();
    let changed = changed_banks(graph, steps);
    // What is read once effects have begun, or after them.
    let late: BTreeSet<NodeId> = steps
        .iter()
        .filter(|step| !step.op.mutates().is_empty())
        .flat_map(|step| step.inputs.iter().copied())
        .chain(targets.iter().copied())
        .collect();
    let mut use_counts: BTreeMap<NodeId, usize> = BTreeMap::new();
    for step in steps {
        let types = input_types(graph, step);
        let view = step.op.view(&OpTypes { inputs: &types, output: graph.ty(step.node) });
        if let (Some(offset), Some(&input)) = (view, step.inputs.first()) {
            let from = placed.location(input);
            let offset = from.offset + offset;
            // A number or a constant has no storage of its own kind to look into.
            let has_storage = !matches!(graph.node(from.root).kind, Kind::Scalar(_));
            // A view would show what the effects made of the variable.
            let turns = late.contains(&step.node) && bank(graph, from.root).is_some_and(|bank| changed.contains(&bank));
            if offset.is_multiple_of(alignment) && has_storage && !turns {
                placed.locations.insert(step.node, Location { root: from.root, offset });
                placed.views.push(step.node);
                continue;
            }
        }
        for &input in &step.inputs {
            *use_counts.entry(placed.location(input).root).or_default() += 1;
        }
    }
    for step in steps {
        let types = input_types(graph, step);
        let Some(offsets) = step.op.places(&OpTypes { inputs: &types, output: graph.ty(step.node) }) else { continue };
        let mut in_place = Vec::new();
        for (&input, offset) in step.inputs.iter().zip(offsets) {
            let from = placed.location(input);
            // Only a value that nothing else reads: its storage becomes part of one that other kernels write.
            let movable = from.offset == 0
                && graph.ty(from.root).count() == graph.ty(input).count()
                && use_counts.get(&from.root) == Some(&1)
                && steps.iter().any(|s| s.node == from.root)
                && !placed.in_place.contains_key(&from.root)
                && !targets.iter().any(|&t| placed.location(t).root == from.root)
                && offset.is_multiple_of(alignment);
            if movable {
                let aliases: Vec<NodeId> =
                    placed.locations.iter().filter(|(_, l)| l.root == from.root).map(|(&n, _)| n).collect();
                for node in aliases.into_iter().chain([from.root]) {
                    placed.locations.insert(node, Location { root: step.node, offset });
                }
            }
            in_place.push(movable);
        }
        placed.in_place.insert(step.node, in_place);
    }
    placed
}
