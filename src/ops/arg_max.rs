//! Where the largest element along an axis is.

use super::copy::around;
use super::split::may_turn;
use super::{Case, CaseInput, Values};
use crate::graph::{Gradients, Graph, GraphError, Lowering, NodeId, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Kernel, KernelCall, Operand, Strategy, linear_grid, source};
use crate::tensor::{Array, DType, TensorType};

const WORKGROUP: usize = 64;
/// Invocations that look for a row's largest together.
const TREE_WORKGROUP: usize = 128;

/// Input f32 `[…]` → u32, without `axis`: the index along it of the largest element, the first of equals.
#[derive(Clone, Debug, PartialEq)]
pub struct ArgMax {
    /// The axis.
    pub axis: usize,
}

impl Op for ArgMax {
    fn name(&self) -> &'static str {
        "arg_max"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [x] = inputs else { return Err(ShapeError::new("takes one input")) };
        if x.dtype != DType::F32 || self.axis >= x.shape.rank() || x.count() == 0 {
            return Err(ShapeError::new(format!("axis {} of {x}", self.axis)));
        }
        let mut shape = x.shape.to_vec();
        shape.remove(self.axis);
        Ok(TensorType::u32(shape))
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let x = inputs[0];
        let (outer, length, inner) = around(&x.shape, self.axis);
        let mut shape = x.shape.to_vec();
        shape.remove(self.axis);
        let best = |row: usize| {
            let first = row / inner * length * inner + row % inner;
            let at = |i: usize| x.values[first + i * inner];
            (1..length).fold(0, |best, i| if at(i) > at(best) { i } else { best }) as f64
        };
        Array::new(shape, (0..outer * inner).map(best).collect())
    }

    fn vjp(&self, _: &mut Graph, _: &Vjp<'_>) -> Result<Gradients, GraphError> {
        Ok(vec![None])
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let (_, length, inner) = around(&l.inputs[0].shape, self.axis);
        let rows = l.output.count();
        let strategy = |name, source, workgroup: usize, workgroups| {
            let kernel = Kernel::new(source).constant("WG", workgroup);
            let call = KernelCall::new(kernel, linear_grid(workgroups, l.caps)).bind_inputs(1).bind(Operand::Output);
            Strategy::single(name, call.param("rows", rows).param("length", length).param("inner", inner))
        };
        let tree = strategy("tree", source!("arg_max_tree"), TREE_WORKGROUP, rows);
        if !may_turn(length, l.caps) {
            return vec![tree];
        }
        let lines = strategy("lines", source!("arg_max"), WORKGROUP, rows.div_ceil(WORKGROUP));
        match l.caps.is_software() || length < TREE_WORKGROUP {
            true => vec![lines, tree],
            false => vec![tree, lines],
        }
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        types.inputs[0].count() as u64
    }
}

impl Graph {
    /// The index (u32) of the largest element of `x` along `axis`, the first of equals; the axis goes. No gradient flows.
    ///
    /// # Errors
    /// When `axis` is not one of `x`.
    pub fn arg_max(&mut self, x: NodeId, axis: usize) -> Result<NodeId, GraphError> {
        self.apply(ArgMax { axis }, &[x])
    }
}

/// Cases.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, axis, input| Case::new(name, ArgMax { axis }, vec![input]).forward_only();
    vec![
        case("of classes", 1, CaseInput::f32([65, 10])),
        case("along the first axis", 0, CaseInput::f32([7, 5])),
        case("of channels", 1, CaseInput::f32([2, 3, 4, 5])),
        case("of many classes", 1, CaseInput::f32([3, 1000])),
        case("of many turns", 1, CaseInput::f32([2, 66_000])),
        case("first of equals in a long row", 1, CaseInput::f32_of([3, 700], Values::Uniform(0.5, 0.5))),
        case("first of equals", 1, CaseInput::f32_of([4, 9], Values::Uniform(0.5, 0.5))),
    ]
}
