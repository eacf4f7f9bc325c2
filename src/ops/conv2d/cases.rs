//! What tests and times the convolutions.

use super::{Conv2d, Conv2dDInput, Conv2dDWeight, Geometry};
use crate::ops::{Case, CaseInput};

/// All three passes over every shape.
pub fn cases() -> Vec<Case> {
    let plain = Conv2d::default;
    let shapes: [(&str, [usize; 4], [usize; 4], Conv2d); 24] = [
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
        ("1x1", [2, 5, 4, 4], [7, 5, 1, 1], plain()),
        ("1x1, stride 2", [1, 4, 5, 5], [3, 4, 1, 1], plain().stride([2, 2])),
        ("5x5", [1, 2, 7, 7], [3, 2, 5, 5], Conv2d::same(5)),
        ("1x5", [1, 2, 4, 9], [3, 2, 1, 5], plain().padding([0, 2, 0, 2])),
        ("3x2", [2, 2, 6, 5], [3, 2, 3, 2], plain().padding([1, 0, 1, 1])),
        ("whole image", [3, 2, 4, 5], [4, 2, 4, 5], plain()),
        ("one pixel", [1, 1, 1, 1], [1, 1, 1, 1], plain()),
        ("many rows", [40, 1, 9, 3], [2, 1, 3, 3], Conv2d::same(3)),
    ];
    shapes.into_iter().flat_map(|(name, x, weight, conv)| three(name, x, weight, conv, true)).collect()
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
