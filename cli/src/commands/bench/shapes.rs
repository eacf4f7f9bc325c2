//! Lists of shapes: TOML files, two of which come with the command.

use std::fs;

use anyhow::{Context, Result, bail};
use girih::bench::{
    self, BatchNormPass, BenchCase, Convolution, ConvolutionPass, CrossEntropyPass, GatherPass, Pooling, PoolingPass,
    Product, Recurrence, RecurrencePass, SoftmaxPass, batch_norm, convolution, cross_entropy, dropout, gather, pooling,
    product, recurrence, reduction, softmax, transpose,
};
use girih::graph::ShapeError;
use girih::ops::pointwise::functions::FUNCTIONS;
use girih::ops::reduce::Reduction;
use serde::Deserialize;

use super::args::CellName;

const CIFAR: &str = include_str!("../../../shapes/cifar.toml");
const DEEPBENCH: &str = include_str!("../../../shapes/deepbench.toml");

/// A family of ops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Matmul,
    Conv,
    Pool,
    Reduce,
    Softmax,
    BatchNorm,
    Pointwise,
    Rnn,
    CrossEntropy,
    Gather,
    Transpose,
    Dropout,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Matmul,
        Self::Conv,
        Self::Pool,
        Self::Reduce,
        Self::Softmax,
        Self::BatchNorm,
        Self::Pointwise,
        Self::Rnn,
        Self::CrossEntropy,
        Self::Gather,
        Self::Transpose,
        Self::Dropout,
    ];
}

/// A list of shapes, as a file has it.
#[derive(Deserialize, Debug, Default)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Shapes {
    matmul: Vec<Matmul>,
    conv: Vec<Conv>,
    pool: Vec<Pool>,
    reduce: Vec<Reduce>,
    softmax: Vec<Softmax>,
    batch_norm: Vec<BatchNorm>,
    pointwise: Vec<Pointwise>,
    rnn: Vec<Rnn>,
    cross_entropy: Vec<CrossEntropy>,
    gather: Vec<Gather>,
    transpose: Vec<Transpose>,
    dropout: Vec<Dropout>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Matmul {
    #[serde(default = "one")]
    batch: usize,
    m: usize,
    n: usize,
    k: usize,
    #[serde(default)]
    transpose_a: bool,
    #[serde(default)]
    transpose_b: bool,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Conv {
    batch: usize,
    channels: usize,
    size: [usize; 2],
    filters: usize,
    #[serde(default = "three")]
    kernel: [usize; 2],
    #[serde(default = "ones")]
    stride: [usize; 2],
    /// As much as keeps the size under an odd kernel.
    padding: Option<[usize; 2]>,
    #[serde(default = "ones")]
    dilation: [usize; 2],
    #[serde(default = "one")]
    groups: usize,
    #[serde(default = "all_passes")]
    passes: Vec<ConvPass>,
}

#[derive(Deserialize, Debug, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum ConvPass {
    Forward,
    DInput,
    DWeight,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Pool {
    batch: usize,
    channels: usize,
    size: [usize; 2],
    #[serde(default = "twos")]
    kernel: [usize; 2],
    #[serde(default = "twos")]
    stride: [usize; 2],
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Reduce {
    shape: Vec<usize>,
    axes: Vec<usize>,
    #[serde(default)]
    kind: ReduceKind,
}

#[derive(Deserialize, Debug, Clone, Copy, Default)]
#[serde(rename_all = "kebab-case")]
enum ReduceKind {
    #[default]
    Sum,
    Mean,
    SumSquares,
    Max,
    Min,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Softmax {
    shape: Vec<usize>,
    /// The last.
    axis: Option<usize>,
    #[serde(default)]
    log: bool,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct BatchNorm {
    shape: Vec<usize>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Pointwise {
    function: String,
    shape: Vec<usize>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Rnn {
    cell: CellName,
    hidden: usize,
    batch: usize,
    steps: usize,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct CrossEntropy {
    rows: usize,
    classes: usize,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Gather {
    rows: usize,
    columns: usize,
    count: usize,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Transpose {
    shape: Vec<usize>,
    order: Vec<usize>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Dropout {
    shape: Vec<usize>,
}

fn one() -> usize {
    1
}

fn ones() -> [usize; 2] {
    [1; 2]
}

fn twos() -> [usize; 2] {
    [2; 2]
}

fn three() -> [usize; 2] {
    [3; 2]
}

fn all_passes() -> Vec<ConvPass> {
    vec![ConvPass::Forward, ConvPass::DInput, ConvPass::DWeight]
}

impl Shapes {
    /// The list of this name, or in this file.
    ///
    /// # Errors
    /// The file cannot be read or is no list of shapes; the message is one line and names the line of the file.
    pub fn open(name: &str) -> Result<Self> {
        let text = match name {
            "cifar" => CIFAR.to_owned(),
            "deepbench" => DEEPBENCH.to_owned(),
            file => fs::read_to_string(file).with_context(|| {
                format!("cannot read the shapes {file} (the lists that come along: cifar, deepbench)")
            })?,
        };
        toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
            let why = error.message().lines().next().unwrap_or("it is damaged").to_owned();
            anyhow::anyhow!("{name}, line {line}: {why}")
        })
    }

    /// The cases of one family.
    ///
    /// # Errors
    /// A shape that is none; the message tells which.
    pub fn cases(&self, family: Family) -> Result<Vec<BenchCase>> {
        match family {
            Family::Matmul => all("matmul", &self.matmul, |shape| Ok(vec![shape.case()?])),
            Family::Conv => all("conv", &self.conv, Conv::cases),
            Family::Pool => all("pool", &self.pool, Pool::cases),
            Family::Reduce => all("reduce", &self.reduce, |shape| Ok(vec![shape.case()?])),
            Family::Softmax => all("softmax", &self.softmax, Softmax::cases),
            Family::BatchNorm => all("batch-norm", &self.batch_norm, BatchNorm::cases),
            Family::Pointwise => all("pointwise", &self.pointwise, |shape| Ok(vec![shape.case()?])),
            Family::Rnn => all("rnn", &self.rnn, Rnn::cases),
            Family::CrossEntropy => all("cross-entropy", &self.cross_entropy, CrossEntropy::cases),
            Family::Gather => all("gather", &self.gather, Gather::cases),
            Family::Transpose => {
                all("transpose", &self.transpose, |shape| Ok(vec![transpose(&shape.shape, &shape.order)?]))
            }
            Family::Dropout => all("dropout", &self.dropout, |shape| Ok(vec![dropout(&shape.shape)?])),
        }
    }
}

/// The cases of a family's shapes, errors with their place.
fn all<T>(
    family: &str,
    shapes: &[T],
    cases: impl Fn(&T) -> Result<Vec<BenchCase>, ShapeError>,
) -> Result<Vec<BenchCase>> {
    let mut found = Vec::new();
    for (number, shape) in (1..).zip(shapes) {
        match cases(shape) {
            Ok(cases) => found.extend(cases),
            Err(error) => bail!("{family} {number} of the shapes: {}", error.0),
        }
    }
    Ok(found)
}

impl Matmul {
    fn case(&self) -> Result<BenchCase, ShapeError> {
        let &Self { batch, m, n, k, transpose_a, transpose_b } = self;
        product(&Product { batch, m, n, k, transpose_a, transpose_b })
    }
}

impl Conv {
    fn cases(&self) -> Result<Vec<BenchCase>, ShapeError> {
        let &Self { batch, channels, size, filters, kernel, stride, padding, dilation, groups, .. } = self;
        let padding = padding.unwrap_or(kernel.map(|extent| extent / 2));
        let conv = Convolution { batch, channels, size, filters, kernel, stride, padding, dilation, groups };
        let pass = |pass: &ConvPass| match pass {
            ConvPass::Forward => ConvolutionPass::Forward,
            ConvPass::DInput => ConvolutionPass::DInput,
            ConvPass::DWeight => ConvolutionPass::DWeight,
        };
        self.passes.iter().map(|which| convolution(&conv, pass(which))).collect()
    }
}

impl Pool {
    fn cases(&self) -> Result<Vec<BenchCase>, ShapeError> {
        let &Self { batch, channels, size, kernel, stride } = self;
        let pool = Pooling { batch, channels, size, kernel, stride };
        let passes = [PoolingPass::Max, PoolingPass::MaxGradient, PoolingPass::Mean, PoolingPass::MeanGradient];
        passes.into_iter().map(|pass| pooling(&pool, pass)).collect()
    }
}

impl Reduce {
    fn case(&self) -> Result<BenchCase, ShapeError> {
        let kind = match self.kind {
            ReduceKind::Sum => Reduction::Sum,
            ReduceKind::Mean => Reduction::Mean,
            ReduceKind::SumSquares => Reduction::SumSquares,
            ReduceKind::Max => Reduction::Max,
            ReduceKind::Min => Reduction::Min,
        };
        reduction(kind, &self.shape, &self.axes)
    }
}

impl Softmax {
    fn cases(&self) -> Result<Vec<BenchCase>, ShapeError> {
        let axis = self.axis.unwrap_or(self.shape.len().saturating_sub(1));
        let passes = [SoftmaxPass::Forward, SoftmaxPass::Gradient];
        passes.into_iter().map(|pass| softmax(&self.shape, axis, self.log, pass)).collect()
    }
}

impl BatchNorm {
    fn cases(&self) -> Result<Vec<BenchCase>, ShapeError> {
        let passes = [BatchNormPass::Statistics, BatchNormPass::Apply, BatchNormPass::Sums, BatchNormPass::Gradient];
        passes.into_iter().map(|pass| batch_norm(&self.shape, pass)).collect()
    }
}

impl Pointwise {
    fn case(&self) -> Result<BenchCase, ShapeError> {
        let function = FUNCTIONS.iter().find(|function| function.name == self.function);
        let unknown = || ShapeError::new(format!("no function is called {}", self.function));
        bench::pointwise(function.ok_or_else(unknown)?, &self.shape)
    }
}

impl Rnn {
    fn cases(&self) -> Result<Vec<BenchCase>, ShapeError> {
        let &Self { cell, hidden, batch, steps } = self;
        let shape = Recurrence { cell: cell.cell(), hidden, batch, steps };
        [RecurrencePass::Forward, RecurrencePass::Backward].into_iter().map(|pass| recurrence(&shape, pass)).collect()
    }
}

impl CrossEntropy {
    fn cases(&self) -> Result<Vec<BenchCase>, ShapeError> {
        let passes = [CrossEntropyPass::Loss, CrossEntropyPass::Gradient];
        passes.into_iter().map(|pass| cross_entropy(self.rows, self.classes, pass)).collect()
    }
}

impl Gather {
    fn cases(&self) -> Result<Vec<BenchCase>, ShapeError> {
        let passes = [GatherPass::Gather, GatherPass::ScatterAdd];
        passes.into_iter().map(|pass| gather(self.rows, self.columns, self.count, pass)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_that_come_along_hold_together() {
        let count = |name, family| Shapes::open(name).unwrap().cases(family).unwrap().len();
        assert_eq!((count("deepbench", Family::Matmul), count("deepbench", Family::Conv)), (160, 3 * 90));
        assert_eq!(count("deepbench", Family::Rnn), 2 * 52);
        for family in Family::ALL {
            assert!(count("cifar", family) > 0, "{family:?}");
        }
    }

    #[test]
    fn cases_of_a_list_have_names_of_their_own() {
        for name in ["cifar", "deepbench"] {
            let shapes = Shapes::open(name).unwrap();
            let cases = Family::ALL.into_iter().flat_map(|family| shapes.cases(family).unwrap());
            let mut names: Vec<_> = cases.map(|case| format!("{} {}", case.op, case.shape)).collect();
            names.sort();
            let count = names.len();
            names.dedup();
            assert_eq!(names.len(), count, "{name}");
        }
    }
}
