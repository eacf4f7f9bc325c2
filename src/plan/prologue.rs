//! What depends on variables alone, such as packed weights: it need not run again until one of them changes.

use std::collections::BTreeSet;

use super::fuse::Step;
use super::place::Placed;
use crate::gpu::Access;
use crate::graph::{BankId, Graph, Kind, NodeId};
use crate::kernel::{Module, Operand, Strategy};

/// The banks that `steps` change.
pub(super) fn changed_banks(graph: &Graph, steps: &[Step]) -> BTreeSet<BankId> {
    let mutated = steps.iter().flat_map(|step| step.op.mutates().iter().map(|&i| step.inputs[i]));
    mutated.filter_map(|node| bank(graph, node)).collect()
}

/// Whether a value is the same in every run until the host changes a variable.
pub(super) fn is_steady(graph: &Graph, placed: &Placed, changed: &BTreeSet<BankId>, node: NodeId) -> bool {
    let root = placed.location(node).root;
    match &graph.node(root).kind {
        Kind::Scalar(_) | Kind::Constant(_) => true,
        Kind::Input(_) | Kind::Op(_) => false,
        Kind::Variable(_) | Kind::Bank(_) => bank(graph, root).is_some_and(|bank| !changed.contains(&bank)),
    }
}

/// The bank that a variable, or a whole bank, lies in.
pub(super) fn bank(graph: &Graph, node: NodeId) -> Option<BankId> {
    match &graph.node(node).kind {
        Kind::Variable(id) => Some(graph.variables()[id.0 as usize].bank),
        Kind::Bank(id) => Some(*id),
        _ => None,
    }
}

/// Which calls of a strategy may run ahead: those that read steady inputs, or scratch that only such calls write, and
/// write only such scratch.
pub(super) fn ahead(strategy: &Strategy, modules: &[Module], steady: &[bool]) -> Vec<bool> {
    let mut ahead = vec![true; strategy.calls.len()];
    loop {
        let written_late = written_scratch(strategy, modules, |call| !ahead[call]);
        let next: Vec<bool> = calls(strategy, modules)
            .map(|mut bound| {
                bound.all(|(operand, access)| match operand {
                    Operand::Input(i) => !access.writes() && steady.get(i).copied().unwrap_or(false),
                    Operand::Scratch(i) => !written_late.contains(&i),
                    Operand::Output => false,
                })
            })
            .collect();
        if next == ahead {
            return ahead;
        }
        ahead = next;
    }
}

/// The operands of each call, with how they are used.
fn calls<'a>(
    strategy: &'a Strategy,
    modules: &'a [Module],
) -> impl Iterator<Item = impl Iterator<Item = (Operand, Access)> + 'a> + 'a {
    strategy.calls.iter().zip(modules).map(|(call, module)| {
        call.operands.iter().zip(module.spec.bindings.iter()).map(|(bound, access)| (bound.operand, *access))
    })
}

/// The scratch buffers that the calls `which` picks by number write.
pub(super) fn written_scratch(
    strategy: &Strategy,
    modules: &[Module],
    which: impl Fn(usize) -> bool,
) -> BTreeSet<usize> {
    let picked = calls(strategy, modules).enumerate().filter(|(call, _)| which(*call)).flat_map(|(_, bound)| bound);
    picked
        .filter_map(|(operand, access)| match operand {
            Operand::Scratch(i) if access.writes() => Some(i),
            _ => None,
        })
        .collect()
}
