//! Kernels that do one thing only, as much of it as the adapter can.

use std::fmt::Write as _;

use crate::Error;
use crate::gpu::{
    Binding, BufferId, BufferRole, BufferSpec, Caps, Device, Dispatch, PARAMS_BYTES, PipelineId, Playback, Recording,
};
use crate::kernel::{Kernel, KernelCall, Module, linear_grid, source};
use crate::ops::coop::matrices;
use crate::plan::PlanError;

/// No result of a microkernel equals this, and no compiler knows.
const NEVER: f32 = -1.25e30;
/// Turns of the arithmetic loops: long against what surrounds them, and below the 65,535 that Mesa 22.3 goes.
const TURNS: usize = 256;
/// Multiply-adds of each chain a turn.
const UNROLL: usize = 8;

/// The longest uniform binding that WebGPU promises.
const UNIFORM_BYTES: u64 = 64 << 10;

/// One dispatch of a kernel, with buffers of its own.
#[derive(Clone, Debug)]
pub(super) struct Microkernel {
    call: KernelCall,
    /// Bytes of each buffer, in the order of the bindings.
    buffers: Vec<u64>,
    /// What a run does: operations, or bytes.
    pub work: f64,
}

/// The type that arithmetic is done in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Float {
    F32,
    F16,
}

/// How memory is gone over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walk {
    Read,
    Write,
    Copy,
}

/// An operation of subgroups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subgroup {
    Add,
    Shuffle,
}

/// Invocations of a workgroup. Software adapters run them one vector after another: more are no use there.
fn workgroup(caps: &Caps) -> usize {
    if caps.is_software() { 64 } else { 256.min(caps.invocations as usize) }
}

/// Multiply-adds: `groups` workgroups of `chains` chains of vec4s an invocation.
pub(super) fn fma(float: Float, chains: usize, groups: usize, caps: &Caps) -> Microkernel {
    let (scalar, elem) = match float {
        Float::F32 => ("f32", "vec4<f32>"),
        Float::F16 => ("f16", "vec4<f16>"),
    };
    let mut code = String::from("fn chains(start: Elem, factor: Elem, shift: Elem) -> Elem {\n");
    let each = |code: &mut String, line: &dyn Fn(usize) -> String| {
        (0..chains).for_each(|i| {
            // Writing to a string cannot fail.
            let _ = writeln!(code, "{}", line(i));
        });
    };
    each(&mut code, &|i| format!("    var s{i} = start + Elem({}.0);", 4 * i));
    let _ = writeln!(code, "    for (var i = 0u; i < {TURNS}u; i++) {{");
    for _ in 0..UNROLL {
        each(&mut code, &|i| format!("        s{i} = fma(s{i}, factor, shift);"));
    }
    code.push_str("    }\n    var sum = Elem();\n");
    each(&mut code, &|i| format!("    sum += s{i};"));
    code.push_str("    return sum;\n}\n");
    let workgroup = workgroup(caps);
    let kernel = Kernel::new(source!("peak_fma"))
        .constant("Scalar", scalar)
        .constant("Elem", elem)
        .constant("WG", workgroup)
        .code(code);
    let call = KernelCall::new(kernel, linear_grid(groups, caps))
        .param("factor", 0.999)
        .param("shift", 0.001)
        .param("never", NEVER);
    let work = (groups * workgroup * TURNS * UNROLL * chains * 4 * 2) as f64;
    Microkernel { call, buffers: vec![4], work }
}

/// A walk over `bytes` bytes (a multiple of 16) of each buffer, `run` vec4s an invocation.
pub(super) fn walk(walk: Walk, bytes: u64, run: usize, caps: &Caps) -> Microkernel {
    let (source, buffers, moved) = match walk {
        Walk::Read => (source!("peak_read"), vec![bytes, 4], bytes),
        Walk::Write => (source!("peak_write"), vec![bytes], bytes),
        Walk::Copy => (source!("peak_copy"), vec![bytes, bytes], 2 * bytes),
    };
    let (workgroup, count) = (workgroup(caps), (bytes / 16) as usize);
    let kernel = Kernel::new(source).constant("WG", workgroup).constant("RUN", run);
    let call = KernelCall::new(kernel, linear_grid(count.div_ceil(workgroup * run), caps)).param("count", count);
    let call = match walk {
        Walk::Read => call.param("never", NEVER),
        Walk::Write => call.param("value", 1.0),
        Walk::Copy => call,
    };
    Microkernel { call, buffers, work: moved as f64 }
}

/// Small memory, read again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Near {
    Workgroup,
    Uniform,
}

/// Reads of small memory by `groups` workgroups.
pub(super) fn near(memory: Near, groups: usize, caps: &Caps) -> Microkernel {
    let (source, buffers) = match memory {
        Near::Workgroup => (source!("peak_workgroup"), vec![4]),
        Near::Uniform => (source!("peak_uniform"), vec![UNIFORM_BYTES, 4]),
    };
    let workgroup = workgroup(caps);
    let kernel = Kernel::new(source).constant("WG", workgroup).constant("TURNS", TURNS);
    let call = KernelCall::new(kernel, linear_grid(groups, caps)).param("never", NEVER);
    Microkernel { call, buffers, work: (groups * workgroup * TURNS * 4 * 16) as f64 }
}

/// An operation of subgroups, by `groups` workgroups. One operation is what one invocation gets of it.
pub(super) fn subgroup(operation: Subgroup, groups: usize, caps: &Caps) -> Microkernel {
    let (code, factor) = match operation {
        // The mean of a subgroup: as large as what it is of.
        Subgroup::Add => ("subgroupAdd(value) * p.factor", 1.0 / caps.subgroup.map_or(1, |(_, most)| most) as f32),
        Subgroup::Shuffle => ("subgroupShuffleXor(value, 1u) + p.factor", 0.5),
    };
    let workgroup = workgroup(caps);
    let kernel = Kernel::new(source!("peak_subgroup"))
        .constant("WG", workgroup)
        .constant("TURNS", TURNS)
        .code(format!("fn step_of(value: f32) -> f32 {{ return {code}; }}"));
    let call = KernelCall::new(kernel, linear_grid(groups, caps)).param("factor", factor).param("never", NEVER);
    Microkernel { call, buffers: vec![4], work: (groups * workgroup * TURNS * 4) as f64 }
}

/// Products of cooperative matrices by `groups` workgroups; none where the device has none. Counted for subgroups of the
/// largest size.
pub(super) fn cooperative(groups: usize, caps: &Caps) -> Option<Microkernel> {
    /// Subgroups of a workgroup, and products of one a turn.
    const SUBGROUPS: usize = 4;
    const CHAINS: usize = 8;
    let (side, (_, most)) = (caps.cooperative? as usize, caps.subgroup?);
    let kernel = matrices(Kernel::new(source!("peak_coop")), side)
        .constant("WG", SUBGROUPS * most as usize)
        .constant("TURNS", TURNS);
    let call = KernelCall::new(kernel, linear_grid(groups, caps)).param("never", NEVER);
    let work = (groups * SUBGROUPS * TURNS * CHAINS * 2 * side.pow(3)) as f64;
    Some(Microkernel { call, buffers: vec![4], work })
}

/// One dispatch of one invocation.
pub(super) fn dispatch() -> Microkernel {
    Microkernel { call: KernelCall::new(Kernel::new(source!("peak_dispatch")), [1; 3]), buffers: vec![4], work: 1.0 }
}

impl Microkernel {
    /// Makes it ready on a device.
    pub fn playback(&self, device: &Device) -> Result<Playback, Error> {
        let immediates = device.caps().immediate_bytes as usize >= PARAMS_BYTES;
        let module = Module::new(&self.call.kernel, immediates).map_err(PlanError::from)?;
        let label = self.call.kernel.name();
        let buffer = |&bytes: &u64| BufferSpec { label: label.to_owned(), bytes, role: BufferRole::Input };
        let binding = |(id, &bytes): (u32, &u64)| Binding { buffer: BufferId(id), offset: 0, bytes };
        let dispatch = Dispatch {
            label: label.to_owned(),
            step: 0,
            pipeline: PipelineId(0),
            bindings: (0..).zip(&self.buffers).map(binding).collect(),
            params: module.pack(&self.call.params).map_err(PlanError::from)?,
            grid: self.call.grid,
            follow: None,
            flops: 0,
        };
        let recording = Recording {
            buffers: self.buffers.iter().map(buffer).collect(),
            pipelines: vec![module.spec],
            dispatches: vec![dispatch],
            prologue: 0,
        };
        Ok(Playback::new(device, &recording, &Default::default())?)
    }
}

/// The kernels that [`peaks`](super::peaks) runs under `caps`: for the tests that hold every kernel against every API.
pub fn kernels(caps: &Caps) -> Vec<Kernel> {
    let walks = [Walk::Read, Walk::Write, Walk::Copy].map(|how| walk(how, 1 << 20, 4, caps));
    let mut all =
        vec![fma(Float::F32, 3, 1, caps), near(Near::Workgroup, 1, caps), near(Near::Uniform, 1, caps), dispatch()];
    all.extend(walks);
    all.extend(caps.f16.then(|| fma(Float::F16, 3, 1, caps)));
    all.extend(cooperative(1, caps));
    let operations = caps.subgroup.map(|_| [Subgroup::Add, Subgroup::Shuffle]);
    all.extend(operations.into_iter().flatten().map(|operation| subgroup(operation, 1, caps)));
    all.into_iter().map(|micro| micro.call.kernel).collect()
}
