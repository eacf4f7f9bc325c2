//! `rows_window`: at most four rows against a matrix that is read through uniform windows, for software Vulkan where
//! storage is slow. A window holds whole lines of the matrix, a dispatch eight windows.

use super::problem::Problem;
use super::rows::MOST_ROWS;
use super::simple::sum;
use super::wide::{DISPATCH, WINDOW, WINDOW_BYTES};
use crate::graph::Lowering;
use crate::kernel::{Kernel, KernelCall, Operand, Source, Strategy, source};

/// Lanes of a workgroup, four elements each.
const LANES: usize = 8;
/// Floats between the places where a window may begin: 256 bytes.
const ALIGNMENT: usize = 64;
const STARTS: [&str; 8] = ["start0", "start1", "start2", "start3", "start4", "start5", "start6", "start7"];

/// Estimated times in ns of a multiply-add by lines of K and of N, on the two cores that the costs in
/// `wide` were measured on.
const DOT: f64 = 0.5;
const SUM: f64 = 1.3;

/// The strategy and its estimated time, where the shape allows it.
pub(super) fn lower(problem: &Problem, l: &Lowering<'_>) -> Option<(Strategy, f64)> {
    let &Problem { op, m, n, k, .. } = problem;
    let one_subgroup = l.caps.subgroup.is_some_and(|(least, _)| least as usize >= LANES);
    let rows_are_rows = m <= MOST_ROWS && (!op.transpose_a || m == 1) && problem.batch() == 1;
    let in_windows = k.is_multiple_of(4) && m * k <= WINDOW && n * k >= WINDOW && (n * k).is_multiple_of(ALIGNMENT);
    if !l.caps.slow_storage || !one_subgroup || !rows_are_rows || !in_windows {
        return None;
    }
    let (calls, scratch) = if op.transpose_b { dot(problem, l)? } else { sums(problem, l)? };
    let each = if op.transpose_b { DOT } else { SUM };
    let cost = calls.len() as f64 * DISPATCH + (m * n * k) as f64 * each;
    Some((Strategy { name: "rows_window", calls, scratch }, cost))
}

/// Lines are rows of b, `[n, k]`: a dispatch gives some columns of the result.
fn dot(problem: &Problem, l: &Lowering<'_>) -> Option<(Vec<KernelCall>, Vec<u64>)> {
    let &Problem { m, n, k, .. } = problem;
    // Lines that need not begin where a window may leave room for beginning earlier.
    let slack = if k.is_multiple_of(ALIGNMENT) { 0 } else { ALIGNMENT - 1 };
    let each = (WINDOW - slack) / k;
    if each == 0 || !k.is_multiple_of(4 * LANES) {
        return None;
    }
    let dispatch = |first: usize| {
        let call = windows(source!("matmul_rows_window_dot"), problem, [each, m], [n, k], first, each);
        l.with_epilogue(call.bind(Operand::Output).param("n", n))
    };
    Some(((0..n).step_by(STARTS.len() * each).map(dispatch).collect(), Vec::new()))
}

/// Lines are fours of rows of b, `[k, n]`: a dispatch gives a part of every sum.
fn sums(problem: &Problem, l: &Lowering<'_>) -> Option<(Vec<KernelCall>, Vec<u64>)> {
    let &Problem { m, n, k, .. } = problem;
    let each = WINDOW / (4 * n);
    if each == 0 || !n.is_multiple_of(4 * LANES) {
        return None;
    }
    let parts = (k / 4).div_ceil(STARTS.len() * each);
    let dispatch = |part: usize| {
        let first = part * STARTS.len() * each;
        let grid = [n / (4 * LANES), m];
        let call = windows(source!("matmul_rows_window_sum"), problem, grid, [k / 4, 4 * n], first, each)
            .bind(if parts == 1 { Operand::Output } else { Operand::Scratch(0) })
            .param("n4", n / 4)
            .param("out_first", part * m * n / 4);
        if parts == 1 { l.with_epilogue_vec4(call) } else { l.plain().with_epilogue_vec4(call) }
    };
    let mut calls: Vec<_> = (0..parts).map(dispatch).collect();
    if parts == 1 {
        return Some((calls, Vec::new()));
    }
    calls.push(sum(m * n, parts, l));
    Some((calls, vec![(4 * parts * m * n) as u64]))
}

/// A call over eight windows of b, each of `each` of its `lines` of `length` floats, the first beginning with line `first`.
fn windows(
    source: Source,
    problem: &Problem,
    [x, y]: [usize; 2],
    [lines, length]: [usize; 2],
    first: usize,
    each: usize,
) -> KernelCall {
    let kernel = Kernel::new(source).constant("ROWS", problem.m).constant("K4", problem.k / 4);
    let call = KernelCall::new(kernel, [x as u32, y as u32, 1]).bind(Operand::Input(0));
    let call = (0..).zip(STARTS).fold(call, |call, (i, name)| {
        let line = (first + i * each).min(lines - 1);
        let start = (line * length / ALIGNMENT * ALIGNMENT).min(lines * length - WINDOW);
        call.bind_window(Operand::Input(1), 4 * start as u64, WINDOW_BYTES).param(name, start / 4)
    });
    call.param("first", first).param("each", each)
}
