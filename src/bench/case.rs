//! A case to be measured: an op on inputs of some shape, and which part of it is enough to check it.

use std::collections::BTreeMap;

use crate::gpu::Caps;
use crate::graph::{OpTypes, ShapeError};
use crate::ops::{Case, CaseInput};
use crate::tensor::random::Random;
use crate::tensor::{Array, HostData, HostTensor, Shape, TensorType};

/// Floating-point operations up to which the f64 reference computes the whole result.
const REFERENCE_FLOPS: f64 = 3e7;
/// Places that a check takes of an axis at most: with two axes, some 500 results.
const MOST_PLACES: usize = 24;

/// What is measured.
#[derive(Clone, Debug)]
pub struct BenchCase {
    /// What it is, such as `matmul` or `conv d_weight`.
    pub op: &'static str,
    /// Its extents in words, such as `512x512x512 NT`.
    pub shape: String,
    /// The op, its inputs and the tolerance.
    pub case: Case,
    /// M, N and K of the matrix product that takes as many operations, if there is one.
    pub gemm: Option<[usize; 3]>,
    /// Bytes of its inputs that no kernel needs to read.
    pub(super) unread: u64,
    pub(super) axes: Axes,
}

/// What lies one after another in a tensor, the axes of each a letter, as in Einstein's notation, with its extents: the
/// tensor itself, or the several tensors that a flat one holds.
pub(super) type Blocks = Vec<(String, Shape)>;

/// The axes of an op's tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Axes {
    /// Those of each input.
    pub inputs: Vec<Blocks>,
    /// Those of the output.
    pub output: Blocks,
    /// Those along which results do not depend on one another: a part of them is a smaller problem of the same op.
    pub free: String,
}

/// Places along each free axis.
pub(super) type Places = BTreeMap<char, Vec<usize>>;

impl BenchCase {
    /// The same case on f16 inputs; `None` where the op does not gain from them on a device with `caps`.
    pub fn half(mut self, caps: &Caps) -> Option<Self> {
        let (inputs, output) = (self.input_types(), self.output().ok()?);
        if !self.case.op.gains_from_f16(&OpTypes { inputs: &inputs, output: &output }, caps) {
            return None;
        }
        self.case.inputs = self.case.inputs.into_iter().map(CaseInput::half).collect();
        // The operands are exact; how matrix units round sums is theirs to say.
        self.case.tolerance = self.case.tolerance.max(1e-4);
        self.shape.push_str(", f16");
        Some(self)
    }

    /// The type of the output.
    ///
    /// # Errors
    /// When the inputs do not fit the op.
    pub fn output(&self) -> Result<TensorType, ShapeError> {
        self.case.op.infer(&self.input_types())
    }

    /// The types of the inputs.
    pub fn input_types(&self) -> Vec<TensorType> {
        self.case.inputs.iter().map(|input| input.ty.clone()).collect()
    }

    /// Floating-point operations of one run.
    pub fn flops(&self) -> u64 {
        let inputs = self.input_types();
        self.output().map_or(0, |output| self.case.op.flops(&OpTypes { inputs: &inputs, output: &output }))
    }

    /// Bytes that any kernel must move: each input, or what is needed of it, and the output once.
    pub fn bytes(&self) -> u64 {
        let output = self.output().map_or(0, |ty| ty.bytes());
        self.case.inputs.iter().map(|input| input.ty.bytes()).sum::<u64>() + output - self.unread
    }

    /// The inputs, the same on every run; `None` when values and types do not suit, a defect of the case.
    pub fn values(&self) -> Option<Vec<HostTensor>> {
        (0..self.case.inputs.len()).map(|input| self.value(input)).collect()
    }

    /// One of them.
    pub(super) fn value(&self, input: usize) -> Option<HostTensor> {
        self.case.inputs[input].draw(input as u32 + 1)
    }

    /// Where along the free axes results are checked: everywhere, if the reference can afford that, else at both ends
    /// and at random places between.
    pub(super) fn places(&self) -> Places {
        let mut extents: BTreeMap<char, usize> = BTreeMap::new();
        for (letters, shape) in self.axes.inputs.iter().chain([&self.axes.output]).flatten() {
            let free = letters.chars().zip(shape.iter()).filter(|(letter, _)| self.axes.free.contains(*letter));
            extents.extend(free.map(|(letter, &extent)| (letter, extent)));
        }
        let flops = self.flops() as f64;
        let cost = |most: usize| {
            let share = |&extent: &usize| most.min(extent) as f64 / extent.max(1) as f64;
            flops * extents.values().map(share).product::<f64>()
        };
        let most = match flops <= REFERENCE_FLOPS {
            true => usize::MAX,
            false => (1..=MOST_PLACES).rev().find(|&most| cost(most) <= REFERENCE_FLOPS).unwrap_or(1),
        };
        (0..).zip(extents).map(|(stream, (letter, extent))| (letter, some_of(extent, most, stream))).collect()
    }

    /// The part of an input (`Some`) or of the output (`None`) at `places`, in f64.
    pub(super) fn part(&self, input: Option<usize>, tensor: &HostTensor, places: &Places) -> Array {
        let value = |place: usize| match tensor.data() {
            HostData::F32(values) => f64::from(values[place]),
            HostData::U32(values) => f64::from(values[place]),
            HostData::F16(bits) => half::f16::from_bits(bits[place]).to_f64(),
        };
        let blocks = input.map_or(&self.axes.output, |i| &self.axes.inputs[i]);
        let values: Vec<f64> = whole_places(blocks, places).into_iter().map(value).collect();
        match blocks.as_slice() {
            [(letters, shape)] if shape.rank() == tensor.shape().rank() => {
                Array::new(part_shape(letters, shape, places), values)
            }
            _ => Array::new([values.len()], values),
        }
    }

    /// The place in the whole output of a place in its part.
    pub(super) fn whole_index(&self, index: &[usize], places: &Places) -> Vec<usize> {
        match self.axes.output.as_slice() {
            [(letters, shape)] if shape.rank() == index.len() => whole(letters, index, places),
            blocks => index.iter().map(|&i| whole_places(blocks, places)[i]).collect(),
        }
    }
}

/// Where in the whole tensor each element of its part lies.
fn whole_places(blocks: &[(String, Shape)], places: &Places) -> Vec<usize> {
    let (mut found, mut first) = (Vec::new(), 0);
    for (letters, shape) in blocks {
        Array::from_fn(part_shape(letters, shape, places), |index| {
            let index = whole(letters, index, places);
            found.push(first + index.iter().zip(shape.iter()).fold(0, |place, (i, extent)| place * extent + i));
            0.0
        });
        first += shape.count();
    }
    found
}

/// The shape of a block's part.
fn part_shape(letters: &str, whole_shape: &Shape, places: &Places) -> Shape {
    let extent = |(letter, &extent): (char, &usize)| places.get(&letter).map_or(extent, Vec::len);
    letters.chars().zip(whole_shape.iter()).map(extent).collect::<Vec<_>>().into()
}

/// The place in a whole block of a place in its part.
fn whole(letters: &str, index: &[usize], places: &Places) -> Vec<usize> {
    index.iter().zip(letters.chars()).map(|(&i, letter)| places.get(&letter).map_or(i, |places| places[i])).collect()
}

/// At most `most` places below `extent`, ascending, the first and the last among them.
fn some_of(extent: usize, most: usize, stream: u32) -> Vec<usize> {
    if extent <= most {
        return (0..extent).collect();
    }
    let mut random = Random::new(3, 0, stream);
    let mut places: Vec<usize> = [extent - 1, 0].into_iter().take(most).collect();
    places.extend((2..most).map(|_| random.below(extent as u32) as usize));
    places.sort_unstable();
    places.dedup();
    places
}
