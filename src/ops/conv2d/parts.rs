//! Long sums, of weight gradients, divided into parts that a second pass adds up in a fixed order.

use crate::graph::Lowering;
use crate::kernel::{KernelCall, Operand, Strategy};
use crate::ops::matmul;

/// Turns of all loops that an invocation may take; Mesa 22.3 stops silently after 65,535.
const WALK: usize = 8_192;

/// Divides `rows`, each a walk of so many turns, into about as many parts as wanted: rows of a part, and parts.
pub(super) fn of_rows(rows: usize, turns: usize, wanted: usize) -> (usize, usize) {
    let wanted = wanted.max((rows * turns).div_ceil(WALK)).clamp(1, rows.max(1));
    let rows_each = rows.div_ceil(wanted).max(1);
    (rows_each, rows.div_ceil(rows_each).max(1))
}

/// The strategy of a call, but for its output, which computes so many parts of the result.
pub(super) fn summed(name: &'static str, call: KernelCall, parts: usize, l: &Lowering<'_>) -> Strategy {
    let to = if parts == 1 { Operand::Output } else { Operand::Scratch(0) };
    matmul::summed(name, vec![call.bind(to)], parts, l)
}
