//! The problems that are measured, as plain extents, and the cases they become.

mod rows;

pub use rows::{CrossEntropyPass, GatherPass, SoftmaxPass, cross_entropy, dropout, gather, softmax, transpose};

use super::case::{Axes, BenchCase};
use crate::graph::{Function, Op, ShapeError};
use crate::ops::batch_norm::{BnApply, BnGrad, BnStats, BnSums};
use crate::ops::conv2d::{Conv2d, Conv2dDInput, Conv2dDWeight};
use crate::ops::matmul::MatMul;
use crate::ops::pointwise::Pointwise;
use crate::ops::pool::{AvgPool, AvgPoolGrad, Extreme, ExtremePool, ExtremePoolGrad, Pool2d};
use crate::ops::recurrent::{Cell, Recurrent, RecurrentGrad, Walk};
use crate::ops::reduce::{Reduce, Reduction};
use crate::ops::{Case, CaseInput, Values};
use crate::tensor::{Shape, TensorType};

const EPS: f32 = 1e-5;

/// A product of an M×K and a K×N matrix, or of a batch of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    /// Products side by side; 1 has no batch axis.
    pub batch: usize,
    /// Rows of the result.
    pub m: usize,
    /// Columns of the result.
    pub n: usize,
    /// Extent summed over.
    pub k: usize,
    /// Whether a is stored as K×M.
    pub transpose_a: bool,
    /// Whether b is stored as N×K.
    pub transpose_b: bool,
}

impl Default for Product {
    fn default() -> Self {
        Self { batch: 1, m: 1, n: 1, k: 1, transpose_a: false, transpose_b: false }
    }
}

/// A convolution of images. Defaults: a kernel of 3×3 that keeps the size, one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// Images.
    pub batch: usize,
    /// Channels of the input.
    pub channels: usize,
    /// Rows and columns of the input.
    pub size: [usize; 2],
    /// Channels of the output.
    pub filters: usize,
    /// Rows and columns of the kernel.
    pub kernel: [usize; 2],
    /// Rows and columns from window to window.
    pub stride: [usize; 2],
    /// Rows and columns of zeros on either side.
    pub padding: [usize; 2],
    /// Rows and columns between elements of a window.
    pub dilation: [usize; 2],
    /// Groups of channels that do not mix.
    pub groups: usize,
}

impl Default for Convolution {
    fn default() -> Self {
        Self {
            batch: 1,
            channels: 1,
            size: [1; 2],
            filters: 1,
            kernel: [3; 2],
            stride: [1; 2],
            padding: [1; 2],
            dilation: [1; 2],
            groups: 1,
        }
    }
}

/// What of a convolution is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConvolutionPass {
    /// The output.
    Forward,
    /// The gradient with respect to the input.
    DInput,
    /// The gradient with respect to the weight.
    DWeight,
}

/// Pooling over windows of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pooling {
    /// Images.
    pub batch: usize,
    /// Channels.
    pub channels: usize,
    /// Rows and columns of the input.
    pub size: [usize; 2],
    /// Rows and columns of a window.
    pub kernel: [usize; 2],
    /// Rows and columns from window to window.
    pub stride: [usize; 2],
}

/// What of a pooling is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolingPass {
    /// The largest of each window.
    Max,
    /// Its gradient.
    MaxGradient,
    /// The mean of each window.
    Mean,
    /// Its gradient.
    MeanGradient,
}

/// What of a batch normalisation is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchNormPass {
    /// Mean and variance of each channel.
    Statistics,
    /// The normalised input.
    Apply,
    /// The two sums that all gradients share.
    Sums,
    /// The gradient with respect to the input.
    Gradient,
}

/// The steps of a recurrent layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recurrence {
    /// What happens in a step.
    pub cell: Cell,
    /// Units.
    pub hidden: usize,
    /// Sequences.
    pub batch: usize,
    /// Steps of each.
    pub steps: usize,
}

/// Which way the steps are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecurrencePass {
    /// States and gates of all steps.
    Forward,
    /// The gates' gradients of all steps.
    Backward,
}

/// Rounding grows with the root of the number of terms; the results do too.
fn tolerance(terms: usize) -> f64 {
    2e-6 * (terms as f64).sqrt().max(5.0)
}

/// A case, once its inputs fit its op.
fn case(
    op_name: &'static str,
    shape: String,
    op: impl Op + 'static,
    inputs: Vec<(CaseInput, &str)>,
    [output, free]: [&str; 2],
) -> Result<BenchCase, ShapeError> {
    let whole = |letters: &str, ty: &TensorType| vec![(letters.to_owned(), ty.shape.clone())];
    let blocks = inputs.iter().map(|(input, letters)| whole(letters, &input.ty)).collect();
    let inputs: Vec<_> = inputs.into_iter().map(|(input, _)| input).collect();
    inputs.iter().try_for_each(|input| fits(op_name, &shape, &input.ty))?;
    let ty = op.infer(&inputs.iter().map(|input| input.ty.clone()).collect::<Vec<_>>())?;
    let axes = Axes { inputs: blocks, output: whole(output, &ty), free: free.to_owned() };
    of_blocks(op_name, shape, op, inputs, axes)
}

/// Elements of the largest tensor that is measured: the host holds it a few times over.
const MOST_ELEMENTS: u128 = 1 << 30;

fn fits(op_name: &str, shape: &str, ty: &TensorType) -> Result<(), ShapeError> {
    match ty.shape.iter().try_fold(1, |product: u128, &n| product.checked_mul(n as u128)) {
        Some(..=MOST_ELEMENTS) => Ok(()),
        _ => Err(ShapeError::new(format!("{op_name} {shape}: a tensor has more than {MOST_ELEMENTS} elements"))),
    }
}

/// A case of tensors that may hold several.
fn of_blocks(
    op_name: &'static str,
    shape: String,
    op: impl Op + 'static,
    inputs: Vec<CaseInput>,
    axes: Axes,
) -> Result<BenchCase, ShapeError> {
    let case = Case::new(&shape, op, inputs).forward_only();
    let case = BenchCase { op: op_name, shape, case, gemm: None, unread: 0, axes };
    case.case.inputs.iter().try_for_each(|input| fits(op_name, &case.shape, &input.ty))?;
    fits(op_name, &case.shape, &case.output()?)?;
    // No kernel takes an empty tensor.
    match case.output()?.count().min(case.input_types().iter().map(TensorType::count).min().unwrap_or(1)) {
        0 => Err(ShapeError::new(format!("{op_name} {}: there is nothing to compute", case.shape))),
        _ => Ok(case),
    }
}

/// `512x512` of extents.
fn by(extents: &[usize]) -> String {
    extents.iter().map(ToString::to_string).collect::<Vec<_>>().join("x")
}

/// A matrix product.
///
/// # Errors
/// When an extent is 0.
pub fn product(product: &Product) -> Result<BenchCase, ShapeError> {
    let &Product { batch, m, n, k, transpose_a, transpose_b } = product;
    let stored = |rows, columns, transposed: bool, letters: [&'static str; 4]| {
        let shape = if transposed { [columns, rows] } else { [rows, columns] };
        let letters = letters[usize::from(transposed) + if batch > 1 { 2 } else { 0 }];
        let input = match batch {
            0 | 1 => CaseInput::f32(shape),
            _ => CaseInput::f32([batch, shape[0], shape[1]]),
        };
        (input, letters)
    };
    let a = stored(m, k, transpose_a, ["mk", "km", "bmk", "bkm"]);
    let b = stored(k, n, transpose_b, ["kn", "nk", "bkn", "bnk"]);
    let letter = |transposed| if transposed { 'T' } else { 'N' };
    let many = if batch > 1 { format!("{batch} of ") } else { String::new() };
    let shape = format!("{many}{} {}{}", by(&[m, n, k]), letter(transpose_a), letter(transpose_b));
    let axes = if batch > 1 { ["bmn"; 2] } else { ["mn"; 2] };
    let mut case = case("matmul", shape, MatMul { transpose_a, transpose_b }, vec![a, b], axes)?;
    case.case.tolerance = tolerance(k);
    case.gemm = (batch == 1).then_some([m, n, k]);
    Ok(case)
}

/// One pass of a convolution.
///
/// # Errors
/// When the extents do not fit one another.
pub fn convolution(convolution: &Convolution, pass: ConvolutionPass) -> Result<BenchCase, ShapeError> {
    let &Convolution { batch, channels, size, filters, kernel, stride, padding, dilation, groups } = convolution;
    let [rows, columns] = padding;
    let conv = Conv2d { stride, padding: [rows, columns, rows, columns], dilation, groups };
    if groups == 0 {
        return Err(ShapeError::new("a convolution of 0 groups"));
    }
    let x = TensorType::f32([batch, channels, size[0], size[1]]);
    let weight = TensorType::f32([filters, channels / groups, kernel[0], kernel[1]]);
    let y = conv.infer(&[x.clone(), weight.clone()])?;
    let mut shape = format!("{batch}x{channels}x{} by {filters} of {}", by(&size), by(&kernel));
    let mut note = |what: &str, value: &[usize], usual: &[usize]| {
        if value != usual {
            shape.push_str(&format!(", {what} {}", by(value)));
        }
    };
    note("stride", &stride, &[1, 1]);
    note("padding", &padding, &[kernel[0] / 2, kernel[1] / 2]);
    note("dilation", &dilation, &[1, 1]);
    note("groups", &[groups], &[1]);
    let [x, weight, d_y] = [(x, "nchw"), (weight, "ocyx"), (y.clone(), "nohw")]
        .map(|(ty, letters)| (CaseInput { ty, values: Values::Uniform(-1.0, 1.0) }, letters));
    // Channels of several groups cannot be taken one by one.
    let free = |letters: &'static str| match groups {
        1 => letters,
        _ if letters.contains('n') => "n",
        _ => "",
    };
    let (pixels, window) = (y.shape[2] * y.shape[3], channels / groups * kernel[0] * kernel[1]);
    let (mut case, terms) = match pass {
        ConvolutionPass::Forward => (case("conv forward", shape, conv, vec![x, weight], ["nohw", free("no")])?, window),
        ConvolutionPass::DInput => {
            let op = Conv2dDInput { conv, size };
            let terms = filters / groups * kernel[0] * kernel[1];
            (case("conv d_input", shape, op, vec![d_y, weight], ["nchw", free("nc")])?, terms)
        }
        ConvolutionPass::DWeight => {
            let op = Conv2dDWeight { conv, kernel };
            (case("conv d_weight", shape, op, vec![x, d_y], ["ocyx", free("oc")])?, batch * pixels)
        }
    };
    case.case.tolerance = tolerance(terms);
    case.gemm = (groups == 1).then_some(match pass {
        ConvolutionPass::Forward => [filters, batch * pixels, window],
        ConvolutionPass::DInput => [window, batch * pixels, filters],
        ConvolutionPass::DWeight => [filters, window, batch * pixels],
    });
    Ok(case)
}

/// One pass of a pooling.
///
/// # Errors
/// When no window fits.
pub fn pooling(pooling: &Pooling, pass: PoolingPass) -> Result<BenchCase, ShapeError> {
    let &Pooling { batch, channels, size, kernel, stride } = pooling;
    let pool = Pool2d::new(kernel).stride(stride);
    let shape = format!("{batch}x{channels}x{} by {}, stride {}", by(&size), by(&kernel), by(&stride));
    let image = [batch, channels, size[0], size[1]];
    let x = (CaseInput::f32_of(image, Values::Distinct), "nchw");
    let max = ExtremePool { extreme: Extreme::Max, pool: pool.clone() };
    let axes = ["nchw", "nc"];
    match pass {
        PoolingPass::Max => case("pool max", shape, max, vec![x], axes),
        PoolingPass::MaxGradient => {
            let d_y = max.infer(&[TensorType::f32(image)])?;
            let d_y = (CaseInput { ty: d_y, values: Values::Uniform(-1.0, 1.0) }, "nchw");
            case("pool max gradient", shape, ExtremePoolGrad(max), vec![x, d_y], axes)
        }
        PoolingPass::Mean => {
            let op = AvgPool { pool, count_include_pad: true };
            case("pool mean", shape, op, vec![(CaseInput::f32(image), "nchw")], axes)
        }
        PoolingPass::MeanGradient => {
            let op = AvgPool { pool, count_include_pad: true };
            let d_y = CaseInput { ty: op.infer(&[TensorType::f32(image)])?, values: Values::Uniform(-1.0, 1.0) };
            // The shape of x is the op's own: no part of it will do.
            let op = AvgPoolGrad { op, shape: image.into() };
            case("pool mean gradient", shape, op, vec![(d_y, "nchw")], ["nchw", ""])
        }
    }
}

/// A letter an axis.
fn letters(rank: usize) -> String {
    ('a'..='z').take(rank).collect()
}

fn input(shape: &[usize]) -> CaseInput {
    CaseInput { ty: TensorType::f32(shape), values: Values::Uniform(-1.0, 1.0) }
}

/// A reduction of a tensor of `shape` over `axes`, ascending.
///
/// # Errors
/// When an axis is not one of the tensor.
pub fn reduction(reduction: Reduction, shape: &[usize], axes: &[usize]) -> Result<BenchCase, ShapeError> {
    let all = letters(shape.len());
    let kept: String = all.chars().enumerate().filter(|(i, _)| !axes.contains(i)).map(|(_, letter)| letter).collect();
    let op = Reduce { reduction, axes: axes.to_vec(), keep_dims: false };
    let name = match reduction {
        Reduction::Sum => "reduce sum",
        Reduction::Mean => "reduce mean",
        Reduction::SumSquares => "reduce sum of squares",
        Reduction::Max => "reduce max",
        Reduction::Min => "reduce min",
    };
    let over = axes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    let words = format!("{} over {over}", by(shape));
    let terms = axes.iter().filter_map(|&axis| shape.get(axis)).product();
    let mut case = case(name, words, op, vec![(input(shape), &all)], [&kept, &kept])?;
    case.case.tolerance = tolerance(terms);
    Ok(case)
}

/// One pass of a batch normalisation of a tensor `[n, channels, …]`.
///
/// # Errors
/// When the tensor has fewer than two axes.
pub fn batch_norm(shape: &[usize], pass: BatchNormPass) -> Result<BenchCase, ShapeError> {
    let &[images, channels, ..] = shape else {
        return Err(ShapeError::new(format!("batch-norm of {shape:?}: [n, channels, …] wanted")));
    };
    let all = letters(shape.len());
    let x = || (input(shape), all.as_str());
    let stats = || (CaseInput::f32_of([2, channels], Values::Uniform(0.5, 1.5)), "sb");
    let channel = || (CaseInput::f32([channels]), "b");
    let words = by(shape);
    let elements = images * shape[2..].iter().product::<usize>();
    let mut case = match pass {
        BatchNormPass::Statistics => case("batch-norm statistics", words, BnStats, vec![x()], ["sb", "b"])?,
        BatchNormPass::Apply => {
            let inputs = vec![x(), stats(), channel(), channel()];
            case("batch-norm apply", words, BnApply { eps: EPS }, inputs, [&all, "ab"])?
        }
        BatchNormPass::Sums => {
            let inputs = vec![x(), x(), stats(), channel(), channel()];
            case("batch-norm sums", words, BnSums { eps: EPS, relu: false }, inputs, ["sb", "b"])?
        }
        BatchNormPass::Gradient => {
            let sums = (CaseInput::f32([2, channels]), "sb");
            let inputs = vec![x(), x(), stats(), sums, channel(), channel()];
            case("batch-norm gradient", words, BnGrad { eps: EPS, relu: false }, inputs, [&all, "b"])?
        }
    };
    case.case.tolerance = tolerance(elements);
    Ok(case)
}

/// One direction of the steps of a recurrent layer, the input's part of the gates given.
///
/// # Errors
/// When an extent is 0.
pub fn recurrence(recurrence: &Recurrence, pass: RecurrencePass) -> Result<BenchCase, ShapeError> {
    let &Recurrence { cell, hidden, batch, steps } = recurrence;
    let (walk, extents) = (Walk { cell, reverse: false, masked: false }, [steps, batch, hidden]);
    let shape = format!("{} of {hidden}, {batch} by {steps} steps", cell.name());
    let block = |shape: Shape| (["sb", "sbh", "sbgh"][shape.rank() - 2].to_owned(), shape);
    let blocks = |shapes: Vec<Shape>| shapes.into_iter().map(block).collect::<Vec<_>>();
    let bound = 1.0 / (hidden as f32).sqrt();
    let weight = CaseInput::f32_of([cell.gates() * hidden, hidden], Values::Uniform(-bound, bound));
    let unshared = |input: &CaseInput| vec![("gh".to_owned(), input.ty.shape.clone())];
    let state = || (CaseInput::f32([batch, hidden]), vec![("bh".to_owned(), Shape::from([batch, hidden]))]);
    let by_step = |features: usize| {
        let shape = Shape::from([steps, batch, features]);
        (CaseInput { ty: TensorType::f32(shape.clone()), values: Values::Uniform(-1.0, 1.0) }, vec![block(shape)])
    };
    let of_weight = unshared(&weight);
    let (name, inputs, output) = match pass {
        RecurrencePass::Forward => {
            let mut inputs = vec![by_step(cell.gates() * hidden), (weight, of_weight), state()];
            inputs.extend(cell.has_cell_state().then(state));
            if cell.has_recurrent_bias() {
                let bias = CaseInput::f32([cell.gates() * hidden]);
                let of_bias = vec![("g".to_owned(), bias.ty.shape.clone())];
                inputs.push((bias, of_bias));
            }
            ("rnn forward", inputs, walk.tape_shapes(extents))
        }
        RecurrencePass::Backward => {
            // Any tape will do.
            let tape = walk.tape_shapes(extents);
            let flat = CaseInput::f32([tape.iter().map(Shape::count).sum::<usize>()]);
            let inputs = vec![(flat, blocks(tape)), (weight, of_weight), by_step(hidden)];
            ("rnn backward", inputs, walk.gradient_shapes(extents))
        }
    };
    let (inputs, blocks_of_inputs) = inputs.into_iter().unzip();
    let axes = Axes { inputs: blocks_of_inputs, output: blocks(output), free: "b".to_owned() };
    let mut case = match pass {
        RecurrencePass::Forward => of_blocks(name, shape, Recurrent(walk), inputs, axes)?,
        RecurrencePass::Backward => {
            of_blocks(name, shape, RecurrentGrad { walk, steps, of_cell: false }, inputs, axes)?
        }
    };
    case.case.tolerance = tolerance(cell.gates() * hidden);
    Ok(case)
}

/// An element-wise function of tensors of one shape.
///
/// # Errors
/// When the shape is empty.
pub fn pointwise(function: &'static Function, shape: &[usize]) -> Result<BenchCase, ShapeError> {
    let all = letters(shape.len());
    let domain = |i: usize| *function.domain.get(i).unwrap_or(&function.domain[0]);
    let operand = |i: usize| {
        let (low, high) = domain(i);
        (CaseInput { ty: TensorType::f32(shape), values: Values::Uniform(low, high) }, all.as_str())
    };
    let inputs = (0..function.arity).map(operand).collect();
    let words = format!("{} of {}", function.name, by(shape));
    let mut case = case("pointwise", words, Pointwise(function), inputs, [&all, &all])?;
    case.case.tolerance = 2e-5;
    Ok(case)
}
