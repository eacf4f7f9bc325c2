//! WGSL for element-wise programs: bodies for the hole of `pointwise.wgsl`, and epilogues for other kernels.

use std::fmt::Write as _;

use super::Program;
use crate::gpu::{Caps, UNIFORM_LEAST};
use crate::graph::{EPILOGUE_OPERANDS, EpilogueCode, Lowering};
use crate::kernel::{Candidates, Kernel, KernelCall, Operand, Strategy, element, source};
use crate::ops::launch::Launch;
use crate::tensor::{DType, Shape, TensorType};

/// Elems that an invocation computes one after another in software, where starting one costs much.
const IN_SOFTWARE: usize = 4;
/// Bytes of an operand that is read through a uniform binding: WebGPU's limit.
const UNIFORM_BYTES: u64 = 64 << 10;

/// The strategies of a program over `l.inputs`: four elements at a time where every operand allows it.
pub(super) fn lower(program: &Program, l: &Lowering<'_>) -> Candidates {
    let count = l.output.count();
    let vector = count.is_multiple_of(4) && l.inputs.iter().all(|t| t.count() == 1 || loads_vec4(t, l.output));
    let mut candidates = Vec::new();
    if vector {
        candidates.push(strategy("vec4", program, l, 4));
    }
    // The narrowest result is a word.
    candidates.push(match l.output.dtype {
        DType::F16 => strategy("pair", program, l, 2),
        DType::F32 | DType::U32 => strategy("scalar", program, l, 1),
    });
    if reads_in_order_are_free(l) {
        candidates.reverse();
    }
    candidates
}

/// Whether neighbouring invocations read and write neighbouring elements in one instruction, as Mesa 26 does where nothing
/// but the invocation's number makes an address, and takes vectors apart for each; below a megabyte that is no slower, and for
/// one operand vectors are 10 to 25 % faster (relu and gelu of 64x64x32x32).
fn reads_in_order_are_free(l: &Lowering<'_>) -> bool {
    let in_order = |ty: &TensorType| ty.dtype == DType::F32 && (ty.count() == 1 || ty.shape == l.output.shape);
    let many = l.output.count() >= 1 << 18 && l.inputs.iter().filter(|ty| ty.count() > 1).count() > 1;
    l.caps.is_software() && !l.caps.slow_storage && many && l.inputs.iter().chain([l.output]).all(in_order)
}

/// Whether four neighbouring output elements read four neighbouring, aligned elements of an operand, or one element
/// four times.
fn loads_vec4(operand: &TensorType, output: &TensorType) -> bool {
    if operand.dtype == DType::U32 {
        return false;
    }
    let last = output.shape.last().copied().unwrap_or(1);
    operand.shape == output.shape || (last.is_multiple_of(4) && operand.shape.rank() > 0)
}

fn strategy(name: &'static str, program: &Program, l: &Lowering<'_>, width: usize) -> Strategy {
    let elements = l.output.count().div_ceil(width);
    let launch = Launch::new(elements, 4 * width * (l.inputs.len() + 1), IN_SOFTWARE, l.caps);
    let element = element(width);
    let out = l.inputs.len();
    let loads: Vec<Load> = l.inputs.iter().map(|input| Load::new(input, l.output, width, l.caps)).collect();
    let mut code = String::new();
    // Writing to a string cannot fail.
    for (i, load) in loads.iter().enumerate() {
        let _ = writeln!(code, "@group(0) @binding({i}) {}", load.declare(&format!("in{i}")));
    }
    let (stored, store) = match (l.output.dtype, width) {
        (DType::F16, 4) => ("vec2<u32>", "half_words(value)"),
        (DType::F16, _) => ("u32", "half_word(value)"),
        (DType::F32 | DType::U32, _) => (element, "value"),
    };
    let _ = writeln!(code, "@group(0) @binding({out}) var<storage, read_write> out: array<{stored}>;");
    let _ = writeln!(code, "fn stored(value: Elem) -> {stored} {{ return {store}; }}");
    code.push_str("fn value(index: u32) -> Elem {\n");
    for (i, load) in loads.iter().enumerate() {
        let _ = writeln!(code, "    let x{i} = {};", load.value(&format!("in{i}")));
    }
    let (body, result) = program.wgsl(|i| format!("x{i}"));
    let _ = write!(code, "{body}    return {result};\n}}");
    let kernel = launch.define(Kernel::new(source!("pointwise")).constant("Elem", element)).code(code);
    let grid = launch.grid(elements, l.caps);
    let call = KernelCall::new(kernel, grid).bind_inputs(l.inputs.len()).bind(Operand::Output);
    Strategy::single(name, call.param("count", elements))
}

/// How a kernel reads an operand for the output's Elem `index`.
struct Load<'a> {
    operand: &'a TensorType,
    output: &'a Shape,
    width: usize,
    /// Through a uniform binding: what is small and read over and over, where storage is slow.
    uniform: bool,
    /// Where the operand's extents are parameters of a kernel, so that it is one for many of them: their names.
    shared: Option<[&'static str; 2]>,
}

impl<'a> Load<'a> {
    fn new(operand: &'a TensorType, output: &'a TensorType, width: usize, caps: &Caps) -> Self {
        let repeats = operand.count() < output.count();
        let small = operand.bytes() <= caps.uniform_bytes.min(UNIFORM_BYTES) && operand.count().is_multiple_of(4);
        let uniform = caps.slow_storage && repeats && small && operand.dtype == DType::F32;
        Self { operand, output: &output.shape, width, uniform, shared: None }
    }

    /// Takes parameters of these names, by which the place of an element is shifted and masked, if that is how it is found.
    fn share(&mut self, names: [&'static str; 2]) -> Option<[(&'static str, u32); 2]> {
        let terms = terms(&self.operand.shape, self.output, if self.vectors() { 4 } else { 1 });
        let [Term { below, extent, step: 1 }] = *terms else { return None };
        let powers = below.is_power_of_two() && extent.is_none_or(usize::is_power_of_two);
        if self.operand.shape == *self.output || !powers {
            return None;
        }
        self.shared = Some(names);
        let mask = extent.map_or(u32::MAX, |extent| extent as u32 - 1);
        Some([(names[0], below.trailing_zeros()), (names[1], mask)])
    }

    /// Bytes that are bound: one length for many operands where the kernel is one for them.
    fn bytes(&self) -> u64 {
        let least = if self.shared.is_some() { UNIFORM_LEAST } else { 0 };
        self.operand.bytes().max(least)
    }

    /// Whether four neighbours of the output read four neighbours, at a multiple of four, of the operand.
    fn vectors(&self) -> bool {
        let last = self.output.last();
        self.width == 4
            && self.operand.dtype != DType::U32
            && (self.operand.shape == *self.output
                || (self.operand.shape.last() == last && last.is_some_and(|n| n.is_multiple_of(4))))
    }

    /// Whether the neighbours of an Elem of the output all read the same element.
    fn repeats(&self) -> bool {
        let whole = self.output.last().is_some_and(|n| n.is_multiple_of(self.width));
        self.operand.count() == 1 || whole && self.operand.shape.last() == Some(&1)
    }

    fn declare(&self, name: &str) -> String {
        if self.uniform {
            return format!("var<uniform> {name}: array<vec4<f32>, {}>;", self.bytes() / 16);
        }
        let ty = match (self.operand.dtype, self.vectors()) {
            (DType::F32, true) => "vec4<f32>",
            (DType::F32, false) => "f32",
            (DType::F16, true) => "vec2<u32>",
            (DType::F16 | DType::U32, _) => "u32",
        };
        format!("var<storage, read> {name}: array<{ty}>;")
    }

    /// The expression, an Elem.
    fn value(&self, name: &str) -> String {
        if self.vectors() {
            let four = format!("{name}[{}]", self.position("index", 4));
            return if self.operand.dtype == DType::F16 { format!("half_values({four})") } else { four };
        }
        let one = |index: &str| {
            let position = self.position(index, 1);
            if self.uniform {
                format!("{name}[({position}) / 4u][({position}) % 4u]")
            } else if self.operand.dtype == DType::F16 {
                format!("unpack2x16float({name}[({position}) / 2u])[({position}) % 2u]")
            } else {
                format!("f32({name}[{position}])")
            }
        };
        match self.width {
            1 => one("index"),
            width if self.repeats() => format!("Elem({})", one(&format!("(index * {width}u)"))),
            2 => {
                // Behind an odd number of elements, the last one again.
                let last = self.output.iter().product::<usize>().saturating_sub(1);
                format!("Elem({}, {})", one("(index * 2u)"), one(&format!("min(index * 2u + 1u, {last}u)")))
            }
            _ => {
                let four = ["(index * 4u)", "(index * 4u + 1u)", "(index * 4u + 2u)", "(index * 4u + 3u)"];
                format!("Elem({})", four.map(one).join(", "))
            }
        }
    }

    fn position(&self, index: &str, unit: usize) -> String {
        match self.shared {
            Some([shift, mask]) => format!("(({index} >> p.{shift}) & p.{mask})"),
            None => position(&self.operand.shape, self.output, index, unit),
        }
    }
}

/// index / below % extent * step, without the remainder where the index is never that large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Term {
    below: usize,
    extent: Option<usize>,
    step: usize,
}

impl Term {
    fn wgsl(&self, index: &str) -> String {
        let quotient = if self.below == 1 { index.to_owned() } else { format!("({index} / {}u)", self.below) };
        let digit = self.extent.map_or(quotient.clone(), |extent| format!("({quotient} % {extent}u)"));
        if self.step == 1 { digit } else { format!("{digit} * {}u", self.step) }
    }
}

/// The WGSL expression of an operand's element for the output element `index`, both counted in units of `unit`
/// elements. Runs of axes that the operand shares or repeats alike are one term.
pub(super) fn position(operand: &Shape, output: &Shape, index: &str, unit: usize) -> String {
    if operand == output {
        return index.to_owned();
    }
    let terms: Vec<_> = terms(operand, output, unit).iter().map(|term| term.wgsl(index)).collect();
    if terms.is_empty() { "0u".to_owned() } else { terms.join(" + ") }
}

/// The terms of that expression.
fn terms(operand: &Shape, output: &Shape, unit: usize) -> Vec<Term> {
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
        let outermost = start == 0 || output[..start].iter().all(|&n| n == 1);
        terms.push(Term { below, extent: (!outermost).then_some(extent), step });
    }
    terms
}

/// Whether a run of axes ends at the innermost one.
fn last_unit(stride_below: usize) -> bool {
    stride_below == 1
}

/// Parameters of the places of an epilogue's operands.
const SHARED: [[&str; 2]; EPILOGUE_OPERANDS] =
    [["shift0", "mask0"], ["shift1", "mask1"], ["shift2", "mask2"], ["shift3", "mask3"]];

/// A program at the end of another kernel, over Elems of `width` elements, with parameters if it may have any.
pub(super) fn epilogue(
    program: &Program,
    operands: &[TensorType],
    output: &TensorType,
    first: usize,
    (width, parameters): (usize, bool),
    caps: &Caps,
) -> EpilogueCode {
    let half = if operands.iter().any(|ty| ty.dtype == DType::F16) { "#import half\n" } else { "" };
    let mut code = format!("alias Elem = {};\n#import activation\n{half}", element(width));
    let mut loads: Vec<Load> = operands.iter().map(|operand| Load::new(operand, output, width, caps)).collect();
    let shared = loads.iter_mut().zip(SHARED).filter(|_| parameters).filter_map(|(load, names)| load.share(names));
    let params = shared.flatten().collect();
    let windows = loads.iter().map(|load| load.uniform.then(|| load.bytes())).collect();
    // Writing to a string cannot fail.
    for (i, load) in loads.iter().enumerate() {
        let _ = writeln!(code, "@group(0) @binding({}) {}", first + i, load.declare(&format!("extra{i}")));
    }
    code.push_str("fn epilogue(value: Elem, index: u32) -> Elem {\n");
    for (i, load) in loads.iter().enumerate() {
        let _ = writeln!(code, "    let x{} = {};", i + 1, load.value(&format!("extra{i}")));
    }
    let (body, result) = program.wgsl(|i| if i == 0 { "value".to_owned() } else { format!("x{i}") });
    let _ = write!(code, "{body}    return {result};\n}}");
    EpilogueCode { wgsl: code, params, windows }
}
