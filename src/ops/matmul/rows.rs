//! `rows`: at most four rows against a matrix, which is read once, four elements at a time. No barrier and no workgroup
//! memory. The rows come from a uniform window.

use super::problem::Problem;
use crate::graph::Lowering;
use crate::kernel::{Kernel, KernelCall, Operand, Strategy, linear_grid, source};

const MOST_ROWS: usize = 4;

/// Estimated time in ns of a storage load of four elements by eight lanes, on the two cores that the costs in
/// `wide` were measured on.
const LOAD: f64 = 70.0;

/// Estimated time in ns of one turn of the inner loop of a window's workgroup, and of one dispatch.
const WINDOW_TURN: f64 = 20.0;
const WINDOW_DISPATCH: f64 = 12_000.0;
/// Lanes of a window's workgroup.
const LANES: usize = 8;

/// The same over windows of a transposed matrix, with its estimated time; for software Vulkan.
pub(super) fn windows(problem: &Problem, l: &Lowering<'_>) -> Option<(Strategy, f64)> {
    let &Problem { op, m, n, k, .. } = problem;
    let row_bytes = k as u64 * 4;
    // As many rows as fit, in whole subgroups where there are as many, so that every window starts aligned.
    let fitting = (l.caps.uniform_bytes / row_bytes.max(1)) as usize;
    let columns = if fitting >= LANES { fitting / LANES * LANES } else { fitting }.min(n);
    let aligned = columns == n || (columns as u64 * row_bytes).is_multiple_of(256);
    let rows_fit = m <= MOST_ROWS && m as u64 * row_bytes <= l.caps.uniform_bytes && (!op.transpose_a || m == 1);
    let shape_fits = op.transpose_b && k.is_multiple_of(4) && problem.batch() == 1;
    if columns == 0 || !aligned || !rows_fit || !shape_fits {
        return None;
    }
    let call = |first: usize| {
        let columns = columns.min(n - first);
        let kernel = Kernel::new(source!("matmul_rows_window"))
            .constant("ROWS", m)
            .constant("K4", k / 4)
            .constant("COLUMNS", columns);
        let call = KernelCall::new(kernel, [columns.div_ceil(LANES) as u32, 1, 1])
            .bind(Operand::Input(0))
            .bind_window(Operand::Input(1), first as u64 * row_bytes, columns as u64 * row_bytes)
            .bind(Operand::Output)
            .param("n", n)
            .param("first", first);
        l.with_epilogue(call)
    };
    let calls: Vec<KernelCall> = (0..n).step_by(columns).map(call).collect();
    let turns = columns.div_ceil(LANES).div_ceil(2) * k / 4;
    let cost = calls.len() as f64 * (WINDOW_DISPATCH + WINDOW_TURN * turns as f64);
    Some((Strategy { name: "windows", calls, scratch: Vec::new() }, cost))
}

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
    let cost = 25_000.0 + LOAD * (lanes.div_ceil(workgroup) * k) as f64 * if op.transpose_b { 0.25 } else { 1.0 };
    Some((Strategy::single("rows", l.with_epilogue(call)), cost))
}
