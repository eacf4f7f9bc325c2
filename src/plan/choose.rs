//! Which of an op's strategies is taken.

use super::PlanOptions;
use super::tuning::key;
use crate::gpu::Caps;
use crate::graph::{Lowering, Op};
use crate::kernel::{Candidates, KernelError, Module, Offer};

/// Whether a kernel fits the device's workgroup limits, which wgpu checks only in part.
pub(super) fn fits(module: &Module, caps: &Caps) -> bool {
    let [uniform_count, storage_count] = module.spec.buffer_counts(caps);
    module.workgroup_bytes <= caps.workgroup_bytes
        && module.spec.workgroup.iter().product::<u32>() <= caps.invocations
        && storage_count <= caps.storage_buffers
        && uniform_count <= caps.uniform_buffers
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
