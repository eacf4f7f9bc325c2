//! The null device: holds a recording against the rules of WebGPU and of the engine, with no GPU.

use super::caps::Caps;
use super::recording::{Access, BufferRole, Dispatch, Recording};

/// Checks every dispatch of `recording` against `caps`: bindings in bounds, aligned and of the kernel's number; no
/// buffer both read and written, no range written twice, in one dispatch; grids and workgroups within the limits; parameters
/// of the kernel's size; and no scratch buffer read before something wrote it.
///
/// # Errors
/// One line per violation, naming the dispatch.
pub fn check(recording: &Recording, caps: &Caps) -> Result<(), Vec<String>> {
    let mut faults = Vec::new();
    let mut written: Vec<bool> =
        recording.buffers.iter().map(|b| !matches!(b.role, BufferRole::Scratch | BufferRole::Output)).collect();
    for buffer in &recording.buffers {
        if buffer.bytes > caps.buffer_bytes {
            faults.push(format!("{}: {} bytes, of {} allowed", buffer.label, buffer.bytes, caps.buffer_bytes));
        }
    }
    for (index, dispatch) in recording.dispatches.iter().enumerate() {
        let mut fault = |why: String| faults.push(format!("dispatch {index} ({}): {why}", dispatch.label));
        check_dispatch(recording, dispatch, caps, &mut written, &mut fault);
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn check_dispatch(
    recording: &Recording,
    dispatch: &Dispatch,
    caps: &Caps,
    written: &mut [bool],
    fault: &mut impl FnMut(String),
) {
    let Some(pipeline) = recording.pipelines.get(dispatch.pipeline.0 as usize) else {
        return fault(format!("pipeline {} is not there", dispatch.pipeline.0));
    };
    if dispatch.bindings.len() != pipeline.bindings.len() {
        fault(format!("{} bindings for a kernel of {}", dispatch.bindings.len(), pipeline.bindings.len()));
    }
    let storage_count = pipeline.bindings.iter().filter(|&&access| access != Access::Uniform).count();
    if storage_count > caps.storage_buffers {
        fault(format!("{storage_count} storage buffers, of {} allowed", caps.storage_buffers));
    }
    if dispatch.params.len() != pipeline.params_bytes as usize {
        fault(format!("{} bytes of parameters for {}", dispatch.params.len(), pipeline.params_bytes));
    }
    if dispatch.grid.iter().any(|&n| n == 0 || n > caps.workgroups) {
        fault(format!("grid {:?}, of {} allowed a dimension", dispatch.grid, caps.workgroups));
    }
    if pipeline.workgroup.iter().product::<u32>() > caps.invocations {
        fault(format!("workgroup {:?}, of {} invocations allowed", pipeline.workgroup, caps.invocations));
    }
    let bound: Vec<_> = dispatch.bindings.iter().zip(pipeline.bindings.iter()).collect();
    for (i, (binding, access)) in bound.iter().enumerate() {
        let Some(buffer) = recording.buffers.get(binding.buffer.0 as usize) else {
            fault(format!("buffer b{} is not there", binding.buffer.0));
            continue;
        };
        if binding.bytes == 0 || binding.offset + binding.bytes > buffer.bytes {
            let end = binding.offset + binding.bytes;
            fault(format!("binding {i}: bytes {} to {end} of {} in {}", binding.offset, buffer.bytes, buffer.label));
        }
        let (limit, alignment) = match access {
            Access::Uniform => (caps.uniform_bytes, caps.uniform_alignment),
            Access::Read | Access::Write | Access::ReadWrite => (caps.binding_bytes, caps.storage_alignment),
        };
        if binding.bytes > limit {
            fault(format!("binding {i}: {} bytes, of {limit} allowed", binding.bytes));
        }
        if !binding.offset.is_multiple_of(alignment) {
            fault(format!("binding {i}: offset {} is not aligned to {alignment}", binding.offset));
        }
        for (other, other_access) in bound[..i].iter().filter(|(other, _)| other.buffer == binding.buffer) {
            let (end, other_end) = (binding.offset + binding.bytes, other.offset + other.bytes);
            match (access.writes(), other_access.writes()) {
                // wgpu says nothing of two writers of one range.
                (true, true) if binding.offset < other_end && other.offset < end => {
                    fault(format!("b{} is bound for writing twice, in ranges that overlap", binding.buffer.0));
                }
                (true, true) | (false, false) => {}
                _ => fault(format!("b{} is bound for reading and for writing", binding.buffer.0)),
            }
        }
        // A kernel that updates in place may have a parameter by which it begins anew.
        if !access.writes() && !written[binding.buffer.0 as usize] {
            fault(format!("b{} ({}) is read before it was written", binding.buffer.0, buffer.label));
        }
    }
    for (binding, access) in bound {
        if access.writes()
            && let Some(flag) = written.get_mut(binding.buffer.0 as usize)
        {
            *flag = true;
        }
    }
}
