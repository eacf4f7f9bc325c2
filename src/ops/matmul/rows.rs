//! `rows`: at most four rows against a matrix, which is read once, four elements at a time. No barrier and no workgroup
//! memory. The rows come from a uniform window.

use super::problem::Problem;
use super::wide::DISPATCH;
use crate::graph::Lowering;
use crate::kernel::{Kernel, KernelCall, Operand, Strategy, linear_grid, source};

pub(super) const MOST_ROWS: usize = 4;

/// Estimated time in ns of a storage load of four elements by eight lanes, on the two cores that the costs in
/// `wide` were measured on, where storage is slow and elsewhere.
const LOAD: [f64; 2] = [70.0, 25.0];

/// The strategy and its estimated time on software Vulkan, where the shape allows it.
pub(super) fn lower(problem: &Problem, l: &Lowering<'_>) -> Option<(Strategy, f64)> {
    let &Problem { op, m, n, k, .. } = problem;
    let rows_are_rows = !op.transpose_a || m == 1;
    let fits = k.is_multiple_of(4) && (4 * m * k) as u64 <= l.caps.uniform_bytes;
    let whole = op.transpose_b || n.is_multiple_of(4);
    if m > MOST_ROWS || problem.batch() != 1 || !rows_are_rows || !fits || !whole {
        return None;
    }
    // A workgroup of one subgroup: enough of them where there are few columns.
    let workgroup = if l.caps.is_software() { 8 } else { 32 };
    let (source, lanes, extent) = if op.transpose_b {
        (source!("matmul_rows_dot"), n, ("n", n))
    } else {
        (source!("matmul_rows_sum"), n / 4, ("n4", n / 4))
    };
    let kernel = Kernel::new(source).constant("WG", workgroup).constant("ROWS", m).constant("K4", k / 4);
    let call = KernelCall::new(kernel, linear_grid(lanes.div_ceil(workgroup), l.caps))
        .bind_inputs(2)
        .bind(Operand::Output)
        .param(extent.0, extent.1);
    let load = LOAD[usize::from(!l.caps.slow_storage)];
    let cost = DISPATCH + load * (lanes.div_ceil(workgroup) * k) as f64 * if op.transpose_b { 0.25 } else { 1.0 };
    Some((Strategy::single("rows", l.with_epilogue(call)), cost))
}
