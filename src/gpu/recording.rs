//! A plan as plain data: buffers, pipelines and dispatches, with no device behind them.
//!
//! A recording can be printed, compared, counted, checked without a GPU ([`super::check`]) and played into any
//! encoder ([`super::Playback`]).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::caps::Caps;

/// Bytes a kernel's parameters may take: WebGPU's 128 bytes of immediates.
pub const PARAMS_BYTES: usize = 128;

/// Bytes that a short operand is bound with as a `var<uniform>` by kernels that are the same for operands of any length; what is
/// behind it is not read.
pub const UNIFORM_LEAST: u64 = 1 << 10;

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
    /// `var<storage, read_write>` of which the kernel reads nothing.
    Write,
    /// `var<storage, read_write>`, updated in place.
    ReadWrite,
    /// `var<uniform>`: a window of at most [`super::Caps::uniform_bytes`]. Some drivers read it far faster than storage.
    Uniform,
}

impl Access {
    /// Whether the kernel reads what is bound.
    pub fn reads(self) -> bool {
        self != Self::Write
    }

    /// Whether the kernel changes what is bound.
    pub fn writes(self) -> bool {
        matches!(self, Self::Write | Self::ReadWrite)
    }
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
    /// Whether the device must check its accesses at run time, whatever else it may leave out: of a kernel that is not
    /// one of the engine's.
    pub checked: bool,
    /// Storage bindings of group 0, in order.
    pub bindings: Arc<[Access]>,
    /// Bytes of the parameter struct; 0 where there is none.
    pub params_bytes: u32,
    /// Invocations of a workgroup along each dimension.
    pub workgroup: [u32; 3],
}

impl PipelineSpec {
    /// Uniform and storage buffers bound, parameters among them where there are no immediates.
    pub fn buffer_counts(&self, caps: &Caps) -> [usize; 2] {
        let windows = self.bindings.iter().filter(|&&access| access == Access::Uniform).count();
        let params = usize::from(caps.immediate_bytes < PARAMS_BYTES as u32);
        [windows + params, self.bindings.len() - windows]
    }
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

/// A grid that follows a count among the inputs: along `axis`, as many workgroups as the count needs, and the recorded
/// ones at most; with none to do, the dispatch is left out.
///
/// The count is what the host last wrote to the input before it recorded the run, so that no device has to read it
/// back and no indirect dispatch has to be checked there. Kernels read the same word, and ignore what lies past it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Follow {
    /// The input.
    pub buffer: BufferId,
    /// The count's place in it, in words of 32 bits.
    pub word: u64,
    /// Pieces of work for each that is counted.
    pub times: u32,
    /// What part of the work other dispatches do.
    pub first: u32,
    /// What a workgroup does of it.
    pub per: u32,
    /// The axis of the grid.
    pub axis: usize,
}

impl Follow {
    /// The grid for a count, of one recorded for the largest; `None` when there is nothing to do.
    pub fn grid(&self, recorded: [u32; 3], count: u32) -> Option<[u32; 3]> {
        let mut grid = recorded;
        let extent = grid.get_mut(self.axis)?;
        let work = count.saturating_mul(self.times);
        *extent = work.saturating_sub(self.first).div_ceil(self.per.max(1)).min(*extent);
        (*extent > 0).then_some(grid)
    }
}

/// One dispatch.
#[derive(Clone, Debug, PartialEq)]
pub struct Dispatch {
    /// The graph node it computes, by path and op.
    pub label: String,
    /// The step of the plan that it is a part of; the dispatches of one op have the same.
    pub step: u32,
    /// The kernel.
    pub pipeline: PipelineId,
    /// Storage bindings of group 0, in order.
    pub bindings: Vec<Binding>,
    /// The kernel's parameters.
    pub params: Vec<u8>,
    /// Workgroups along each dimension; the most, where `follow` is there.
    pub grid: [u32; 3],
    /// The count that the grid follows from run to run.
    pub follow: Option<Follow>,
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

    /// Bytes that one run, prologue included, moves between buffers and kernels, as far as bindings tell: in each step,
    /// every byte bound for reading counts once and every byte bound for writing counts once.
    ///
    /// So what a step updates in place counts twice, and what several of its dispatches or invocations read again is
    /// taken to come from a cache. A binding counts whole, even where the kernel touches a part of it only.
    pub fn moved_bytes(&self) -> u64 {
        self.moved_by(&self.dispatches)
    }

    /// [`moved_bytes`](Self::moved_bytes) of some dispatches.
    pub fn moved_by<'a>(&self, dispatches: impl IntoIterator<Item = &'a Dispatch>) -> u64 {
        let mut moved: BTreeMap<_, Vec<(u64, u64)>> = BTreeMap::new();
        for dispatch in dispatches {
            let accesses = self.pipelines[dispatch.pipeline.0 as usize].bindings.iter();
            for (binding, access) in dispatch.bindings.iter().zip(accesses) {
                let range = (binding.offset, binding.offset + binding.bytes);
                for (writing, counts) in [(false, access.reads()), (true, access.writes())] {
                    if counts {
                        moved.entry((dispatch.step, binding.buffer, writing)).or_default().push(range);
                    }
                }
            }
        }
        moved.into_values().map(covered_bytes).sum()
    }

    /// Floating-point operations of one run.
    pub fn flops(&self) -> u64 {
        self.dispatches.iter().map(|d| d.flops).sum()
    }
}

/// How many bytes lie in at least one of these ranges, each a start and an end.
fn covered_bytes(mut ranges: Vec<(u64, u64)>) -> u64 {
    ranges.sort_unstable();
    let (mut bytes, mut done) = (0, 0);
    for (start, end) in ranges {
        bytes += end.saturating_sub(start.max(done));
        done = done.max(end);
    }
    bytes
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
            write!(f, "{index:4} {} <{x}, {y}, {z}>", pipeline.label)?;
            if let Some(follow) = dispatch.follow {
                let axis = ["x", "y", "z"].get(follow.axis).unwrap_or(&"?");
                write!(f, " {axis} by b{}[{}]", follow.buffer.0, follow.word)?;
            }
            write!(f, " (")?;
            for (i, (binding, access)) in dispatch.bindings.iter().zip(pipeline.bindings.iter()).enumerate() {
                let comma = if i == 0 { "" } else { ", " };
                let mark = if access.writes() { "*" } else { "" };
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Buffer, offset and bytes.
    type Range = (u32, u64, u64);

    /// Of one kernel: each dispatch with its step and the ranges it binds to `accesses`.
    fn recording(accesses: &[Access], dispatches: &[(u32, &[Range])]) -> Recording {
        let pipeline = PipelineSpec {
            label: "kernel".into(),
            wgsl: "".into(),
            checked: false,
            bindings: accesses.into(),
            params_bytes: 0,
            workgroup: [1; 3],
        };
        let dispatch = |&(step, bindings): &(u32, &[Range])| Dispatch {
            label: "node".into(),
            step,
            pipeline: PipelineId(0),
            bindings: bindings
                .iter()
                .map(|&(buffer, offset, bytes)| Binding { buffer: BufferId(buffer), offset, bytes })
                .collect(),
            params: Vec::new(),
            grid: [1; 3],
            follow: None,
            flops: 0,
        };
        let dispatches = dispatches.iter().map(dispatch).collect();
        Recording { pipelines: vec![pipeline], dispatches, ..Recording::default() }
    }

    #[test]
    fn a_step_moves_each_byte_once_each_way() {
        use Access::*;
        let copy = [Read, Write];
        assert_eq!(recording(&copy, &[(0, &[(0, 0, 100), (1, 0, 40)])]).moved_bytes(), 140);
        // Two windows that share half of what they read, and the one result they both write a part of.
        let windows: [(u32, &[_]); 2] = [(0, &[(0, 0, 64), (1, 0, 100)]), (0, &[(0, 32, 64), (1, 0, 100)])];
        assert_eq!(recording(&copy, &windows).moved_bytes(), 96 + 100);
        // The same work as two steps.
        let steps: [(u32, &[_]); 2] = [(0, windows[0].1), (1, windows[1].1)];
        assert_eq!(recording(&copy, &steps).moved_bytes(), 2 * 164);
        assert_eq!(recording(&[ReadWrite, Uniform], &[(0, &[(0, 8, 24), (1, 0, 16)])]).moved_bytes(), 2 * 24 + 16);
    }

    #[test]
    fn a_grid_follows_its_count_up_to_the_recorded_one() {
        let follow = Follow { buffer: BufferId(0), word: 3, times: 2, first: 80, per: 8, axis: 1 };
        let grid = |count| follow.grid([5, 10, 1], count);
        assert_eq!([0, 40, 41, 48, 49].map(grid), [None, None, Some([5, 1, 1]), Some([5, 2, 1]), Some([5, 3, 1])]);
        assert_eq!([80, 81, u32::MAX].map(grid), [Some([5, 10, 1]); 3]);
    }

    #[test]
    fn ranges_are_counted_once() {
        assert_eq!(covered_bytes(vec![]), 0);
        assert_eq!(covered_bytes(vec![(10, 20), (0, 4), (12, 15), (18, 30), (30, 31)]), 4 + 21);
    }
}
