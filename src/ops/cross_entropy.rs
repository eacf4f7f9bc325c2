//! Cross-entropy of class scores against labels, fused with the log-sum-exp it needs.

use super::row::row;
use super::split::WALK;
use super::{Case, CaseInput, Values};
use crate::graph::{Gradients, Graph, GraphError, Lowering, NodeId, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Kernel, KernelCall, Operand, Source, Strategy, linear_grid, source};
use crate::tensor::{Array, DType, TensorType};

const LINES_WORKGROUP: usize = 64;

/// The label of a row that takes no part: padding, or an unlabelled sample.
pub const IGNORED: u32 = u32::MAX;

/// Logits f32 `[n, classes]` and labels u32 `[n]` → the loss of each row, f32 `[n]`:
/// `(1 − s) · −log p[label] + s / classes · Σ −log p` with `p = softmax(logits)` and smoothing `s` (Szegedy et al.,
/// *Rethinking the Inception Architecture*, 2016, as PyTorch weighs it).
///
/// A row whose label is `ignore_index` has loss 0. Any other label outside the classes is a fault of the data: its row
/// gives NaN rather than the score of another row.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossEntropy {
    /// What part of the target is spread evenly over the classes, in `[0, 1]`.
    pub smoothing: f32,
    /// The label of rows that take no part.
    pub ignore_index: u32,
}

/// The gradient of [`CrossEntropy`] with respect to the logits, from logits, labels and the gradient `[n]` of the losses.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossEntropyGrad {
    /// The op whose gradient it is.
    pub of: CrossEntropy,
}

/// Labels u32 `[n]` → how many are not `ignore_index`, f32 `[]`.
#[derive(Clone, Debug, PartialEq)]
pub struct CountLabels {
    /// The label that is not counted.
    pub ignore_index: u32,
}

impl CrossEntropy {
    /// `[n, classes]` of well-formed inputs.
    fn extents(&self, inputs: &[TensorType]) -> Result<[usize; 2], ShapeError> {
        let [logits, labels] = inputs else { return Err(ShapeError::new("takes logits and labels")) };
        if let (&[n, classes], &[m]) = (&*logits.shape, &*labels.shape)
            && (logits.dtype, labels.dtype) == (DType::F32, DType::U32)
            && (n == m && n * classes > 0)
        {
            return Ok([n, classes]);
        }
        Err(ShapeError::new(format!("logits f32[n, classes] and labels u32[n] wanted, not {logits} and {labels}")))
    }

    /// `log softmax` of row `row`.
    fn log_p(logits: &Array, row: usize) -> Vec<f64> {
        let classes = logits.shape[1];
        let scores = &logits.values[row * classes..][..classes];
        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let log_sum = largest + scores.iter().map(|v| (v - largest).exp()).sum::<f64>().ln();
        scores.iter().map(|v| v - log_sum).collect()
    }

    /// One invocation a row, which suits software Vulkan and few classes; or a workgroup a row; or a row kept in registers,
    /// which suits GPUs.
    fn candidates(&self, l: &Lowering<'_>, lines: Source, tree: Source, kept: Source) -> Candidates {
        let Ok([rows, classes]) = self.extents(&l.inputs[..2]) else { return Vec::new() };
        let call = |source, workgroup: usize, workgroups: usize| {
            let kernel = Kernel::new(source).constant("WG", workgroup);
            KernelCall::new(kernel, linear_grid(workgroups, l.caps))
                .bind_inputs(l.inputs.len())
                .bind(Operand::Output)
                .param("rows", rows)
                .param("classes", classes)
                .param("ignore_index", self.ignore_index)
                .param("smoothing", self.smoothing)
        };
        let tree = Strategy::single("tree", call(tree, if classes >= 1024 { 256 } else { 64 }, rows));
        let finish =
            |call: KernelCall| call.param("ignore_index", self.ignore_index).param("smoothing", self.smoothing);
        let kept = row(kept, [rows, classes], 1, l.inputs.len(), l.caps, finish);
        // Three passes over the row.
        if classes > WALK {
            return kept.into_iter().chain([tree]).collect();
        }
        let lines = Strategy::single("lines", call(lines, LINES_WORKGROUP, rows.div_ceil(LINES_WORKGROUP)));
        if l.caps.is_software() || classes < 32 {
            [lines, tree].into_iter().chain(kept).collect()
        } else {
            kept.into_iter().chain([tree, lines]).collect()
        }
    }
}

impl Op for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        if !(0.0..=1.0).contains(&self.smoothing) {
            return Err(ShapeError::new(format!("label smoothing {} is not in [0, 1]", self.smoothing)));
        }
        self.extents(inputs).map(|[n, _]| TensorType::f32([n]))
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let (logits, labels) = (inputs[0], inputs[1]);
        let s = f64::from(self.smoothing);
        let loss = |row: usize| {
            if labels.values[row] == f64::from(self.ignore_index) {
                return 0.0;
            }
            let log_p = Self::log_p(logits, row);
            let label = log_p.get(labels.values[row] as usize).copied().unwrap_or(f64::NAN);
            // Without smoothing a class of probability 0, whose score is -inf, is none's concern.
            let spread = if s > 0.0 { s / log_p.len() as f64 * log_p.iter().sum::<f64>() } else { 0.0 };
            -(1.0 - s) * label - spread
        };
        let n = labels.values.len();
        Array::new([n], (0..n).map(loss).collect())
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        let op = CrossEntropyGrad { of: self.clone() };
        Ok(vec![Some(graph.apply(op, &[io.inputs[0], io.inputs[1], io.d_output])?), None])
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        self.candidates(l, source!("cross_entropy_lines"), source!("cross_entropy_tree"), source!("cross_entropy_row"))
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        types.inputs[0].count() as u64 * 5
    }
}

impl Op for CrossEntropyGrad {
    fn name(&self) -> &'static str {
        "cross_entropy_grad"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [logits, labels, d] = inputs else { return Err(ShapeError::new("takes logits, labels and d_loss")) };
        let losses = self.of.infer(&[logits.clone(), labels.clone()])?;
        if *d == losses { Ok(logits.clone()) } else { Err(ShapeError::new(format!("{losses} has a gradient of {d}"))) }
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let (logits, labels, d) = (inputs[0], inputs[1], inputs[2]);
        let (s, classes) = (f64::from(self.of.smoothing), logits.shape[1]);
        let mut d_logits = Array::zeros(logits.shape.clone());
        for (row, d_row) in d_logits.values.chunks_mut(classes).enumerate() {
            if labels.values[row] == f64::from(self.of.ignore_index) {
                continue;
            }
            for ((class, d_score), log_p) in d_row.iter_mut().enumerate().zip(CrossEntropy::log_p(logits, row)) {
                let hit = f64::from(u8::from(labels.values[row] == class as f64));
                *d_score = d.values[row] * (log_p.exp() - (1.0 - s) * hit - s / classes as f64);
            }
        }
        d_logits
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        io.undefined(graph)
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let row = source!("cross_entropy_grad_row");
        self.of.candidates(l, source!("cross_entropy_grad_lines"), source!("cross_entropy_grad_tree"), row)
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        types.inputs[0].count() as u64 * 5
    }
}

impl Op for CountLabels {
    fn name(&self) -> &'static str {
        "count_labels"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        match inputs {
            [labels] if labels.dtype == DType::U32 => Ok(TensorType::f32([])),
            _ => Err(ShapeError::new("takes u32 labels")),
        }
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let counted = inputs[0].values.iter().filter(|&&label| label != f64::from(self.ignore_index));
        Array::full([], counted.count() as f64)
    }

    fn vjp(&self, _: &mut Graph, _: &Vjp<'_>) -> Result<Gradients, GraphError> {
        Ok(vec![None])
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let call = KernelCall::new(Kernel::new(source!("count_labels")).constant("WG", 64u32), [1, 1, 1])
            .bind(Operand::Input(0))
            .bind(Operand::Output)
            .param("count", l.inputs[0].count())
            .param("ignore_index", self.ignore_index);
        vec![Strategy::single("tree", call)]
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        types.inputs[0].count() as u64
    }
}

impl Graph {
    /// The loss `[n]` of each row of `logits` `[n, classes]` against `labels` (u32 `[n]`), with label smoothing in
    /// `[0, 1]`; rows labelled `ignore_index` (by habit [`IGNORED`]) have loss and gradient 0.
    ///
    /// # Errors
    /// When the shapes or element types do not fit.
    pub fn cross_entropy_rows(
        &mut self,
        logits: NodeId,
        labels: NodeId,
        smoothing: f32,
        ignore_index: u32,
    ) -> Result<NodeId, GraphError> {
        self.apply(CrossEntropy { smoothing, ignore_index }, &[logits, labels])
    }

    /// The mean `[]` of [`Graph::cross_entropy_rows`] over the rows not labelled [`IGNORED`]; as in PyTorch it is not a
    /// number when every row is ignored.
    ///
    /// # Errors
    /// When the shapes or element types do not fit.
    pub fn cross_entropy(&mut self, logits: NodeId, labels: NodeId, smoothing: f32) -> Result<NodeId, GraphError> {
        let rows = self.cross_entropy_rows(logits, labels, smoothing, IGNORED)?;
        let sum = self.sum(rows, &[0], false)?;
        let count = self.count_labels(labels, IGNORED)?;
        self.div(sum, count)
    }

    /// How many of `labels` (u32) are not `ignore_index`, f32 `[]`.
    ///
    /// # Errors
    /// When `labels` are not u32.
    pub fn count_labels(&mut self, labels: NodeId, ignore_index: u32) -> Result<NodeId, GraphError> {
        self.apply(CountLabels { ignore_index }, &[labels])
    }
}

/// Cases.
pub fn cases() -> Vec<Case> {
    let op = |smoothing| CrossEntropy { smoothing, ignore_index: IGNORED };
    let inputs = |n, classes: usize| vec![CaseInput::f32([n, classes]), CaseInput::index([n], classes as u32)];
    let with_d = |n, classes| {
        let mut inputs = inputs(n, classes);
        inputs.push(CaseInput::f32([n]));
        inputs
    };
    // Labels below 3, of which class 2 is ignored.
    let ignoring = CrossEntropy { smoothing: 0.1, ignore_index: 2 };
    let ignoring_inputs = vec![CaseInput::f32([9, 5]), CaseInput::index([9], 3)];
    let large = vec![CaseInput::f32_of([6, 10], Values::Uniform(-90.0, 90.0)), CaseInput::index([6], 10)];
    // Classes enough for a workgroup, of which the labels name the first three.
    let few = vec![CaseInput::f32([70, 64]), CaseInput::index([70], 3)];
    let mut ignoring_with_d = ignoring_inputs.clone();
    ignoring_with_d.push(CaseInput::f32([9]));
    vec![
        Case::new("ten classes", op(0.0), inputs(7, 10)),
        Case::new("label smoothing", op(0.1), inputs(7, 10)),
        Case::new("an ignored class", ignoring.clone(), ignoring_inputs),
        Case::new("large logits", op(0.0), large),
        Case::new("a batch", op(0.1), inputs(130, 10)).forward_only(),
        Case::new("many classes", op(0.1), inputs(5, 1030)).forward_only(),
        Case::new("classes in fours", op(0.1), inputs(1031, 300)).forward_only(),
        Case::new("more rows of odd length", op(0.0), inputs(1031, 97)).forward_only(),
        Case::new("labels of the first classes", ignoring.clone(), few.clone()).forward_only(),
        Case::new("gradient", CrossEntropyGrad { of: op(0.1) }, with_d(130, 10)).forward_only(),
        Case::new("gradient of classes in fours", CrossEntropyGrad { of: op(0.1) }, with_d(1031, 300)).forward_only(),
        Case::new("gradient of rows of odd length", CrossEntropyGrad { of: op(0.0) }, with_d(1031, 97)).forward_only(),
        Case::new("gradient of an ignored class", CrossEntropyGrad { of: ignoring }, ignoring_with_d).forward_only(),
        Case::new("gradient of many classes", CrossEntropyGrad { of: op(0.1) }, with_d(5, 1030)).forward_only(),
        Case::new("count", CountLabels { ignore_index: 2 }, vec![CaseInput::index([1000], 4)]).forward_only(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Feeds, evaluate};

    #[test]
    fn ignored_rows_count_for_nothing() {
        let mut graph = Graph::new();
        let logits = graph.input("logits", TensorType::f32([3, 2]));
        let labels = graph.input("labels", TensorType::u32([3]));
        let loss = graph.cross_entropy(logits, labels, 0.0).unwrap();
        let correct = graph.correct(logits, labels).unwrap();
        let d = crate::autodiff::gradients(&mut graph, loss, &[logits]).unwrap()[0].unwrap();
        let mut feeds = Feeds::from([
            (logits, Array::new([3, 2], vec![2.0, 1.0, 0.0, 0.0, 5.0, 3.0])),
            (labels, Array::new([3], vec![1.0, 0.0, f64::from(IGNORED)])),
        ]);
        let values = evaluate(&graph, &mut feeds);
        let expected = ((1.0 + 1f64.exp()).ln() + 2f64.ln()) / 2.0;
        assert!((values[loss.0 as usize].values[0] - expected).abs() < 1e-12);
        assert_eq!(values[correct.0 as usize].values, [1.0]);
        assert_eq!(values[d.0 as usize].values[2..], [-0.25, 0.25, 0.0, 0.0]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut graph = Graph::new();
        let logits = graph.input("logits", TensorType::f32([3, 2]));
        let labels = graph.input("labels", TensorType::u32([4]));
        let error = graph.cross_entropy(logits, labels, 0.0).unwrap_err();
        assert!(error.to_string().contains("f32[3, 2]") && error.to_string().contains("u32[4]"), "{error}");
        assert!(graph.cross_entropy_rows(logits, logits, 0.0, 0).is_err());
        let labels = graph.input("three", TensorType::u32([3]));
        assert!(graph.cross_entropy(logits, labels, 1.5).is_err());
    }
}
