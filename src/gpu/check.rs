//! The null device: holds a recording against the rules of WebGPU and of the engine, with no GPU.

use super::caps::Caps;
use std::collections::BTreeSet;

use super::recording::{Access, BufferId, BufferRole, Dispatch, Follow, Recording};

/// Checks every dispatch of `recording` against `caps`: bindings in bounds, aligned and of the kernel's number; no
/// buffer both read and written, no range written twice, in one dispatch; grids and workgroups within the limits; parameters
/// of the kernel's size; and no scratch buffer read before something wrote it.
///
/// A grid that follows a count is checked at its largest. As it may be empty, what it writes counts as written for those
/// alone that follow the same count, and that no sooner.
///
/// # Errors
/// One line per violation, naming the dispatch.
pub fn check(recording: &Recording, caps: &Caps) -> Result<(), Vec<String>> {
    let mut faults = Vec::new();
    let mut written = Written {
        always: recording.buffers.iter().map(|b| !matches!(b.role, BufferRole::Scratch | BufferRole::Output)).collect(),
        following: BTreeSet::new(),
    };
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

/// What has been written so far.
struct Written {
    /// By buffer, whatever the counts.
    always: Vec<bool>,
    /// Buffers with the count that their writer follows: its input and word, and where in it the writer begins.
    following: BTreeSet<(BufferId, BufferId, u64, u32)>,
}

impl Written {
    fn holds(&self, buffer: BufferId, reader: Option<Follow>) -> bool {
        self.always[buffer.0 as usize]
            || reader.is_some_and(|r| {
                let starts = (buffer, r.buffer, r.word, 0)..=(buffer, r.buffer, r.word, r.first);
                self.following.range(starts).next().is_some()
            })
    }

    fn add(&mut self, buffer: BufferId, writer: Option<Follow>) {
        if let Some(w) = writer {
            self.following.insert((buffer, w.buffer, w.word, w.first));
        } else if let Some(flag) = self.always.get_mut(buffer.0 as usize) {
            *flag = true;
        }
    }
}

fn check_follow(recording: &Recording, follow: &Follow, fault: &mut impl FnMut(String)) {
    match recording.buffers.get(follow.buffer.0 as usize) {
        Some(buffer) if buffer.role == BufferRole::Input && follow.word < buffer.bytes / 4 => {}
        _ => fault(format!("the grid follows word {} of b{}, which is no input's", follow.word, follow.buffer.0)),
    }
    if follow.axis > 2 || follow.per == 0 {
        fault(format!("the grid follows a count by {} along axis {}", follow.per, follow.axis));
    }
}

fn check_dispatch(
    recording: &Recording,
    dispatch: &Dispatch,
    caps: &Caps,
    written: &mut Written,
    fault: &mut impl FnMut(String),
) {
    let Some(pipeline) = recording.pipelines.get(dispatch.pipeline.0 as usize) else {
        return fault(format!("pipeline {} is not there", dispatch.pipeline.0));
    };
    if dispatch.bindings.len() != pipeline.bindings.len() {
        fault(format!("{} bindings for a kernel of {}", dispatch.bindings.len(), pipeline.bindings.len()));
    }
    let [uniform_count, storage_count] = pipeline.buffer_counts(caps);
    if storage_count > caps.storage_buffers {
        fault(format!("{storage_count} storage buffers, of {} allowed", caps.storage_buffers));
    }
    if uniform_count > caps.uniform_buffers {
        fault(format!("{uniform_count} uniform buffers, of {} allowed", caps.uniform_buffers));
    }
    if dispatch.params.len() != pipeline.params_bytes as usize {
        fault(format!("{} bytes of parameters for {}", dispatch.params.len(), pipeline.params_bytes));
    }
    if dispatch.grid.iter().any(|&n| n == 0 || n > caps.workgroups) {
        fault(format!("grid {:?}, of {} allowed a dimension", dispatch.grid, caps.workgroups));
    }
    if let Some(follow) = &dispatch.follow {
        check_follow(recording, follow, fault);
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
        if !access.writes() && !written.holds(binding.buffer, dispatch.follow) {
            fault(format!("b{} ({}) is read before it was written", binding.buffer.0, buffer.label));
        }
    }
    for (binding, access) in bound {
        if access.writes() {
            written.add(binding.buffer, dispatch.follow);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::{Binding, BufferSpec, PipelineId, PipelineSpec};

    /// Kernels that write buffer 1 and copy it to buffer 2, buffer 0 being an input of four words.
    fn recording(dispatches: &[(u32, Option<Follow>)]) -> Recording {
        let buffer = |role| BufferSpec { label: "b".into(), bytes: 16, role };
        let pipeline = |bindings: &[Access]| PipelineSpec {
            label: "kernel".into(),
            wgsl: "".into(),
            bindings: bindings.into(),
            params_bytes: 0,
            workgroup: [1; 3],
            checked: false,
        };
        let dispatch = |&(pipeline, follow): &(u32, Option<Follow>)| Dispatch {
            label: "node".into(),
            step: 0,
            pipeline: PipelineId(pipeline),
            bindings: (1..2 + pipeline).map(|b| Binding { buffer: BufferId(b), offset: 0, bytes: 16 }).collect(),
            params: Vec::new(),
            grid: [1; 3],
            follow,
            flops: 0,
        };
        Recording {
            buffers: vec![buffer(BufferRole::Input), buffer(BufferRole::Scratch), buffer(BufferRole::Output)],
            pipelines: vec![pipeline(&[Access::Write]), pipeline(&[Access::Read, Access::Write])],
            dispatches: dispatches.iter().map(dispatch).collect(),
            prologue: 0,
        }
    }

    #[test]
    fn what_may_be_left_out_has_written_for_its_like_alone() {
        let follow = |word, first| Some(Follow { buffer: BufferId(0), word, times: 1, first, per: 8, axis: 0 });
        let check = |dispatches: &[_]| check(&recording(dispatches), &Caps::webgpu_minimum());
        assert_eq!(check(&[(0, None), (1, follow(1, 0))]), Ok(()));
        assert_eq!(check(&[(0, follow(1, 0)), (1, follow(1, 8))]), Ok(()));
        for (writer, reader) in [(follow(1, 0), None), (follow(1, 0), follow(2, 0)), (follow(1, 8), follow(1, 0))] {
            let faults = check(&[(0, writer), (1, reader)]).unwrap_err();
            assert!(faults[0].contains("read before it was written"), "{faults:?}");
        }
        for (follow, words) in [
            (follow(4, 0), "follows word 4 of b0, which is no input's"),
            (follow(0, 0).map(|f| Follow { buffer: BufferId(2), ..f }), "word 0 of b2"),
            (follow(0, 0).map(|f| Follow { axis: 3, ..f }), "along axis 3"),
        ] {
            assert!(check(&[(0, follow)]).unwrap_err()[0].contains(words));
        }
    }
}
