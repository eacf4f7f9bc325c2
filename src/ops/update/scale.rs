//! The scale of a loss, which keeps gradients within f16: when a step counts, and how the scale goes on.

use crate::graph::{Gradients, Graph, GraphError, Lowering, NodeId, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Kernel, KernelCall, Operand, Strategy, source};
use crate::tensor::{Array, TensorType};

/// norm `[]`, factor `[]` → `[]`: the factor where the norm is finite, else [`SKIP`].
#[derive(Clone, Debug, PartialEq)]
pub struct UnlessOverflow;

/// The factor of gradients that makes an update leave everything as it is: any below 0.
pub const SKIP: f32 = -1.0;

/// An effect: how a loss scale goes on after a step, as `torch.amp.GradScaler` has it (Micikevicius et al., *Mixed
/// Precision Training*, 2018).
///
/// Inputs, all f32 `[]`: the scale, the steps since it last changed, and the factor of the gradients. After
/// a step that was skipped the scale shrinks; after `interval` that were not it grows.
#[derive(Clone, Debug, PartialEq)]
pub struct NextScale {
    /// What the scale is multiplied by when it grows.
    pub growth: f32,
    /// What it is multiplied by when it shrinks.
    pub backoff: f32,
    /// Steps without a skip before it grows.
    pub interval: u32,
}

impl Op for UnlessOverflow {
    fn name(&self) -> &'static str {
        "unless_overflow"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let scalar = TensorType::f32([]);
        match inputs {
            [norm, factor] if (norm, factor) == (&scalar, &scalar) => Ok(scalar),
            _ => Err(ShapeError::new("takes a norm and a factor, both f32[]")),
        }
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let value = if inputs[0].values[0].is_finite() { inputs[1].values[0] } else { f64::from(SKIP) };
        Array::full([], value)
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        io.undefined(graph)
    }

    fn lower(&self, _: &Lowering<'_>) -> Candidates {
        let kernel = Kernel::new(source!("unless_overflow"));
        let call = KernelCall::new(kernel, [1; 3]).bind_inputs(2).bind(Operand::Output);
        vec![Strategy::single("one", call.param("skip", SKIP))]
    }
}

impl Op for NextScale {
    fn name(&self) -> &'static str {
        "next_scale"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        if inputs.len() == 3 && inputs.iter().all(|ty| *ty == TensorType::f32([])) {
            Ok(TensorType::f32([0]))
        } else {
            Err(ShapeError::new("takes a scale, its steps and a factor, all f32[]"))
        }
    }

    fn reference(&self, _: &[&Array]) -> Array {
        Array::zeros([0])
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        io.undefined(graph)
    }

    fn lower(&self, _: &Lowering<'_>) -> Candidates {
        let call = KernelCall::new(Kernel::new(source!("next_scale")), [1; 3])
            .bind_inputs(3)
            .param("growth", self.growth)
            .param("backoff", self.backoff)
            .param("interval", self.interval);
        vec![Strategy::single("one", call)]
    }

    fn flops(&self, _: &OpTypes<'_>) -> u64 {
        1
    }

    fn mutates(&self) -> &'static [usize] {
        &[0, 1]
    }

    fn mutate(&self, inputs: &mut [Array]) {
        let [scale, steps, factor] = inputs else { return };
        let next = steps.values[0] + 1.0;
        let (by, next) = if factor.values[0] < 0.0 {
            (self.backoff, 0.0)
        } else if next >= f64::from(self.interval) {
            (self.growth, 0.0)
        } else {
            (1.0, next)
        };
        scale.values[0] *= f64::from(by);
        steps.values[0] = next;
    }
}

impl Graph {
    /// `factor` `[]`, or [`SKIP`] where `norm` `[]` is not finite.
    ///
    /// # Errors
    /// When one of them is not f32 `[]`.
    pub fn unless_overflow(&mut self, norm: NodeId, factor: NodeId) -> Result<NodeId, GraphError> {
        self.apply(UnlessOverflow, &[norm, factor])
    }
}
