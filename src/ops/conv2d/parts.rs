//! Long sums, of weight gradients, divided into parts that a second pass adds up in a fixed order.

use crate::graph::Lowering;
use crate::kernel::{KernelCall, Operand, Strategy};
use crate::ops::matmul::sum;

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
    if parts == 1 {
        return Strategy::single(name, call.bind(Operand::Output));
    }
    let count = l.output.count();
    let calls = vec![call.bind(Operand::Scratch(0)), sum(count, parts, l)];
    Strategy { name, calls, scratch: vec![(parts * count * 4) as u64] }
}
