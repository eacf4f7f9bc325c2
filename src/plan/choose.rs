//! Which of an op's strategies is taken.

use std::collections::BTreeMap;

use crate::gpu::{Access, Caps};
use crate::kernel::{Candidates, Module};

/// How a strategy is chosen among those that can run.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Choice {
    /// The op's own preference for the device and the shapes.
    #[default]
    Heuristic,
    /// By op name, the strategy of this name where the op has it; otherwise the op's own preference.
    Named(BTreeMap<String, String>),
}

/// Whether a kernel fits the device's workgroup limits, which wgpu checks only in part.
pub(super) fn fits(module: &Module, caps: &Caps) -> bool {
    module.workgroup_bytes <= caps.workgroup_bytes
        && module.spec.workgroup.iter().product::<u32>() <= caps.invocations
        && module.spec.bindings.iter().filter(|&&b| b != Access::Uniform).count() <= caps.storage_buffers
}

/// Candidates in the order they should be tried: with a wanted name, that one first.
pub(super) fn ordered(candidates: Candidates, choice: &Choice, op: &str) -> Candidates {
    let mut candidates = candidates;
    if let Choice::Named(names) = choice
        && let Some(wanted) = names.get(op)
    {
        candidates.sort_by_key(|s| s.name != *wanted);
    }
    candidates
}
