//! What goes through the rows of a tensor: softmax, cross-entropy, embeddings, transposition, dropout.

use std::collections::HashSet;

use super::{by, case, input, letters};
use crate::bench::BenchCase;
use crate::graph::ShapeError;
use crate::ops::CaseInput;
use crate::ops::cross_entropy::{CrossEntropy, CrossEntropyGrad};
use crate::ops::dropout::Dropout;
use crate::ops::gather::Gather;
use crate::ops::scatter_add::ScatterAdd;
use crate::ops::softmax::{Softmax, SoftmaxGrad};
use crate::ops::transpose::Transpose;
use crate::tensor::{DType, HostData, HostTensor};

/// What of a softmax is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoftmaxPass {
    /// The softmax, or its logarithm.
    Forward,
    /// The gradient with respect to its input, from its output.
    Gradient,
}

/// What of a cross-entropy is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrossEntropyPass {
    /// The loss of each row.
    Loss,
    /// The gradient with respect to the scores.
    Gradient,
}

/// What of an embedding is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatherPass {
    /// The rows that indices name.
    Gather,
    /// Its gradient: rows added up by index.
    ScatterAdd,
}

/// Softmax of a tensor of `shape` along `axis`, or its logarithm.
///
/// # Errors
/// When `axis` is not one of the tensor.
pub fn softmax(shape: &[usize], axis: usize, log: bool, pass: SoftmaxPass) -> Result<BenchCase, ShapeError> {
    let all = letters(shape.len());
    let free: String = all.chars().enumerate().filter(|(i, _)| *i != axis).map(|(_, letter)| letter).collect();
    let words = format!("{} along {axis}", by(shape));
    let op = Softmax { axis, log };
    let x = || (input(shape), all.as_str());
    match (pass, log) {
        (SoftmaxPass::Forward, false) => case("softmax", words, op, vec![x()], [&all, &free]),
        (SoftmaxPass::Forward, true) => case("log-softmax", words, op, vec![x()], [&all, &free]),
        (SoftmaxPass::Gradient, _) => {
            let name = if log { "log-softmax gradient" } else { "softmax gradient" };
            case(name, words, SoftmaxGrad { of: op }, vec![x(), x()], [&all, &free])
        }
    }
}

/// The cross-entropy of `rows` rows of scores of `classes` classes.
///
/// # Errors
/// When there are none.
pub fn cross_entropy(rows: usize, classes: usize, pass: CrossEntropyPass) -> Result<BenchCase, ShapeError> {
    let op = CrossEntropy { smoothing: 0.1, ignore_index: u32::MAX };
    let scores = (CaseInput::f32([rows, classes]), "nc");
    let labels = (CaseInput::index([rows], classes as u32), "n");
    let words = by(&[rows, classes]);
    match pass {
        CrossEntropyPass::Loss => case("cross-entropy", words, op, vec![scores, labels], ["n", "n"]),
        CrossEntropyPass::Gradient => {
            let inputs = vec![scores, labels, (CaseInput::f32([rows]), "n")];
            case("cross-entropy gradient", words, CrossEntropyGrad { of: op }, inputs, ["nc", "n"])
        }
    }
}

/// `count` rows of a table of `rows` rows of `columns` elements.
///
/// # Errors
/// When an extent is 0.
pub fn gather(rows: usize, columns: usize, count: usize, pass: GatherPass) -> Result<BenchCase, ShapeError> {
    let words = format!("{count} of {}", by(&[rows, columns]));
    let indices = (CaseInput::index([count], rows as u32), "b");
    match pass {
        GatherPass::Gather => {
            let table = (CaseInput::f32([rows, columns]), "rc");
            let mut case = case("gather", words, Gather { dtype: DType::F32 }, vec![table, indices], ["bc", "bc"])?;
            // Of the table, the rows that nothing names.
            let named = case.value(1).as_ref().and_then(distinct).unwrap_or(rows);
            case.unread = 4 * ((rows - named) * columns) as u64;
            Ok(case)
        }
        GatherPass::ScatterAdd => {
            let values = (CaseInput::f32([count, columns]), "bc");
            case("scatter-add", words, ScatterAdd { rows }, vec![values, indices], ["rc", "c"])
        }
    }
}

/// How many different numbers there are, if they are integers.
fn distinct(indices: &HostTensor) -> Option<usize> {
    match indices.data() {
        HostData::U32(values) => Some(values.iter().collect::<HashSet<_>>().len()),
        HostData::F32(_) | HostData::F16(_) => None,
    }
}

/// The axes of a tensor of `shape` in another order.
///
/// # Errors
/// When `order` does not name each axis once.
pub fn transpose(shape: &[usize], order: &[usize]) -> Result<BenchCase, ShapeError> {
    let all = letters(shape.len());
    let turned: String = order.iter().filter_map(|&axis| all.chars().nth(axis)).collect();
    let words = format!("{} to {}", by(shape), by(order));
    case("transpose", words, Transpose { permutation: order.to_vec() }, vec![(input(shape), &all)], [&turned, &all])
}

/// Dropout at a half of a tensor of `shape`.
///
/// # Errors
/// When the shape is empty.
pub fn dropout(shape: &[usize]) -> Result<BenchCase, ShapeError> {
    let all = letters(shape.len());
    let inputs = vec![(input(shape), all.as_str()), (CaseInput::clock(), "s")];
    // A place's mask depends on where it lies in the whole.
    case("dropout", by(shape), Dropout { rate: 0.5, stream: 1 }, inputs, [&all, ""])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gather_need_not_read_the_rows_that_nothing_names() {
        let case = gather(1000, 8, 3, GatherPass::Gather).unwrap_or_else(|e| panic!("{}", e.0));
        let named = case.value(1).as_ref().and_then(distinct).unwrap_or_else(|| panic!("indices"));
        assert!((1..=3).contains(&named));
        // Rows read, rows written, indices.
        assert_eq!(case.bytes(), 4 * (named * 8 + 3 * 8 + 3) as u64);
    }
}
