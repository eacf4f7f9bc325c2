//! Adam and AdamW over a bank.

use crate::graph::{Gradients, Graph, GraphError, Lowering, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Kernel, source};
use crate::tensor::{Array, TensorType};

/// An effect: a step of Adam (Kingma and Ba, 2015) or AdamW (Loshchilov and Hutter, 2019), as PyTorch defines them.
///
/// Inputs: parameters, first moments, second moments and gradients, all of one type; rates `[4]` (see
/// [`super::RATES`]); and when `scaled` a factor `[]` of the gradients, below 0 to skip
/// the step. With `g = factor · gradient` and bias corrections
/// `c₁`, `c₂`: `m ← β₁ m + (1 − β₁) g`, `v ← β₂ v + (1 − β₂) g²`, and the parameter loses
/// `learning_rate / c₁ · m / (√v / √c₂ + eps)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Adam {
    /// What part of the first moment stays, in `[0, 1)`.
    pub beta1: f64,
    /// What part of the second moment stays, in `[0, 1)`.
    pub beta2: f64,
    /// What keeps the divisor from zero.
    pub eps: f32,
    /// The pull towards zero.
    pub weight_decay: f32,
    /// Whether `weight_decay` shrinks the parameter by `learning_rate · weight_decay` before the step (AdamW), instead of
    /// being added to the gradient (Adam).
    pub decoupled: bool,
    /// Whether there is a factor from the device.
    pub scaled: bool,
}

impl Op for Adam {
    fn name(&self) -> &'static str {
        "adam"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        super::check(inputs, 4, self.scaled)
    }

    fn reference(&self, _: &[&Array]) -> Array {
        Array::zeros([0])
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        io.undefined(graph)
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let kernel =
            Kernel::new(source!("adam")).constant("DECOUPLED", self.decoupled).code(super::factor_code(5, self.scaled));
        super::strategies(l, &kernel, |call| {
            call.param("beta1", self.beta1 as f32)
                .param("beta2", self.beta2 as f32)
                .param("rest1", (1.0 - self.beta1) as f32)
                .param("rest2", (1.0 - self.beta2) as f32)
                .param("eps", self.eps)
                .param("weight_decay", self.weight_decay)
        })
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        types.inputs[0].count() as u64 * 14
    }

    fn mutates(&self) -> &'static [usize] {
        &[0, 1, 2]
    }

    fn mutate(&self, inputs: &mut [Array]) {
        let (beta1, beta2) = (self.beta1, self.beta2);
        let (eps, decay) = (f64::from(self.eps), f64::from(self.weight_decay));
        let rates = inputs[4].values.clone();
        let own = if self.scaled { inputs[5].values[0] } else { 1.0 };
        if own < 0.0 {
            return;
        }
        let factor = rates[1] * own;
        for i in 0..inputs[0].values.len() {
            let mut parameter = inputs[0].values[i];
            let mut g = factor * inputs[3].values[i];
            if self.decoupled {
                parameter -= rates[0] * decay * parameter;
            } else {
                g += decay * parameter;
            }
            let m = beta1 * inputs[1].values[i] + (1.0 - beta1) * g;
            let v = beta2 * inputs[2].values[i] + (1.0 - beta2) * g * g;
            inputs[0].values[i] = parameter - rates[0] / rates[2] * m / (v.sqrt() / rates[3].sqrt() + eps);
            inputs[1].values[i] = m;
            inputs[2].values[i] = v;
        }
    }
}
