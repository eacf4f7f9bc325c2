//! Cases of the reductions.

use super::{Reduce, Reduction};
use crate::ops::{Case, CaseInput, Values};

/// Every reduction over every kind of axes, small enough for finite differences; then the large shapes that training
/// has, where the split, the second pass and both strategies matter.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let op = |reduction, axes: &[usize]| Reduce { reduction, axes: axes.to_vec(), keep_dims: false };
    for reduction in [Reduction::Sum, Reduction::Mean, Reduction::SumSquares, Reduction::Max, Reduction::Min] {
        let values = match reduction {
            Reduction::Max | Reduction::Min => Values::Distinct,
            _ => Values::Uniform(-1.0, 1.0),
        };
        let mut case = |name: &str, shape: [usize; 4], axes: &[usize], keep_dims: bool| {
            let op = Reduce { keep_dims, ..op(reduction, axes) };
            cases.push(Case::new(format!("{reduction:?} {name}"), op, vec![CaseInput::f32_of(shape, values)]));
        };
        case("of channels", [2, 3, 2, 4], &[0, 2, 3], false);
        case("of odd channels", [2, 3, 3, 3], &[0, 2, 3], true);
        case("of rows", [1, 1, 3, 8], &[3], true);
        case("of odd rows", [1, 2, 3, 7], &[3], false);
        case("of columns", [1, 1, 6, 8], &[2], false);
        case("of odd columns", [1, 1, 6, 5], &[2], true);
        case("of outer and middle axes", [3, 2, 3, 4], &[0, 2], false);
        case("of everything", [2, 3, 2, 4], &[0, 1, 2, 3], false);
        case("of nothing", [2, 3, 2, 4], &[], false);
    }
    let large = |name: &str, reduction, shape: &[usize], axes: &[usize]| {
        let ty = crate::tensor::TensorType::f32(shape);
        let input = CaseInput { ty, values: Values::Uniform(-1.0, 1.0) };
        Case::new(name, op(reduction, axes), vec![input]).forward_only()
    };
    cases.push(large("three runs of either kind", Reduction::Sum, &[2, 3, 4, 5, 6, 7], &[1, 3, 5]));
    cases.push(large("three runs, innermost kept", Reduction::Max, &[2, 3, 4, 5, 6, 8], &[0, 2, 4]));
    cases.push(large("bias gradient of a convolution", Reduction::Sum, &[64, 32, 16, 16], &[0, 2, 3]));
    cases.push(large("bias gradient of 12x12 images", Reduction::Sum, &[33, 5, 12, 12], &[0, 2, 3]));
    cases.push(large("bias gradient of odd images", Reduction::Sum, &[33, 5, 15, 15], &[0, 2, 3]));
    cases.push(large("bias gradient of a linear layer", Reduction::Sum, &[1000, 64], &[0]));
    cases.push(large("bias gradient of ten classes", Reduction::Sum, &[1000, 10], &[0]));
    cases.push(large("rows long enough for a workgroup", Reduction::Max, &[37, 1030], &[1]));
    cases.push(large("global pooling", Reduction::Mean, &[16, 24, 7, 7], &[2, 3]));
    cases.push(large("rows of a window's sixteenth", Reduction::Mean, &[80, 1024], &[1]));
    cases.push(large("rows of many odd words", Reduction::Sum, &[70, 1300], &[1]));
    cases.push(large("a few channels of many images", Reduction::Sum, &[64, 3, 32, 32], &[0, 2, 3]));
    cases.push(large("largest of many images", Reduction::Max, &[64, 3, 32, 32], &[0, 2, 3]));
    cases.push(large("norm of a million", Reduction::SumSquares, &[1 << 20], &[0]));
    cases.push(large("mean of an odd million", Reduction::Mean, &[1_000_003], &[0]));
    cases.push(large("minimum of a million", Reduction::Min, &[1 << 20], &[0]));
    cases
}
