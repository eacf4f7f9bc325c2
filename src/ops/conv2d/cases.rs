//! What tests and times the convolutions.

use std::sync::Arc;

use super::{Conv2d, Conv2dDInput, Conv2dDWeight, Conv2dHalved, Geometry};
use crate::ops::pointwise::{FusedEpilogue, Instruction, Program, Value, functions};
use crate::ops::{Case, CaseInput};

/// Of sums of products of f16, which matrix units round as they like.
const HALF: f64 = 1e-4;

/// All three passes over every shape.
pub fn cases() -> Vec<Case> {
    let plain = Conv2d::default;
    let shapes: [(&str, [usize; 4], [usize; 4], Conv2d); 31] = [
        ("3x3", [2, 3, 6, 8], [5, 3, 3, 3], Conv2d::same(3)),
        ("3x3, no padding", [1, 2, 5, 7], [3, 2, 3, 3], plain()),
        ("3x3, four channels", [2, 4, 8, 8], [8, 4, 3, 3], Conv2d::same(3)),
        ("stride 2", [2, 3, 7, 7], [4, 3, 3, 3], Conv2d::same(3).stride([2, 2])),
        ("stride 2, a rest unused", [1, 2, 8, 8], [3, 2, 3, 3], plain().stride([2, 2])),
        ("stride 3, gaps", [1, 2, 9, 8], [2, 2, 2, 2], plain().stride([3, 3])),
        ("stride 1 and 2", [1, 2, 6, 7], [3, 2, 3, 3], Conv2d::same(3).stride([1, 2])),
        ("uneven padding", [1, 2, 5, 6], [3, 2, 3, 3], plain().padding([0, 1, 2, 3])),
        ("uneven padding, stride 2", [2, 2, 6, 5], [3, 2, 3, 3], plain().padding([0, 0, 1, 1]).stride([2, 2])),
        ("more padding than kernel", [1, 2, 3, 4], [2, 2, 2, 2], plain().padding([3, 4, 0, 2])),
        ("dilation 2", [1, 2, 8, 8], [3, 2, 3, 3], plain().padding([2; 4]).dilation([2, 2])),
        ("dilation 1 and 3, stride 2", [1, 2, 8, 10], [2, 2, 3, 3], Conv2d::same(3).dilation([1, 3]).stride([2, 2])),
        ("two groups", [2, 4, 5, 5], [6, 2, 3, 3], Conv2d::same(3).groups(2)),
        ("two groups of four", [1, 8, 4, 4], [8, 4, 3, 3], Conv2d::same(3).groups(2)),
        ("depthwise", [2, 4, 5, 6], [4, 1, 3, 3], Conv2d::same(3).groups(4)),
        ("depthwise, two each, stride 2", [2, 3, 6, 6], [6, 1, 3, 3], Conv2d::same(3).stride([2, 2]).groups(3)),
        ("depthwise 5x5, dilated", [1, 3, 9, 11], [3, 1, 5, 5], plain().padding([2; 4]).dilation([1, 2]).groups(3)),
        ("depthwise, stride 3 and 2, two each", [2, 2, 9, 8], [4, 1, 3, 2], plain().stride([3, 2]).groups(2)),
        ("depthwise, more padding than kernel", [1, 2, 3, 5], [2, 1, 2, 2], plain().padding([3, 4, 0, 2]).groups(2)),
        ("depthwise, many rows", [60, 2, 9, 3], [2, 1, 3, 3], Conv2d::same(3).groups(2)),
        ("1x1", [2, 5, 4, 4], [7, 5, 1, 1], plain()),
        ("1x1, stride 2", [1, 4, 5, 5], [3, 4, 1, 1], plain().stride([2, 2])),
        ("5x5", [1, 2, 7, 7], [3, 2, 5, 5], Conv2d::same(5)),
        ("7x7, stride 2", [1, 3, 12, 11], [5, 3, 7, 7], Conv2d::same(7).stride([2, 2])),
        ("5x4, dilated, stride 3 and 2", [2, 2, 16, 15], [3, 2, 5, 4], plain().dilation([2, 3]).stride([3, 2])),
        ("1x1, stride 3, padded", [2, 3, 7, 8], [4, 3, 1, 1], plain().padding([1; 4]).stride([3, 3])),
        ("1x5", [1, 2, 4, 9], [3, 2, 1, 5], plain().padding([0, 2, 0, 2])),
        ("3x2", [2, 2, 6, 5], [3, 2, 3, 2], plain().padding([1, 0, 1, 1])),
        ("whole image", [3, 2, 4, 5], [4, 2, 4, 5], plain()),
        ("one pixel", [1, 1, 1, 1], [1, 1, 1, 1], plain()),
        ("many rows", [40, 1, 9, 3], [2, 1, 3, 3], Conv2d::same(3)),
    ];
    let mut cases: Vec<Case> =
        shapes.into_iter().flat_map(|(name, x, weight, conv)| three(name, x, weight, conv, true)).collect();
    // Shapes that the fast strategies divide in one way or another; their gradients are those above.
    let larger = [
        ("4x4 images", [3, 4, 4, 4], [4, 4, 3, 3], Conv2d::same(3)),
        ("8x8 images", [5, 12, 8, 8], [20, 12, 3, 3], Conv2d::same(3)),
        ("wide images", [1, 4, 8, 32], [8, 4, 3, 3], Conv2d::same(3)),
        ("image of many tiles", [1, 32, 36, 36], [4, 32, 3, 3], Conv2d::same(3)),
        ("images of a tile each", [3, 20, 16, 16], [12, 20, 3, 3], Conv2d::same(3)),
        ("blocks of channels", [2, 612, 4, 4], [4, 612, 3, 3], Conv2d::same(3)),
        ("blocks of channels, width of no four", [2, 612, 3, 5], [9, 612, 3, 3], Conv2d::same(3)),
        ("blocks of results", [2, 4, 4, 4], [604, 4, 3, 3], Conv2d::same(3)),
        ("no padding, wide", [2, 4, 6, 10], [8, 4, 3, 3], plain()),
        ("uneven padding, four columns", [2, 4, 5, 5], [8, 4, 3, 3], plain().padding([0, 1, 1, 0])),
        ("blocks of many results", [5, 60, 16, 16], [20, 60, 3, 3], Conv2d::same(3)),
        ("gradients that are windows", [2, 3, 32, 32], [32, 3, 3, 3], Conv2d::same(3)),
        ("width of no four", [9, 8, 9, 7], [9, 8, 3, 3], Conv2d::same(3)),
        // Few channels, which `few` and `patch` are for.
        ("strips of many images", [9, 6, 4, 8], [20, 6, 3, 3], Conv2d::same(3)),
        ("two columns of taps", [2, 5, 6, 8], [7, 5, 2, 2], plain().padding([0, 0, 1, 1])),
        ("five taps side by side", [1, 3, 4, 12], [3, 3, 1, 5], plain().padding([0, 2, 0, 2])),
        ("seven strips side by side", [2, 2, 11, 28], [8, 2, 3, 3], Conv2d::same(3)),
        ("few channels, many results", [3, 3, 7, 16], [70, 3, 3, 3], Conv2d::same(3)),
        ("many channels, few results", [3, 67, 7, 16], [3, 67, 3, 3], Conv2d::same(3)),
        ("many channels, one result, 3x1", [2, 6, 5, 8], [1, 6, 3, 1], plain().padding([2, 0, 1, 0])),
        ("four channels, three rows of taps", [33, 4, 5, 4], [5, 4, 3, 1], plain().padding([1, 0, 1, 0])),
        ("few channels, taller padding than kernel", [2, 3, 6, 8], [8, 3, 2, 2], plain().padding([3, 0, 1, 1])),
        ("few channels, one row of taps", [2, 3, 5, 8], [8, 3, 1, 3], plain().padding([0, 1, 0, 1])),
        ("eight groups of four", [3, 32, 8, 8], [32, 4, 3, 3], Conv2d::same(3).groups(8)),
        ("two groups of many channels", [2, 144, 16, 16], [144, 72, 3, 3], Conv2d::same(3).groups(2)),
        ("two groups, 5x5, stride 2", [2, 12, 9, 11], [32, 6, 5, 5], Conv2d::same(5).stride([2, 2]).groups(2)),
        ("three groups, 1x1", [2, 18, 5, 6], [24, 6, 1, 1], plain().groups(3)),
        ("taller padding than kernel", [1, 2, 4, 4], [2, 2, 2, 2], plain().padding([3, 1, 3, 0])),
        ("more results than a tile", [3, 18, 8, 16], [70, 18, 3, 3], Conv2d::same(3)),
    ];
    cases.extend(
        larger
            .into_iter()
            .flat_map(|(name, x, weight, conv)| three(name, x, weight, conv, false))
            .map(|case| case.tolerance(1e-4)),
    );
    // More columns than a part has.
    let one_row = plain().padding([0, 1, 0, 1]);
    let inputs = vec![CaseInput::f32([67_700, 1, 1, 4]), CaseInput::f32([1, 1, 1, 3])];
    cases.push(Case::new("many images of a word", one_row, inputs).forward_only());
    let d_weight = Conv2dDWeight { conv: one_row, kernel: [1, 3] };
    let inputs = vec![CaseInput::f32([5000, 1, 1, 8]), CaseInput::f32([5000, 1, 1, 8])];
    cases.push(Case::new("d_weight, many images of two words", d_weight, inputs).forward_only().tolerance(1e-4));
    // In f16, exactly the products of the rounded operands: only the sums round.
    for (name, x, weight, conv) in [
        ("3x3", [2, 3, 6, 8], [5, 3, 3, 3], Conv2d::same(3)),
        ("several tiles", [3, 20, 16, 16], [72, 20, 3, 3], Conv2d::same(3)),
        ("many rows", [1, 4, 6, 6], [140, 4, 3, 3], Conv2d::same(3)),
        ("1x1", [2, 5, 4, 4], [7, 5, 1, 1], plain()),
        ("stride 2, uneven padding", [2, 2, 6, 5], [3, 2, 3, 3], plain().padding([0, 0, 1, 1]).stride([2, 2])),
        ("dilation 2", [1, 2, 8, 8], [3, 2, 3, 3], plain().padding([2; 4]).dilation([2, 2])),
        ("two groups", [2, 4, 5, 5], [6, 2, 3, 3], Conv2d::same(3).groups(2)),
        ("three groups of several tiles", [1, 60, 12, 12], [120, 20, 3, 3], Conv2d::same(3).groups(3)),
        ("long sums", [9, 8, 24, 24], [9, 8, 3, 3], Conv2d::same(3)),
    ] {
        let of_f16 = |mut case: Case| {
            case.inputs = case.inputs.into_iter().map(CaseInput::half).collect();
            case.tolerance(HALF)
        };
        cases.extend(three(&format!("f16, {name}"), x, weight, conv, false).into_iter().map(of_f16));
    }
    for (name, conv, x, weight) in [
        ("odd", Conv2d::same(3).stride([2, 2]), [2, 3, 5, 7], [5, 3, 3, 3]),
        ("four", Conv2d::same(3), [3, 4, 8, 8], [8, 4, 3, 3]),
        ("blocks", Conv2d::same(3), [2, 612, 4, 4], [8, 612, 3, 3]),
    ] {
        for half in [false, true] {
            // Matrix units cut off what they add: an H200 is 2e-4 off after 5,508 terms.
            let tolerance = if half { 4.0 * HALF } else { 1e-4 };
            cases.extend(with_epilogue(name, x, weight, conv, half).into_iter().map(|case| case.tolerance(tolerance)));
        }
    }
    for (name, x, weight) in [
        ("one window", [3, 4, 8, 8], [12, 4, 3, 3]),
        ("row tiles", [2, 40, 36, 32], [9, 40, 3, 3]),
        ("planes", [9, 32, 16, 16], [20, 32, 3, 3]),
        ("two rows over", [2, 3, 6, 4], [5, 3, 3, 3]),
    ] {
        let inputs = vec![CaseInput::f32(x), CaseInput::f32(weight)];
        cases.push(
            Case::new(format!("halved, {name}"), Conv2dHalved(Conv2d::same(3)), inputs).forward_only().tolerance(1e-4),
        );
        cases.push(halved_with_epilogue(name, x, weight).tolerance(1e-4));
    }
    cases
}

/// A convolution with bias and ReLU, and a gradient with respect to the input to which another is added.
fn with_epilogue(name: &str, x: [usize; 4], weight: [usize; 4], conv: Conv2d, half: bool) -> Vec<Case> {
    let y = Geometry::new(&conv, x, weight).map_or([0; 4], |g| g.y());
    let instruction = |function, operands| Instruction { function, operands };
    let add = instruction(&functions::ADD, vec![Value::Input(0), Value::Input(1)]);
    let relu = instruction(&functions::RELU, vec![Value::Result(0)]);
    let program = Program { input_count: 2, instructions: vec![add.clone(), relu] };
    let forward = FusedEpilogue { base: Arc::new(conv), base_inputs: 2, program };
    let program = Program { input_count: 2, instructions: vec![add] };
    let base = Arc::new(Conv2dDInput { conv, size: [x[2], x[3]] });
    let d_input = FusedEpilogue { base, base_inputs: 2, program };
    let [x, weight, y] = [x, weight, y].map(CaseInput::f32);
    let bias = CaseInput::f32([y.ty.shape[1], 1, 1]);
    let sum = x.clone();
    let [x, weight, y] = if half { [x, weight, y].map(CaseInput::half) } else { [x, weight, y] };
    let of = if half { " of f16" } else { "" };
    vec![
        Case::new(format!("bias and relu{of}, {name}"), forward, vec![x, weight.clone(), bias]).forward_only(),
        Case::new(format!("d_input and sum{of}, {name}"), d_input, vec![y, weight, sum]).forward_only(),
    ]
}

/// A pooled convolution with bias and ReLU.
fn halved_with_epilogue(name: &str, x: [usize; 4], weight: [usize; 4]) -> Case {
    let instruction = |function, operands| Instruction { function, operands };
    let add = instruction(&functions::ADD, vec![Value::Input(0), Value::Input(1)]);
    let relu = instruction(&functions::RELU, vec![Value::Result(0)]);
    let program = Program { input_count: 2, instructions: vec![add, relu] };
    let op = FusedEpilogue { base: Arc::new(Conv2dHalved(Conv2d::same(3))), base_inputs: 2, program };
    let inputs = vec![CaseInput::f32(x), CaseInput::f32(weight), CaseInput::f32([weight[0], 1, 1])];
    Case::new(format!("halved, bias and relu, {name}"), op, inputs).forward_only()
}

/// A convolution and its two gradients.
fn three(name: &str, x: [usize; 4], weight: [usize; 4], conv: Conv2d, gradient: bool) -> Vec<Case> {
    let y = Geometry::new(&conv, x, weight).map_or([0; 4], |g| g.y());
    let ([x, weight, y], [size, kernel]) = ([x, weight, y].map(CaseInput::f32), [[x[2], x[3]], [weight[2], weight[3]]]);
    let cases = [
        Case::new(name, conv, vec![x.clone(), weight.clone()]),
        Case::new(format!("d_input, {name}"), Conv2dDInput { conv, size }, vec![y.clone(), weight]),
        Case::new(format!("d_weight, {name}"), Conv2dDWeight { conv, kernel }, vec![x, y]),
    ];
    cases.into_iter().map(|case| if gradient { case } else { case.forward_only() }).collect()
}
