//! Drawing a class by its score.

use super::split::may_turn;
use super::{Case, CaseInput};
use crate::graph::{Gradients, Graph, GraphError, Lowering, NodeId, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Kernel, KernelCall, Operand, Strategy, linear_grid, source};
use crate::tensor::random::{pcg4d, unit};
use crate::tensor::{Array, DType, TensorType};

/// Lanes that share a row.
const WORKGROUP: usize = 64;

/// Logits f32 `[n, classes]` and the clock u32 `[2]` (seed, step) → a class of each row, u32 `[n]`, drawn with the
/// probabilities `softmax(logits / temperature)` among the `top_k` largest logits.
///
/// At temperature 0 it is the largest, the first of equals. Row `i` is decided by the random word
/// `pcg4d(seed, step, stream, i)[0]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// How much the small probabilities are raised; not negative.
    pub temperature: f32,
    /// How many classes take part, all for 0. Of equal logits at the edge all do.
    pub top_k: usize,
    /// What tells this op's numbers from every other's.
    pub stream: u32,
}

impl Op for Sample {
    fn name(&self) -> &'static str {
        "sample"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [logits, clock] = inputs else { return Err(ShapeError::new("takes logits and a clock")) };
        if !(self.temperature >= 0.0 && self.temperature.is_finite()) {
            return Err(ShapeError::new(format!("temperature {} is not 0 or above", self.temperature)));
        }
        match (logits.dtype, &*logits.shape) {
            (DType::F32, &[rows, classes]) if *clock == TensorType::u32([2]) && rows > 0 && classes > 0 => {
                Ok(TensorType::u32([rows]))
            }
            _ => Err(ShapeError::new(format!(
                "logits f32[n, classes] and a clock u32[2] wanted, not {logits} and {clock}"
            ))),
        }
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let [seed, step] = [0, 1].map(|i| inputs[1].values[i] as u32);
        let classes = inputs[0].shape[1];
        let draw = |(row, logits): (usize, &[f64])| {
            let mut sorted = logits.to_vec();
            sorted.sort_by(|a, b| b.total_cmp(a));
            let (largest, kept) = (sorted[0], if self.top_k == 0 { classes } else { self.top_k.min(classes) });
            let weight = |&logit: &f64| match self.temperature {
                _ if logit < sorted[kept - 1] => 0.0,
                0.0 => f64::from(u8::from(logit == largest)),
                temperature => ((logit - largest) / f64::from(temperature)).exp(),
            };
            let first = logits.iter().position(|&logit| logit == largest).unwrap_or(0);
            if self.temperature == 0.0 {
                return first as f64;
            }
            let word = unit(pcg4d([seed, step, self.stream, row as u32])[0]);
            let mut left = f64::from(word) * logits.iter().map(weight).sum::<f64>();
            for (class, logit) in logits.iter().enumerate() {
                left -= weight(logit);
                if left < 0.0 {
                    return class as f64;
                }
            }
            first as f64
        };
        let rows = inputs[0].shape[0];
        Array::new([rows], inputs[0].values.chunks(classes).enumerate().map(draw).collect())
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        io.undefined(graph)
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let &[rows, classes] = &*l.inputs[0].shape else { return Vec::new() };
        if !may_turn(classes, l.caps) {
            return Vec::new();
        }
        let kernel = Kernel::new(source!("sample")).constant("WG", WORKGROUP).constant("CLASSES", classes);
        let call = KernelCall::new(kernel, linear_grid(rows, l.caps))
            .bind_inputs(2)
            .bind(Operand::Output)
            .param("rows", rows)
            .param("top_k", if self.top_k == 0 { classes } else { self.top_k.min(classes) })
            .param("stream", self.stream)
            .param("temperature", self.temperature);
        vec![Strategy::single("rows", call)]
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        types.inputs[0].count() as u64 * 4
    }
}

impl Graph {
    /// A class of each row of logits `[n, classes]`, u32 `[n]`, drawn with the probabilities
    /// `softmax(logits / temperature)` among the `top_k` largest (0: all); the same ones for the same `clock` (u32 `[2]`:
    /// seed, step). At temperature 0, the largest.
    ///
    /// # Errors
    /// When the temperature is negative, or the shapes do not fit. Plans for software adapters take 65,000 classes at most.
    pub fn sample(
        &mut self,
        logits: NodeId,
        clock: NodeId,
        temperature: f32,
        top_k: usize,
    ) -> Result<NodeId, GraphError> {
        let stream = self.stream();
        self.apply(Sample { temperature, top_k, stream }, &[logits, clock])
    }
}

/// Cases.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, temperature, top_k, shape: [usize; 2]| {
        let op = Sample { temperature, top_k, stream: 5 };
        Case::new(name, op, vec![CaseInput::f32(shape), CaseInput::clock()]).forward_only()
    };
    vec![
        case("all classes", 1.0, 0, [19, 7]),
        case("a high temperature", 5.0, 0, [9, 65]),
        case("the largest", 0.0, 0, [9, 65]),
        case("three of many", 0.7, 3, [20, 130]),
        case("one of one", 1.0, 4, [1, 1]),
        // A scan for each of the largest would be more turns than software Vulkan gives a loop.
        case("most of many", 1.0, 350, [3, 400]),
        case("very many", 1.0, 0, [2, 40_000]),
        case("half of the most", 1.0, 32_500, [1, 65_000]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::{AdapterKind, Caps};

    #[test]
    fn shares_are_the_probabilities() {
        let rows = 20_000;
        let logits: Vec<f64> = (0..rows).flat_map(|_| [1.0, 3.0, 2.0, -50.0]).collect();
        let clock = Array::new([2], vec![3.0, 4.0]);
        let share = |temperature, top_k, class: f64| {
            let op = Sample { temperature, top_k, stream: 1 };
            let drawn = op.reference(&[&Array::new([rows, 4], logits.clone()), &clock]);
            drawn.values.iter().filter(|&&c| c == class).count() as f64 / rows as f64
        };
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 0.015, "{found} for {expected}");
        let total = 1f64.exp() + 2f64.exp() + 3f64.exp();
        close(share(1.0, 0, 0.0), 1f64.exp() / total);
        close(share(1.0, 0, 1.0), 3f64.exp() / total);
        close(share(0.5, 2, 2.0), 4f64.exp() / (4f64.exp() + 6f64.exp()));
        assert_eq!((share(0.5, 2, 0.0), share(0.0, 0, 1.0), share(9.0, 1, 1.0)), (0.0, 1.0, 1.0));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let mut graph = Graph::new();
        let logits = graph.input("logits", TensorType::f32([3, 2]));
        let clock = graph.input("clock", TensorType::u32([2]));
        for temperature in [-1.0, f32::NAN, f32::INFINITY] {
            assert!(graph.sample(logits, clock, temperature, 0).is_err());
        }
        assert!(graph.sample(clock, clock, 1.0, 0).is_err());
        // A software driver's loops would end before the classes do.
        let op = Sample { temperature: 1.0, top_k: 0, stream: 0 };
        let inputs = [TensorType::f32([1, 70_000]), TensorType::u32([2])];
        let output = op.infer(&inputs).unwrap();
        let is_there = |kind| {
            let caps = Caps { kind, ..Caps::webgpu_minimum() };
            !op.lower(&Lowering { inputs: &inputs, output: &output, caps: &caps, epilogue: None }).is_empty()
        };
        assert!(is_there(AdapterKind::Discrete) && !is_there(AdapterKind::Software));
    }
}
