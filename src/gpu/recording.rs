//! A plan as plain data: buffers, pipelines and dispatches, with no device behind them.
//!
//! A recording can be printed, compared, counted, checked without a GPU ([`super::check`]) and played into any
//! encoder ([`super::Playback`]).

use std::fmt;
use std::sync::Arc;

/// Bytes a kernel's parameters may take: WebGPU's 128 bytes of immediates.
pub const PARAMS_BYTES: usize = 128;

/// A buffer of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BufferId(pub u32);

/// A pipeline of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PipelineId(pub u32);

/// How a kernel uses a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// `var<storage, read>`.
    Read,
    /// `var<storage, read_write>`.
    ReadWrite,
    /// `var<uniform>`: a window of at most [`super::Caps::uniform_bytes`]. Some drivers read it far faster than storage.
    Uniform,
}

/// Who fills a buffer and how long it lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BufferRole {
    /// Results within one run; shared by values whose lifetimes do not meet.
    Scratch,
    /// Written by the host before a run.
    Input,
    /// Holds a value the host may read after a run; never shared.
    Output,
    /// Persistent variables, shared by every recording that names the same bank.
    Bank(String),
    /// Fixed bytes.
    Constant(Arc<[u8]>),
}

/// A buffer to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BufferSpec {
    /// Shown by debuggers and listings.
    pub label: String,
    /// Size.
    pub bytes: u64,
    /// Who fills it.
    pub role: BufferRole,
}

/// A compiled kernel to be made: checked WGSL and its interface.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PipelineSpec {
    /// The kernel's name: file, kernel and label are one.
    pub label: String,
    /// The specialised WGSL; its entry point is `main`.
    pub wgsl: Arc<str>,
    /// Storage bindings of group 0, in order.
    pub bindings: Arc<[Access]>,
    /// Bytes of the parameter struct; 0 where there is none.
    pub params_bytes: u32,
    /// Invocations of a workgroup along each dimension.
    pub workgroup: [u32; 3],
}

/// A range of a buffer, bound to a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The buffer.
    pub buffer: BufferId,
    /// First byte.
    pub offset: u64,
    /// Bytes bound.
    pub bytes: u64,
}

/// One dispatch.
#[derive(Clone, Debug, PartialEq)]
pub struct Dispatch {
    /// The graph node it computes, by path and op.
    pub label: String,
    /// The kernel.
    pub pipeline: PipelineId,
    /// Storage bindings of group 0, in order.
    pub bindings: Vec<Binding>,
    /// The kernel's parameters.
    pub params: Vec<u8>,
    /// Workgroups along each dimension.
    pub grid: [u32; 3],
    /// Floating-point operations done.
    pub flops: u64,
}

/// Everything a run does, in order: one compute pass.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// Buffers, by [`BufferId`].
    pub buffers: Vec<BufferSpec>,
    /// Pipelines, by [`PipelineId`].
    pub pipelines: Vec<PipelineSpec>,
    /// Dispatches, in order.
    pub dispatches: Vec<Dispatch>,
    /// How many dispatches at the front depend on variables alone: a run may leave them out while those stand still.
    pub prologue: usize,
}

impl Recording {
    /// Bytes of all buffers that satisfy `which`.
    pub fn bytes(&self, which: impl Fn(&BufferRole) -> bool) -> u64 {
        self.buffers.iter().filter(|b| which(&b.role)).map(|b| b.bytes).sum()
    }

    /// Bytes the device must hold for this recording, banks included.
    pub fn peak_bytes(&self) -> u64 {
        self.bytes(|_| true)
    }

    /// Bytes that all dispatches bind: an upper bound of what they move.
    pub fn bound_bytes(&self) -> u64 {
        self.dispatches.iter().flat_map(|d| &d.bindings).map(|b| b.bytes).sum()
    }

    /// Floating-point operations of one run.
    pub fn flops(&self) -> u64 {
        self.dispatches.iter().map(|d| d.flops).sum()
    }
}

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, buffer) in self.buffers.iter().enumerate() {
            let role = match &buffer.role {
                BufferRole::Scratch => "scratch".to_owned(),
                BufferRole::Input => "input".to_owned(),
                BufferRole::Output => "output".to_owned(),
                BufferRole::Bank(key) => format!("bank {key}"),
                BufferRole::Constant(_) => "constant".to_owned(),
            };
            writeln!(f, "buffer b{index}: {} bytes, {role}, {}", buffer.bytes, buffer.label)?;
        }
        for (index, dispatch) in self.dispatches.iter().enumerate() {
            if index == self.prologue && index > 0 {
                writeln!(f, "     from here on at every run; above, only when variables have changed")?;
            }
            let pipeline = &self.pipelines[dispatch.pipeline.0 as usize];
            let [x, y, z] = dispatch.grid;
            write!(f, "{index:4} {} <{x}, {y}, {z}> (", pipeline.label)?;
            for (i, (binding, access)) in dispatch.bindings.iter().zip(pipeline.bindings.iter()).enumerate() {
                let comma = if i == 0 { "" } else { ", " };
                let mark = if *access == Access::ReadWrite { "*" } else { "" };
                write!(f, "{comma}{mark}b{}", binding.buffer.0)?;
                if binding.offset > 0 {
                    write!(f, "+{}", binding.offset)?;
                }
            }
            writeln!(f, ")  {}", dispatch.label)?;
        }
        Ok(())
    }
}
