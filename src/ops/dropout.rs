//! Dropout, whose mask is recomputed from its key and never stored.

use super::launch::Launch;
use super::{Case, CaseInput};
use crate::graph::{Gradients, Graph, GraphError, Lowering, NodeId, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Kernel, KernelCall, Operand, Strategy, source};
use crate::tensor::random::{pcg4d, unit};
use crate::tensor::{Array, DType, TensorType};

/// `x` f32 and the clock u32 `[2]` (seed, step) → the shape of `x`: each element is 0 with probability `rate`, else
/// `x / (1 − rate)` (Srivastava et al., *Dropout*, 2014). Element `i` is decided by the random word
/// `pcg4d(seed, step, stream, i / 4)[i % 4]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Dropout {
    /// The probability of 0, in `[0, 1)`.
    pub rate: f32,
    /// What tells this op's mask from every other's.
    pub stream: u32,
}

impl Dropout {
    fn scale(&self) -> f32 {
        1.0 / (1.0 - self.rate)
    }
}

impl Op for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [x, clock] = inputs else { return Err(ShapeError::new("takes x and a clock")) };
        if !(0.0..1.0).contains(&self.rate) {
            return Err(ShapeError::new(format!("rate {} is not in [0, 1)", self.rate)));
        }
        if x.dtype != DType::F32 || *clock != TensorType::u32([2]) {
            return Err(ShapeError::new(format!("f32 and a clock u32[2] wanted, not {x} and {clock}")));
        }
        Ok(x.clone())
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let [seed, step] = [0, 1].map(|i| inputs[1].values[i] as u32);
        let mut index = 0u32;
        inputs[0].map(|value| {
            let word = pcg4d([seed, step, self.stream, index / 4])[index as usize % 4];
            index += 1;
            if unit(word) < self.rate { 0.0 } else { value / (1.0 - f64::from(self.rate)) }
        })
    }

    /// The same mask again.
    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        Ok(vec![Some(graph.apply(self.clone(), &[io.d_output, io.inputs[1]])?), None])
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let count = l.output.count();
        let strategy = |name, source, elements: usize| {
            let launch = Launch::new(elements, 2 * l.output.bytes() as usize / elements.max(1), 1, l.caps);
            let call = KernelCall::new(launch.define(Kernel::new(source)), launch.grid(elements, l.caps))
                .bind_inputs(2)
                .bind(Operand::Output)
                .param("count", elements)
                .param("stream", self.stream)
                .param("rate", self.rate)
                .param("scale", self.scale());
            Strategy::single(name, call)
        };
        let scalar = strategy("scalar", source!("dropout_scalar"), count);
        if count.is_multiple_of(4) {
            vec![strategy("vec4", source!("dropout_vec4"), count / 4), scalar]
        } else {
            vec![scalar]
        }
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        types.output.count() as u64
    }
}

impl Graph {
    /// `x` with each element dropped with probability `rate` and the others scaled by `1 / (1 − rate)`; the same elements
    /// for the same `clock` (u32 `[2]`: seed, step). At rate 0, `x` itself.
    ///
    /// # Errors
    /// When `rate` is not in `[0, 1)` or `clock` is not u32 `[2]`.
    pub fn dropout(&mut self, x: NodeId, clock: NodeId, rate: f32) -> Result<NodeId, GraphError> {
        if rate == 0.0 {
            return Ok(x);
        }
        let stream = self.stream();
        self.apply(Dropout { rate, stream }, &[x, clock])
    }
}

/// Cases.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, rate, x| Case::new(name, Dropout { rate, stream: 5 }, vec![x, CaseInput::clock()]);
    vec![
        case("half", 0.5, CaseInput::f32([6, 8])),
        case("a tenth of an odd number", 0.1, CaseInput::f32([7, 5])),
        case("many", 0.3, CaseInput::f32([100, 33])).forward_only(),
        case("a large odd number", 0.3, CaseInput::f32([729, 721])).forward_only(),
        case("a large number", 0.3, CaseInput::f32([2051, 1024])).forward_only(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_stays() {
        let (op, n) = (Dropout { rate: 0.25, stream: 1 }, 40_000);
        let y = op.reference(&[&Array::full([n], 1.0), &Array::new([2], vec![1.0, 9.0])]);
        let dropped = y.values.iter().filter(|&&v| v == 0.0).count();
        assert!((dropped as f64 / n as f64 - 0.25).abs() < 0.01, "{dropped}");
        assert!(y.values.iter().all(|&v| v == 0.0 || v == 1.0 / 0.75));
        let next = op.reference(&[&Array::full([n], 1.0), &Array::new([2], vec![1.0, 10.0])]);
        assert_ne!(y, next);
    }

    #[test]
    fn bad_rates_are_refused() {
        let mut graph = Graph::new();
        let x = graph.input("x", TensorType::f32([3]));
        let clock = graph.input("clock", TensorType::u32([2]));
        for rate in [-0.1, 1.0, f32::NAN] {
            assert!(graph.dropout(x, clock, rate).is_err());
        }
        assert_eq!(graph.dropout(x, clock, 0.0), Ok(x));
    }
}
