//! What an op asks the device to do: kernel calls, grouped into strategies.

use super::source::Kernel;
use crate::gpu::Caps;

/// What a kernel's binding refers to, seen from the op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// The op's input with this number.
    Input(usize),
    /// The op's output.
    Output,
    /// The strategy's scratch buffer with this number.
    Scratch(usize),
}

/// A binding of a kernel call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The tensor.
    pub operand: Operand,
    /// Offset and length in bytes, when only a part of it is bound.
    pub window: Option<(u64, u64)>,
}

/// A parameter's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    /// An unsigned integer.
    U32(u32),
    /// A float.
    F32(f32),
}

impl From<u32> for Scalar {
    fn from(value: u32) -> Self {
        Self::U32(value)
    }
}

impl From<usize> for Scalar {
    fn from(value: usize) -> Self {
        // Element counts: the planner refuses tensors of 2³² elements long before.
        Self::U32(value as u32)
    }
}

impl From<f32> for Scalar {
    fn from(value: f32) -> Self {
        Self::F32(value)
    }
}

/// A grid that follows a count among an op's inputs; see [`crate::gpu::Follow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Following {
    /// The input, which must be one of the graph.
    pub input: usize,
    /// The count's place in it.
    pub word: usize,
    /// Pieces of work for each that is counted.
    pub times: usize,
    /// What part of the work other calls do.
    pub first: usize,
    /// What a workgroup does of it.
    pub per: usize,
    /// The axis of the grid.
    pub axis: usize,
}

/// One dispatch, before buffers are known.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelCall {
    /// The specialised kernel.
    pub kernel: Kernel,
    /// What its bindings refer to, in order.
    pub operands: Vec<Bound>,
    /// Its parameters, by name; matched against the reflected struct.
    pub params: Vec<(&'static str, Scalar)>,
    /// Workgroups along each dimension; the most, where the grid follows a count.
    pub grid: [u32; 3],
    /// The count that the grid follows.
    pub following: Option<Following>,
}

impl KernelCall {
    /// A call of `kernel` over `grid` with no operands yet.
    pub fn new(kernel: Kernel, grid: [u32; 3]) -> Self {
        Self { kernel, operands: Vec::new(), params: Vec::new(), grid, following: None }
    }

    /// Has the grid follow a count.
    #[must_use]
    pub fn follow(mut self, following: Following) -> Self {
        self.following = Some(following);
        self
    }

    /// Adds a binding.
    #[must_use]
    pub fn bind(mut self, operand: Operand) -> Self {
        self.operands.push(Bound { operand, window: None });
        self
    }

    /// Adds a binding to `bytes` bytes of `operand` from `offset`: for a `var<uniform>`, which is short, or to work on
    /// a large tensor part by part. The offset must be a multiple of 256; the window may reach past the operand's end
    /// only where the operand is a scratch buffer as long as that, or where it is [`crate::gpu::UNIFORM_LEAST`] bytes.
    #[must_use]
    pub fn bind_window(mut self, operand: Operand, offset: u64, bytes: u64) -> Self {
        self.operands.push(Bound { operand, window: Some((offset, bytes)) });
        self
    }

    /// Binds inputs 0 to `count` − 1.
    #[must_use]
    pub fn bind_inputs(self, count: usize) -> Self {
        (0..count).fold(self, |call, i| call.bind(Operand::Input(i)))
    }

    /// Adds a parameter that the kernel's source does not have, for the code that fills its hole, and sets it.
    #[must_use]
    pub fn code_param(mut self, name: &'static str, value: impl Into<Scalar>) -> Self {
        self.kernel = self.kernel.field(name);
        self.param(name, value)
    }

    /// Sets a parameter.
    #[must_use]
    pub fn param(mut self, name: &'static str, value: impl Into<Scalar>) -> Self {
        self.params.push((name, value.into()));
        self
    }
}

/// One way to compute an op.
#[derive(Clone, Debug, PartialEq)]
pub struct Strategy {
    /// Its name, such as `wide` or `tile`.
    pub name: &'static str,
    /// Dispatches, in order.
    pub calls: Vec<KernelCall>,
    /// Bytes of each scratch buffer.
    pub scratch: Vec<u64>,
}

impl Strategy {
    /// A strategy of one call and no scratch.
    pub fn single(name: &'static str, call: KernelCall) -> Self {
        Self { name, calls: vec![call], scratch: Vec::new() }
    }
}

/// All strategies that can run under the given capabilities, the heuristic's choice first.
pub type Candidates = Vec<Strategy>;

/// A grid of at least `workgroups` workgroups, folded into two dimensions where one is too short. Kernels number their
/// workgroups with `linear_workgroup` (`#import grid`) and ignore those past the end.
pub fn linear_grid(workgroups: usize, caps: &Caps) -> [u32; 3] {
    let limit = caps.workgroups as usize;
    let workgroups = workgroups.max(1);
    if workgroups <= limit {
        return [workgroups as u32, 1, 1];
    }
    // Near-square: few spare workgroups. A grid that would still not fit is refused by the planner's check.
    let rows = workgroups.div_ceil(limit);
    [workgroups.div_ceil(rows) as u32, rows as u32, 1]
}
