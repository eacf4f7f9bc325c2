//! Stochastic gradient descent over a bank.

use crate::graph::{Gradients, Graph, GraphError, Lowering, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Kernel, source};
use crate::tensor::{Array, TensorType};

/// An effect: a step of stochastic gradient descent, as PyTorch defines it (dampening 0).
///
/// Inputs: parameters, then velocity unless `momentum` is 0, then gradients, all of one type; rates `[4]` (see
/// [`super::RATES`]); and when `scaled` a factor `[]` of the gradients, below 0 to skip
/// the step. With `g = factor · gradient + weight_decay ·
/// parameter`: `velocity ← momentum · velocity + g`, and the parameter loses `learning_rate` times the velocity, or with
/// `nesterov` times `g + momentum · velocity`, or without momentum times `g`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sgd {
    /// What part of the velocity stays, in `[0, 1)`; at 0 there is none.
    pub momentum: f32,
    /// Whether the step looks ahead (Sutskever et al., 2013).
    pub nesterov: bool,
    /// What part of the parameter is added to the gradient.
    pub weight_decay: f32,
    /// Whether there is a factor from the device.
    pub scaled: bool,
}

impl Sgd {
    fn tensors(&self) -> usize {
        if self.momentum > 0.0 { 3 } else { 2 }
    }
}

impl Op for Sgd {
    fn name(&self) -> &'static str {
        "sgd"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        super::check(inputs, self.tensors(), self.scaled)
    }

    fn reference(&self, _: &[&Array]) -> Array {
        Array::zeros([0])
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        io.undefined(graph)
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let source = if self.momentum > 0.0 { source!("sgd_momentum") } else { source!("sgd_plain") };
        let kernel = Kernel::new(source).code(super::factor_code(self.tensors() + 1, self.scaled));
        if self.momentum > 0.0 {
            let kernel = kernel.constant("NESTEROV", self.nesterov);
            return super::strategies(l, &kernel, |call| {
                call.param("momentum", self.momentum).param("weight_decay", self.weight_decay)
            });
        }
        super::strategies(l, &kernel, |call| call.param("weight_decay", self.weight_decay))
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        types.inputs[0].count() as u64 * if self.momentum > 0.0 { 7 } else { 5 }
    }

    fn mutates(&self) -> &'static [usize] {
        if self.momentum > 0.0 { &[0, 1] } else { &[0] }
    }

    fn mutate(&self, inputs: &mut [Array]) {
        let momentum = f64::from(self.momentum);
        let rates = inputs[self.tensors()].values.clone();
        let own = if self.scaled { inputs[self.tensors() + 1].values[0] } else { 1.0 };
        if own < 0.0 {
            return;
        }
        let factor = rates[1] * own;
        for i in 0..inputs[0].values.len() {
            let parameter = inputs[0].values[i];
            let g = factor * inputs[self.tensors() - 1].values[i] + f64::from(self.weight_decay) * parameter;
            let mut step = g;
            if momentum > 0.0 {
                let velocity = momentum * inputs[1].values[i] + g;
                inputs[1].values[i] = velocity;
                step = if self.nesterov { g + momentum * velocity } else { velocity };
            }
            inputs[0].values[i] = parameter - rates[0] * step;
        }
    }
}
