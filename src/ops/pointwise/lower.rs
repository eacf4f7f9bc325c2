//! WGSL for element-wise programs: bodies for the hole of `pointwise.wgsl`, and epilogues for other kernels.

use std::fmt::Write as _;

use super::Program;
use crate::graph::Lowering;
use crate::kernel::{Candidates, Kernel, KernelCall, Operand, Strategy, linear_grid, source};
use crate::tensor::{DType, Shape, TensorType};

const WORKGROUP: usize = 64;
/// Vec4 elements an invocation computes: fewer, fatter invocations where starting one costs much.
const SOFTWARE_RUN: usize = 4;

/// The strategies of a program over `l.inputs`: four elements at a time where every operand allows it.
pub(super) fn lower(program: &Program, l: &Lowering<'_>) -> Candidates {
    let count = l.output.count();
    let vector = count.is_multiple_of(4) && l.inputs.iter().all(|t| t.count() == 1 || loads_vec4(t, l.output));
    let mut candidates = Vec::new();
    if vector {
        candidates.push(strategy("vec4", program, l, 4));
    }
    candidates.push(strategy("scalar", program, l, 1));
    candidates
}

/// Whether four neighbouring output elements read four neighbouring, aligned elements of an operand, or one element
/// four times.
fn loads_vec4(operand: &TensorType, output: &TensorType) -> bool {
    if operand.dtype != DType::F32 {
        return false;
    }
    let last = output.shape.last().copied().unwrap_or(1);
    operand.shape == output.shape || (last.is_multiple_of(4) && operand.shape.rank() > 0)
}

fn strategy(name: &'static str, program: &Program, l: &Lowering<'_>, width: usize) -> Strategy {
    let elements = l.output.count() / width;
    let run = if l.caps.is_software() { SOFTWARE_RUN } else { 1 };
    let element = if width == 4 { "vec4<f32>" } else { "f32" };
    let mut code = String::new();
    let out = l.inputs.len();
    // Writing to a string cannot fail.
    for (i, input) in l.inputs.iter().enumerate() {
        let wide = width == 4 && reads_whole_vectors(input, l.output);
        let ty = if wide { "vec4<f32>".to_owned() } else { input.dtype.to_string() };
        let _ = writeln!(code, "@group(0) @binding({i}) var<storage, read> in{i}: array<{ty}>;");
    }
    let _ = writeln!(code, "@group(0) @binding({out}) var<storage, read_write> out: array<{element}>;");
    code.push_str("fn value(index: u32) -> Elem {\n");
    for (i, input) in l.inputs.iter().enumerate() {
        let load = if width == 4 && reads_whole_vectors(input, l.output) {
            let position = position(&input.shape, &l.output.shape, "index", 4);
            format!("in{i}[{position}]")
        } else {
            let position = position_scalar(&input.shape, &l.output.shape, width);
            format!("Elem(f32(in{i}[{position}]))")
        };
        let _ = writeln!(code, "    let x{i} = {load};");
    }
    let (body, result) = program.wgsl(|i| format!("x{i}"));
    let _ = write!(code, "{body}    return {result};\n}}");
    let kernel = Kernel::new(source!("pointwise"))
        .constant("Elem", element)
        .constant("WG", WORKGROUP)
        .constant("RUN", run)
        .code(code);
    let grid = linear_grid(elements.div_ceil(WORKGROUP * run), l.caps);
    let call = KernelCall::new(kernel, grid).bind_inputs(l.inputs.len()).bind(Operand::Output);
    Strategy::single(name, call.param("count", elements))
}

/// Whether a vec4 kernel reads this operand by vec4: not when it repeats along the last axis.
fn reads_whole_vectors(operand: &TensorType, output: &TensorType) -> bool {
    operand.shape == output.shape
        || (operand.shape.last() == output.shape.last()
            && operand.count() > 1
            && operand.count().is_multiple_of(4)
            && output.shape.last().is_some_and(|n| n.is_multiple_of(4)))
}

fn position_scalar(operand: &Shape, output: &Shape, width: usize) -> String {
    let index = if width == 4 { "(index * 4u)" } else { "index" };
    position(operand, output, index, 1)
}

/// The WGSL expression of an operand's element for the output element `index`, both counted in units of `unit`
/// elements. Runs of axes that the operand shares or repeats alike are one term.
pub(super) fn position(operand: &Shape, output: &Shape, index: &str, unit: usize) -> String {
    if operand == output {
        return index.to_owned();
    }
    let operand_strides = operand.broadcast_strides(output);
    let output_strides = output.strides();
    let mut terms = Vec::new();
    let mut axis = 0;
    while axis < output.rank() {
        let start = axis;
        let repeats = operand_strides[axis] == 0;
        while axis < output.rank() && (output[axis] == 1 || (operand_strides[axis] == 0) == repeats) {
            axis += 1;
        }
        if repeats {
            continue;
        }
        let last = (start..axis).rev().find(|&a| output[a] > 1).unwrap_or(start);
        let extent: usize = output[start..axis].iter().product();
        let (below, step) = (output_strides[last], operand_strides[last]);
        let (below, extent, step) =
            if last_unit(below) { (1, extent / unit, 1) } else { (below / unit, extent, step / unit) };
        let quotient = if below == 1 { index.to_owned() } else { format!("({index} / {below}u)") };
        let outermost = start == 0 || output[..start].iter().all(|&n| n == 1);
        let digit = if outermost { quotient } else { format!("({quotient} % {extent}u)") };
        terms.push(if step == 1 { digit } else { format!("{digit} * {step}u") });
    }
    if terms.is_empty() { "0u".to_owned() } else { terms.join(" + ") }
}

/// Whether a run of axes ends at the innermost one.
fn last_unit(stride_below: usize) -> bool {
    stride_below == 1
}

/// The declarations and `fn epilogue` of a program at the end of another kernel.
pub(super) fn epilogue_wgsl(program: &Program, operands: &[TensorType], output: &TensorType, first: usize) -> String {
    let mut code = String::from("alias Elem = f32;\n#import activation\n");
    for (i, operand) in operands.iter().enumerate() {
        let (binding, ty) = (first + i, operand.dtype);
        // Writing to a string cannot fail.
        let _ = writeln!(code, "@group(0) @binding({binding}) var<storage, read> extra{i}: array<{ty}>;");
    }
    code.push_str("fn epilogue(value: f32, index: u32) -> f32 {\n");
    for (i, operand) in operands.iter().enumerate() {
        let position = position(&operand.shape, &output.shape, "index", 1);
        let _ = writeln!(code, "    let x{} = f32(extra{i}[{position}]);", i + 1);
    }
    let (body, result) = program.wgsl(|i| if i == 0 { "value".to_owned() } else { format!("x{i}") });
    let _ = write!(code, "{body}    return {result};\n}}");
    code
}
