//! The ops, one file each: struct, [`Op`] implementation, builder on [`Graph`](crate::graph::Graph), and the cases that test and time it.

use std::sync::Arc;

use crate::graph::Op;
use crate::tensor::random::Random;
use crate::tensor::{DType, HostData, HostTensor, TensorType};

pub mod arg_max;
pub mod batch_norm;
pub mod concat;
pub mod conv2d;
pub(crate) mod coop;
mod copy;
pub mod cross_entropy;
pub mod dropout;
pub mod expand;
pub mod gather;
mod group;
pub mod image_batch;
mod launch;
mod layer_norm;
mod losses;
pub mod matmul;
pub mod pack;
pub mod pad;
pub mod pointwise;
pub mod pool;
pub mod recurrent;
pub mod reduce;
pub mod reshape;
mod row;
pub mod sample;
pub mod scatter_add;
pub mod slice;
pub mod softmax;
mod split;
mod stream;
pub mod transpose;
pub mod tree;
pub mod update;

/// All ops: the table that the tests and the benchmarks walk.
pub const OPS: &[OpEntry] = &[
    OpEntry { name: "arg_max", cases: arg_max::cases },
    OpEntry { name: "batch_norm", cases: batch_norm::cases },
    OpEntry { name: "concat", cases: concat::cases },
    OpEntry { name: "conv2d", cases: conv2d::cases },
    OpEntry { name: "cross_entropy", cases: cross_entropy::cases },
    OpEntry { name: "dropout", cases: dropout::cases },
    OpEntry { name: "expand", cases: expand::cases },
    OpEntry { name: "gather", cases: gather::cases },
    OpEntry { name: "image_batch", cases: image_batch::cases },
    OpEntry { name: "matmul", cases: matmul::cases },
    OpEntry { name: "pack", cases: pack::cases },
    OpEntry { name: "pad", cases: pad::cases },
    OpEntry { name: "pointwise", cases: pointwise::cases },
    OpEntry { name: "pool", cases: pool::cases },
    OpEntry { name: "recurrent", cases: recurrent::cases },
    OpEntry { name: "reduce", cases: reduce::cases },
    OpEntry { name: "reshape", cases: reshape::cases },
    OpEntry { name: "sample", cases: sample::cases },
    OpEntry { name: "scatter_add", cases: scatter_add::cases },
    OpEntry { name: "slice", cases: slice::cases },
    OpEntry { name: "softmax", cases: softmax::cases },
    OpEntry { name: "transpose", cases: transpose::cases },
    OpEntry { name: "tree", cases: tree::cases },
    OpEntry { name: "update", cases: update::cases },
];

/// A row of [`OPS`].
#[derive(Clone, Copy, Debug)]
pub struct OpEntry {
    /// The op's file.
    pub name: &'static str,
    /// Its cases.
    pub cases: fn() -> Vec<Case>,
}

/// One use of an op, to be tested against the reference and timed.
#[derive(Clone, Debug)]
pub struct Case {
    /// What is particular about it.
    pub name: String,
    /// The op.
    pub op: Arc<dyn Op>,
    /// The inputs.
    pub inputs: Vec<CaseInput>,
    /// Largest allowed |kernel − reference| / (1 + |reference|).
    pub tolerance: f64,
    /// Whether the gradient is checked by finite differences.
    pub gradient: bool,
    /// How many elements of the output the op says something of; of the rest anything may come.
    pub defined: usize,
}

/// An input of a case.
#[derive(Clone, Debug)]
pub struct CaseInput {
    /// Shape and element type.
    pub ty: TensorType,
    /// How its values are drawn.
    pub values: Values,
}

/// How the values of a case's input are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Values {
    /// Uniform in `[low, high)`.
    Uniform(f32, f32),
    /// A shuffled arithmetic sequence in (−1, 1): all values differ by far more than a finite difference, so that a
    /// maximum is not moved by one.
    Distinct,
    /// Integers below this bound.
    Index(u32),
    /// 0 or 1, in equal parts.
    Flag,
    /// The words `(7, 3)`: seed and step of a random op.
    Clock,
    /// These words.
    Given(&'static [u32]),
}

impl Case {
    /// A case with the usual tolerance, whose gradient is checked.
    pub fn new(name: impl Into<String>, op: impl Op + 'static, inputs: Vec<CaseInput>) -> Self {
        Self { name: name.into(), op: Arc::new(op), inputs, tolerance: 1e-5, gradient: true, defined: usize::MAX }
    }

    /// Sets the tolerance.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Says of how many elements of the output the op says something.
    #[must_use]
    pub fn defined(mut self, count: usize) -> Self {
        self.defined = count;
        self
    }

    /// Leaves the gradient out: of an op that has none, or an effect.
    #[must_use]
    pub fn forward_only(mut self) -> Self {
        self.gradient = false;
        self
    }
}

impl CaseInput {
    /// An f32 input uniform in `[-1, 1)`.
    pub fn f32<const N: usize>(shape: [usize; N]) -> Self {
        Self { ty: TensorType::f32(shape), values: Values::Uniform(-1.0, 1.0) }
    }

    /// An f32 input with other values.
    pub fn f32_of<const N: usize>(shape: [usize; N], values: Values) -> Self {
        Self { ty: TensorType::f32(shape), values }
    }

    /// The same input in f16.
    #[must_use]
    pub fn half(mut self) -> Self {
        self.ty.dtype = DType::F16;
        self
    }

    /// Integers below `bound`.
    pub fn index<const N: usize>(shape: [usize; N], bound: u32) -> Self {
        Self { ty: TensorType::u32(shape), values: Values::Index(bound) }
    }

    /// The clock of a random op: `(seed, step)`.
    pub fn clock() -> Self {
        Self { ty: TensorType::u32([2]), values: Values::Clock }
    }

    /// Values of its kind, the same on every run; inputs of one case take different streams. `None` when the kind does
    /// not suit the element type.
    pub fn draw(&self, stream: u32) -> Option<HostTensor> {
        let mut random = Random::new(1, 0, stream);
        let count = self.ty.count();
        let data = match self.values {
            Values::Uniform(low, high) => {
                HostData::F32((0..count).map(|_| low + (high - low) * random.uniform()).collect())
            }
            Values::Distinct => {
                let mut order: Vec<usize> = (0..count).collect();
                random.shuffle(&mut order);
                HostData::F32(order.into_iter().map(|i| (2 * i + 1) as f32 / count as f32 - 1.0).collect())
            }
            Values::Index(bound) => HostData::U32((0..count).map(|_| random.below(bound)).collect()),
            Values::Flag => HostData::F32((0..count).map(|_| random.below(2) as f32).collect()),
            Values::Clock => HostData::U32(vec![7, 3]),
            Values::Given(words) => HostData::U32(words.to_vec()),
        };
        let shape = self.ty.shape.clone();
        let tensor = match data {
            HostData::F32(values) if self.ty.dtype == DType::F16 => HostTensor::f16(shape, &values),
            HostData::F32(values) => HostTensor::f32(shape, values),
            HostData::U32(values) => HostTensor::u32(shape, values),
            HostData::F16(_) => None,
        };
        tensor.filter(|tensor| tensor.ty() == self.ty)
    }
}
