//! Pooling over windows of images: the largest, the smallest or the mean, and over whole images.

mod average;
mod extreme;
mod window;

pub use average::{AvgPool, AvgPoolGrad};
pub use extreme::{Extreme, ExtremePool, ExtremePoolGrad};
pub use window::Pool2d;

use std::sync::Arc;

use super::pointwise::{FusedEpilogue, Instruction, Program, Value, functions};
use super::{Case, CaseInput, Values};
use crate::graph::{Graph, GraphError, NodeId, Op};

impl Graph {
    /// x `[N, C, H, W]` → `[N, C, H', W']`: the largest element of each window. Of equals the first gets the gradient.
    ///
    /// # Errors
    /// When `x` is not f32 of four axes, or there is no window, or one of padding alone.
    pub fn max_pool2d(&mut self, x: NodeId, pool: &Pool2d) -> Result<NodeId, GraphError> {
        self.apply(ExtremePool { extreme: Extreme::Max, pool: pool.clone() }, &[x])
    }

    /// x `[N, C, H, W]` → `[N, C, H', W']`: the smallest element of each window. Of equals the first gets the gradient.
    ///
    /// # Errors
    /// As [`Graph::max_pool2d`].
    pub fn min_pool2d(&mut self, x: NodeId, pool: &Pool2d) -> Result<NodeId, GraphError> {
        self.apply(ExtremePool { extreme: Extreme::Min, pool: pool.clone() }, &[x])
    }

    /// x `[N, C, H, W]` → `[N, C, H', W']`: the mean of each window. With `count_include_pad`, padding counts as zeros.
    ///
    /// # Errors
    /// As [`Graph::max_pool2d`].
    pub fn avg_pool2d(&mut self, x: NodeId, pool: &Pool2d, count_include_pad: bool) -> Result<NodeId, GraphError> {
        self.apply(AvgPool { pool: pool.clone(), count_include_pad }, &[x])
    }

    /// x `[N, C, H, W]` → `[N, C, 1, 1]`: the largest element of each channel.
    ///
    /// # Errors
    /// When `x` is not f32 of four axes.
    pub fn global_max_pool2d(&mut self, x: NodeId) -> Result<NodeId, GraphError> {
        let pool = self.whole_image("global_max_pool2d", x)?;
        self.max_pool2d(x, &pool)
    }

    /// x `[N, C, H, W]` → `[N, C, 1, 1]`: the mean of each channel.
    ///
    /// # Errors
    /// When `x` is not f32 of four axes.
    pub fn global_avg_pool2d(&mut self, x: NodeId) -> Result<NodeId, GraphError> {
        self.whole_image("global_avg_pool2d", x)?;
        self.mean(x, &[2, 3], true)
    }

    fn whole_image(&self, op: &str, x: NodeId) -> Result<Pool2d, GraphError> {
        match *self.ty(x).shape {
            [_, _, h, w] => Ok(Pool2d::new([h, w])),
            _ => Err(self.error(op, &[x], "takes f32[N, C, H, W]")),
        }
    }
}

/// Cases.
pub fn cases() -> Vec<Case> {
    let window = Pool2d::new;
    let shapes = [
        ("half", [2, 3, 4, 8], window([2, 2])),
        ("half of many", [3, 5, 16, 32], window([2, 2])),
        ("half of more than a window", [9, 5, 16, 24], window([2, 2])),
        ("half of rows no window begins with", [1, 1, 4, 260], window([2, 2])),
        ("half of odd widths", [2, 3, 4, 6], window([2, 2])),
        ("a rest unused", [1, 2, 5, 7], window([2, 2])),
        ("a rest in ceil mode", [1, 2, 5, 7], window([2, 2]).ceil_mode(true)),
        ("overlapping", [1, 2, 7, 6], window([3, 3]).stride([2, 2])),
        ("overlapping, padded", [2, 2, 6, 6], window([3, 3]).stride([2, 2]).padding([1; 4])),
        ("overlapping, padded, ceil mode", [1, 2, 6, 8], window([3, 3]).stride([2, 2]).padding([1; 4]).ceil_mode(true)),
        ("every element", [1, 2, 4, 5], window([3, 3]).stride([1, 1]).padding([1; 4])),
        ("uneven", [1, 2, 6, 5], window([3, 2]).stride([2, 1]).padding([1, 0, 1, 0])),
        ("gaps between windows", [1, 1, 8, 7], window([2, 2]).stride([3, 3]).padding([1; 4]).ceil_mode(true)),
        ("gaps and a long rest", [2, 2, 9, 11], window([2, 1]).stride([4, 5])),
        ("padded on one side", [2, 1, 5, 5], window([2, 3]).stride([1, 2]).padding([0, 2, 1, 0])),
        ("whole image", [3, 4, 4, 4], window([4, 4])),
        ("whole odd image", [5, 3, 7, 3], window([7, 3])),
    ];
    let mut cases = Vec::new();
    for (name, x, pool) in shapes {
        let y = pool.over(&CaseInput::f32(x).ty).map_or([0; 4], |w| w.output());
        let distinct = || CaseInput::f32_of(x, Values::Distinct);
        for (what, extreme) in [("max", Extreme::Max), ("min", Extreme::Min)] {
            let op = ExtremePool { extreme, pool: pool.clone() };
            cases.push(Case::new(format!("{what}, {name}"), op.clone(), vec![distinct()]));
            let inputs = vec![distinct(), CaseInput::f32(y)];
            cases.push(Case::new(format!("{what} gradient, {name}"), ExtremePoolGrad(op), inputs).forward_only());
        }
        for count_include_pad in [true, false] {
            let op = AvgPool { pool: pool.clone(), count_include_pad };
            let counted = if count_include_pad { "padding counts" } else { "padding does not count" };
            cases.push(Case::new(format!("mean, {name}, {counted}"), op.clone(), vec![CaseInput::f32(x)]));
            let op = AvgPoolGrad { op, shape: x.into() };
            cases.push(Case::new(format!("mean gradient, {name}, {counted}"), op, vec![CaseInput::f32(y)]));
        }
    }
    // So many that an invocation of a GPU does several pairs of windows.
    let (large, pooled) = ([64, 65, 32, 32], [64, 65, 16, 16]);
    let op = ExtremePool { extreme: Extreme::Max, pool: window([2, 2]) };
    let x = || CaseInput::f32_of(large, Values::Distinct);
    cases.push(Case::new("max, half of large images", op.clone(), vec![x()]).forward_only());
    let inputs = vec![x(), CaseInput::f32(pooled)];
    cases.push(Case::new("max gradient, half of large images", ExtremePoolGrad(op), inputs).forward_only());
    let op = AvgPool { pool: window([2, 2]), count_include_pad: false };
    cases.push(Case::new("mean, half of large images", op.clone(), vec![CaseInput::f32(large)]).forward_only());
    let op = AvgPoolGrad { op, shape: large.into() };
    cases.push(Case::new("mean gradient, half of large images", op, vec![CaseInput::f32(pooled)]).forward_only());
    // Of equals the first wins, in every strategy.
    let ties = Values::Uniform(0.25, 0.25);
    for (name, pool, y) in [
        ("equals, half", window([2, 2]), [1, 2, 2, 4]),
        ("equals, overlapping", window([3, 3]).stride([1, 1]).padding([1; 4]), [1, 2, 4, 8]),
    ] {
        let op = ExtremePoolGrad(ExtremePool { extreme: Extreme::Max, pool });
        let inputs = vec![CaseInput::f32_of([1, 2, 4, 8], ties), CaseInput::f32(y)];
        cases.push(Case::new(name, op, inputs).forward_only());
    }
    cases.extend(epilogue_cases());
    cases
}

/// The gradient of ReLU behind that of each pooling, as networks have it, and GELU, whose helpers are imported.
fn epilogue_cases() -> Vec<Case> {
    let program = |function, operands: Vec<Value>| {
        let input_count = operands.len();
        Program { input_count, instructions: vec![Instruction { function, operands }] }
    };
    let relu_grad = program(&functions::RELU_GRAD, vec![Value::Input(0), Value::Input(1)]);
    let gelu = program(&functions::GELU, vec![Value::Input(0)]);
    let with = |base: Arc<dyn Op>, program: &Program, inputs: Vec<CaseInput>| {
        let base_inputs = inputs.len() + 1 - program.input_count;
        let name = format!("{}, then {}", base.name(), program.instructions[0].function.name);
        Case::new(name, FusedEpilogue { base, base_inputs, program: program.clone() }, inputs).forward_only()
    };
    let (x, y) = ([2, 3, 4, 8], [2, 3, 2, 4]);
    let pool = Pool2d::new([2, 2]);
    let max = ExtremePool { extreme: Extreme::Max, pool: pool.clone() };
    let mean = AvgPool { pool, count_include_pad: true };
    let distinct = CaseInput::f32_of(x, Values::Distinct);
    let max_grad = Arc::new(ExtremePoolGrad(max.clone()));
    let mean_grad = Arc::new(AvgPoolGrad { op: mean.clone(), shape: x.into() });
    vec![
        with(max_grad, &relu_grad, vec![distinct.clone(), CaseInput::f32(y), CaseInput::f32(x)]),
        with(mean_grad, &relu_grad, vec![CaseInput::f32(y), CaseInput::f32(x)]),
        with(Arc::new(max), &gelu, vec![distinct.clone()]),
        with(Arc::new(mean), &gelu, vec![distinct]),
    ]
}
