//! Which of an op's strategies is taken.

use super::PlanOptions;
use super::tuning::key;
use crate::gpu::Caps;
use crate::graph::{Lowering, Op};
use crate::kernel::{Candidates, KernelError, Module, Offer};

/// Which of the device's limits a kernel does not fit, if any; wgpu checks them only in part.
pub(super) fn misfit(module: &Module, caps: &Caps) -> Option<String> {
    let [uniform_count, storage_count] = module.spec.buffer_counts(caps);
    let invocations = module.spec.workgroup.iter().map(|&n| u64::from(n)).product();
    let needs = [
        ("bytes of workgroup memory", u64::from(module.workgroup_bytes), u64::from(caps.workgroup_bytes)),
        ("invocations a workgroup", invocations, u64::from(caps.invocations)),
        ("storage buffers", storage_count as u64, caps.storage_buffers as u64),
        ("uniform buffers", uniform_count as u64, caps.uniform_buffers as u64),
    ];
    let (what, needed, limit) = needs.into_iter().find(|(_, needed, limit)| needed > limit)?;
    Some(format!("it needs {needed} {what}, of which the adapter allows {limit}"))
}

/// Whether a kernel from outside computes a use of an op.
pub(super) fn is_taken(op: &dyn Op, l: &Lowering<'_>, options: &PlanOptions) -> Result<bool, KernelError> {
    for kernel in &options.kernels {
        if matches!(op.custom(kernel, l)?, Offer::Taken(_)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The strategies of a use of an op in the order they should be tried: kernels from outside, then the one that tuning
/// wants, then the op's own in its order. One that is wanted by name stands before all. Also what was wanted in vain.
pub(super) fn candidates(
    op: &dyn Op,
    l: &Lowering<'_>,
    steady: &[bool],
    options: &PlanOptions,
) -> Result<(Candidates, Option<String>), KernelError> {
    let mut candidates = Candidates::new();
    for kernel in &options.kernels {
        if let Offer::Taken(strategy) = op.custom(kernel, l)? {
            candidates.push(strategy);
        }
    }
    let custom_count = candidates.len();
    candidates.extend(op.lower(l));
    let Some(wanted) = options.tuning.wanted(op.name(), || key(op, l.inputs, steady)) else {
        return Ok((candidates, None));
    };
    let start = if options.tuning.spares_custom() { custom_count } else { 0 };
    let found = candidates[start..].iter().any(|strategy| strategy.name == wanted);
    candidates[start..].sort_by_key(|strategy| strategy.name != wanted);
    Ok((candidates, (!found).then_some(wanted)))
}
