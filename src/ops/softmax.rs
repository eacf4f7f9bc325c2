//! Softmax and log-softmax over an axis, as fused row kernels.

use super::copy::around;
use super::row::row;
use super::split::WALK;
use super::{Case, CaseInput, Values};
use crate::gpu::Caps;
use crate::graph::{Gradients, Graph, GraphError, Lowering, NodeId, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Kernel, KernelCall, Operand, Size, Source, Strategy, linear_grid, source};
use crate::tensor::{Array, DType, TensorType};

const LINES_WORKGROUP: usize = 64;

/// Input f32 `[…]` → the same shape: `exp(x) / Σ exp(x)` along `axis`, or its logarithm. The largest element is
/// subtracted first, so that nothing overflows.
#[derive(Clone, Debug, PartialEq)]
pub struct Softmax {
    /// The axis whose elements sum to 1.
    pub axis: usize,
    /// Whether the logarithm is taken.
    pub log: bool,
}

/// The gradient of [`Softmax`] from its output `y` and that output's gradient `d`, of one shape:
/// `y · (d − Σ d·y)`, and for the logarithm `d − exp(y) · Σ d`.
#[derive(Clone, Debug, PartialEq)]
pub struct SoftmaxGrad {
    /// The op whose gradient it is.
    pub of: Softmax,
}

impl Op for Softmax {
    fn name(&self) -> &'static str {
        if self.log { "log_softmax" } else { "softmax" }
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [x] = inputs else { return Err(ShapeError::new("takes one input")) };
        if x.dtype != DType::F32 || self.axis >= x.shape.rank() || x.count() == 0 {
            return Err(ShapeError::new(format!("axis {} of {x}", self.axis)));
        }
        Ok(x.clone())
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let mut y = inputs[0].clone();
        each_row(&mut y, self.axis, |row, _| {
            let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let log_sum = largest + row.iter().map(|v| (v - largest).exp()).sum::<f64>().ln();
            row.iter_mut().for_each(|v| *v = if self.log { *v - log_sum } else { (*v - log_sum).exp() });
        });
        y
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        Ok(vec![Some(graph.apply(SoftmaxGrad { of: self.clone() }, &[io.output, io.d_output])?)])
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        self.candidates(l, source!("softmax_lines"), source!("softmax_tree"), source!("softmax_row"))
    }

    fn sizes(&self, types: &OpTypes<'_>) -> Option<Vec<Size>> {
        let (columns, rows) = types.output.shape.split_last()?;
        let sizes = [Size::extent("rows", rows.iter().product()), Size::extent("columns", *columns)];
        (self.axis == rows.len()).then(|| sizes.into())
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        types.output.count() as u64 * 5
    }
}

impl Op for SoftmaxGrad {
    fn name(&self) -> &'static str {
        if self.of.log { "log_softmax_grad" } else { "softmax_grad" }
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        match inputs {
            [y, d] if y == d => self.of.infer(std::slice::from_ref(y)),
            [y, d] => Err(ShapeError::new(format!("{y} has a gradient of {d}"))),
            _ => Err(ShapeError::new("takes an output and its gradient")),
        }
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let (y, mut d) = (inputs[0], inputs[1].clone());
        each_row(&mut d, self.of.axis, |row, places| {
            let y: Vec<f64> = places.map(|p| y.values[p]).collect();
            if self.of.log {
                let sum: f64 = row.iter().sum();
                row.iter_mut().zip(&y).for_each(|(d, y)| *d -= y.exp() * sum);
            } else {
                let sum: f64 = row.iter().zip(&y).map(|(d, y)| d * y).sum();
                row.iter_mut().zip(&y).for_each(|(d, y)| *d = y * (*d - sum));
            }
        });
        d
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        io.undefined(graph)
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let row = source!("softmax_grad_row");
        self.of.candidates(l, source!("softmax_grad_lines"), source!("softmax_grad_tree"), row)
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        types.output.count() as u64 * 4
    }
}

impl Softmax {
    /// One invocation a row, which suits software Vulkan and rows that lie side by side; or a workgroup a row; or a row kept
    /// in registers, which suits GPUs.
    fn candidates(&self, l: &Lowering<'_>, lines: Source, tree: Source, kept: Source) -> Candidates {
        let (outer, length, inner) = around(&l.output.shape, self.axis);
        let rows = outer * inner;
        let call = |source, workgroup: usize, workgroups: usize, caps: &Caps| {
            let kernel = Kernel::new(source).constant("WG", workgroup).constant("LOG", self.log);
            KernelCall::new(kernel, linear_grid(workgroups, caps))
                .bind_inputs(l.inputs.len())
                .bind(Operand::Output)
                .param("rows", rows)
                .param("length", length)
                .param("inner", inner)
        };
        let workgroup = if length >= 1024 { 256 } else { 64 };
        let tree = Strategy::single("tree", call(tree, workgroup, rows, l.caps));
        let inputs = l.inputs.len();
        let finish = |mut call: KernelCall| {
            call.kernel = call.kernel.constant("LOG", self.log);
            call
        };
        let kept = if inner == 1 { row(kept, [rows, length], inputs, inputs, l.caps, finish) } else { None };
        // Three passes over the row.
        if length > WALK {
            return kept.into_iter().chain([tree]).collect();
        }
        let lines = Strategy::single("lines", call(lines, LINES_WORKGROUP, rows.div_ceil(LINES_WORKGROUP), l.caps));
        if l.caps.is_software() || inner >= 32 || length < 32 {
            [lines, tree].into_iter().chain(kept).collect()
        } else {
            kept.into_iter().chain([tree, lines]).collect()
        }
    }
}

/// Hands each row along `axis` to `f`, with the places of its elements.
fn each_row(array: &mut Array, axis: usize, mut f: impl FnMut(&mut [f64], &mut dyn Iterator<Item = usize>)) {
    let (outer, length, inner) = around(&array.shape, axis);
    for row in 0..outer * inner {
        let places = (0..length).map(|i| row / inner * length * inner + i * inner + row % inner);
        let mut values: Vec<f64> = places.clone().map(|p| array.values[p]).collect();
        f(&mut values, &mut places.clone());
        places.zip(values).for_each(|(p, value)| array.values[p] = value);
    }
}

impl Graph {
    /// `exp(x) / Σ exp(x)` along `axis`.
    ///
    /// # Errors
    /// When `axis` is not one of `x`.
    pub fn softmax(&mut self, x: NodeId, axis: usize) -> Result<NodeId, GraphError> {
        self.apply(Softmax { axis, log: false }, &[x])
    }

    /// The logarithm of [`Graph::softmax`], without its underflow.
    ///
    /// # Errors
    /// When `axis` is not one of `x`.
    pub fn log_softmax(&mut self, x: NodeId, axis: usize) -> Result<NodeId, GraphError> {
        self.apply(Softmax { axis, log: true }, &[x])
    }
}

/// Rows as many invocations share them on GPUs: several rows a workgroup, the last one not full; more words than invocations;
/// all the invocations that there may be.
const ROWS: [(&str, [usize; 2]); 4] = [
    ("rows of words", [2051, 260]),
    ("rows of odd length", [2051, 97]),
    ("rows of many words", [3, 5000]),
    ("rows of very many words", [2, 16_380]),
];

/// Cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for log in [false, true] {
        let op = |axis| Softmax { axis, log };
        let prefix = if log { "log of " } else { "" };
        let mut case = |name: &str, axis, input: CaseInput| {
            cases.push(Case::new(format!("{prefix}{name}"), op(axis), vec![input]));
        };
        case("classes", 1, CaseInput::f32([5, 10]));
        case("channels", 1, CaseInput::f32([2, 3, 2, 2]));
        case("columns", 0, CaseInput::f32([4, 33]));
        case("large logits", 1, CaseInput::f32_of([3, 7], Values::Uniform(-90.0, 90.0)));
        for (name, shape) in ROWS {
            let input = vec![CaseInput::f32(shape)];
            cases.push(Case::new(format!("{prefix}{name}"), op(1), input).forward_only());
        }
        let long = Case::new(format!("{prefix}long rows"), op(1), vec![CaseInput::f32([70, 1030])]);
        cases.push(long.forward_only());
        let inputs = |shape| {
            let y = if log { Values::Uniform(-5.0, -0.1) } else { Values::Uniform(0.0, 1.0) };
            vec![CaseInput::f32_of(shape, y), CaseInput::f32(shape)]
        };
        for (name, axis, shape) in [("gradient of rows", 1, [9, 130]), ("gradient of columns", 0, [6, 40])] {
            let op = SoftmaxGrad { of: op(axis) };
            cases.push(Case::new(format!("{prefix}{name}"), op, inputs(shape)).forward_only());
        }
        for (name, shape) in ROWS {
            let op = SoftmaxGrad { of: op(1) };
            cases.push(
                Case::new(format!("{prefix}gradient of {name}"), op, inputs(shape)).tolerance(1e-4).forward_only(),
            );
        }
    }
    cases
}
