//! A constant border.

use super::copy::{AxisNames, IN_SOFTWARE, MAX_AXES, common_width, float};
use super::launch::Launch;
use super::{Case, CaseInput};
use crate::graph::{Gradients, Graph, GraphError, Lowering, NodeId, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Kernel, KernelCall, Operand, Strategy, source};
use crate::tensor::{Array, DType, TensorType};

/// Input f32 `[n₀, n₁, …]` → `[before₀ + n₀ + after₀, …]`, with `value` around the input.
#[derive(Clone, Debug, PartialEq)]
pub struct Pad {
    /// `[before, after]` of each axis, in elements.
    pub padding: Vec<[usize; 2]>,
    /// What the border holds.
    pub value: f32,
}

/// An axis, with those behind it that have no padding of their own: input extent, padding before, output extent.
#[derive(Clone, Copy)]
struct Axis {
    input: usize,
    before: usize,
    output: usize,
}

impl Pad {
    fn output_shape(&self, input: &[usize]) -> Vec<usize> {
        input.iter().zip(&self.padding).map(|(n, [before, after])| before + n + after).collect()
    }

    fn axes(&self, input: &[usize]) -> Vec<Axis> {
        let mut axes: Vec<Axis> = Vec::new();
        for (&n, &[before, after]) in input.iter().zip(&self.padding) {
            match axes.last_mut() {
                Some(Axis { input, before: b, output }) if before + after == 0 => {
                    *input *= n;
                    *b *= n;
                    *output *= n;
                }
                _ => axes.push(Axis { input: n, before, output: before + n + after }),
            }
        }
        if axes.is_empty() {
            axes.push(Axis { input: 1, before: 0, output: 1 });
        }
        axes
    }
}

impl Op for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [x] = inputs else { return Err(ShapeError::new("takes one input")) };
        if x.dtype != DType::F32 {
            return Err(ShapeError::new(format!("pads f32 tensors, not {x}")));
        }
        if self.padding.len() != x.shape.rank() {
            let (given, shape) = (self.padding.len(), &x.shape);
            return Err(ShapeError::new(format!("padding of {given} axes for {shape}")));
        }
        let axes = self.axes(&x.shape).len();
        if axes > MAX_AXES {
            return Err(ShapeError::new(format!("{axes} axes of {} padded, {MAX_AXES} at most", x.shape)));
        }
        Ok(TensorType::f32(self.output_shape(&x.shape)))
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let x = inputs[0];
        Array::from_fn(self.output_shape(&x.shape), |index| {
            let from = index.iter().zip(&self.padding).map(|(i, [before, _])| i.checked_sub(*before));
            match from.collect::<Option<Vec<usize>>>() {
                Some(from) if from.iter().zip(x.shape.iter()).all(|(i, n)| i < n) => x.at(&from),
                _ => f64::from(self.value),
            }
        })
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        let input = graph.ty(io.inputs[0]).shape.clone();
        let mut d_x = io.d_output;
        for (axis, &[before, _]) in self.padding.iter().enumerate() {
            d_x = graph.slice(d_x, axis, before, before + input[axis])?;
        }
        Ok(vec![Some(d_x)])
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        const EXTENTS: AxisNames = AxisNames(["E0", "E1", "E2", "E3", "E4", "E5"]);
        const INPUTS: AxisNames = AxisNames(["N0", "N1", "N2", "N3", "N4", "N5"]);
        const BEFORE: AxisNames = AxisNames(["B0", "B1", "B2", "B3", "B4", "B5"]);
        let mut axes = self.axes(&l.inputs[0].shape);
        let last = axes.len() - 1;
        let Axis { input, before, output } = axes[last];
        let width = common_width(&[input, before, output]);
        axes[last] = Axis { input: input / width, before: before / width, output: output / width };
        let values = |of: fn(&Axis) -> usize| axes.iter().map(of).collect::<Vec<_>>();
        let count = l.output.count() / width;
        let launch = Launch::new(count, 2 * 4 * width, IN_SOFTWARE, l.caps);
        let kernel = Kernel::new(source!("pad_constant")).constant("Elem", float(width));
        let mut kernel = launch.define(kernel).constant("RANK", axes.len());
        kernel = EXTENTS.define(kernel, &values(|a| a.output), 1);
        kernel = INPUTS.define(kernel, &values(|a| a.input), 1);
        kernel = BEFORE.define(kernel, &values(|a| a.before), 0);
        let call = KernelCall::new(kernel, launch.grid(count, l.caps)).bind_inputs(1);
        let call = call.bind(Operand::Output).param("count", count).param("value", self.value);
        vec![Strategy::single(if width == 4 { "vec4" } else { "scalar" }, call)]
    }

    fn flops(&self, _: &OpTypes<'_>) -> u64 {
        0
    }
}

impl Graph {
    /// `x` with a border of `value`: `padding` is `[before, after]` of each axis.
    ///
    /// # Errors
    /// When `x` is not f32, `padding` has not one entry an axis, or more than six axes are padded.
    pub fn pad(&mut self, x: NodeId, padding: &[[usize; 2]], value: f32) -> Result<NodeId, GraphError> {
        let none = padding.len() == self.ty(x).shape.rank() && padding.iter().all(|p| *p == [0, 0]);
        if none { Ok(x) } else { self.apply(Pad { padding: padding.to_vec(), value }, &[x]) }
    }
}

/// Cases.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, x: CaseInput, padding: &[[usize; 2]], value| {
        Case::new(name, Pad { padding: padding.to_vec(), value }, vec![x])
    };
    vec![
        case("images", CaseInput::f32([2, 3, 4, 5]), &[[0, 0], [0, 0], [1, 2], [3, 0]], 0.0),
        case("whole vectors", CaseInput::f32([2, 3, 4]), &[[0, 0], [1, 1], [4, 8]], -1.5),
        case("channels", CaseInput::f32([2, 3, 2, 2]), &[[0, 0], [1, 0], [0, 0], [0, 0]], 0.0),
        case("rows before", CaseInput::f32([3, 5]), &[[2, 0], [0, 0]], 0.5),
        case(
            "every second axis",
            CaseInput::f32([2, 2, 3, 1, 2, 2]),
            &[[1, 0], [0, 1], [2, 0], [1, 1], [0, 2], [1, 0]],
            2.0,
        ),
        case("a vector", CaseInput::f32([130]), &[[1, 1]], 0.0),
        case("a large matrix", CaseInput::f32([727, 721]), &[[1, 1], [2, 0]], 1.0).forward_only(),
    ]
}
