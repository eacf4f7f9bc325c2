//! `simple`: any shape on any device. No barrier and no workgroup memory. `split` is the same with the sum over K
//! divided, for products of few results and many terms.

use super::problem::Problem;
use crate::gpu::Caps;
use crate::graph::Lowering;
use crate::kernel::{Candidates, Kernel, KernelCall, Operand, Strategy, linear_grid, source};
use crate::ops::coop::out;
use crate::ops::split::{Aim, Split};
use crate::tensor::DType;

const WORKGROUP: usize = 64;
/// Those of one that adds up parts, on a GPU.
const SUM_WORKGROUP: usize = 256;
/// Terms an invocation may add up, four a turn: Mesa 22.3 ends its loops after 65,535 turns.
const MOST_TERMS: usize = 1 << 17;
/// Terms below which another part costs more than it brings.
const LEAST_TERMS: usize = 128;

/// `split` where it divides further than `simple` must, and `simple`.
pub(super) fn lower(problem: &Problem, l: &Lowering<'_>) -> Candidates {
    let must = Split::new(1, 1, problem.k, Aim { parallel: 1, least: LEAST_TERMS, most: MOST_TERMS });
    let parallel = if l.caps.is_software() { 1024 } else { 32_768 };
    let aim = Aim { parallel, least: LEAST_TERMS, most: MOST_TERMS };
    let may = Split::new(l.output.count(), 1, problem.k, aim);
    let mut candidates = Vec::new();
    if may.parts() > must.parts() {
        candidates.push(in_parts("split", problem, may, l));
    }
    candidates.push(in_parts("simple", problem, must, l));
    candidates
}

/// Estimated time in ns on the two cores that the costs in `wide` were measured on.
pub(super) fn cost(problem: &Problem, caps: &Caps) -> f64 {
    let results = (problem.batch() * problem.m * problem.n).max(64) as f64;
    let (term, result) = if caps.slow_storage { (2.6, 25.0) } else { (0.9, 16.0) };
    25_000.0 + results * (term * problem.k as f64 + result)
}

fn in_parts(name: &'static str, problem: &Problem, split: Split, l: &Lowering<'_>) -> Strategy {
    let (count, parts) = (l.output.count(), split.parts());
    let ((a_row, a_k), (b_k, b_column)) = (problem.a_strides(), problem.b_strides());
    let to = if parts == 1 { Operand::Output } else { Operand::Scratch(0) };
    let kernel = Kernel::new(source!("matmul_simple"))
        .constant("WG", WORKGROUP)
        .constant("HALF", l.inputs[0].dtype == DType::F16);
    let call = KernelCall::new(kernel, linear_grid((count * parts).div_ceil(WORKGROUP), l.caps))
        .bind_inputs(2)
        .bind(to)
        .param("count", count)
        .param("m", problem.m)
        .param("n", problem.n)
        .param("k", problem.k)
        .param("k_part", split.run_each)
        .param("parts", parts)
        .param("a_row", a_row)
        .param("a_k", a_k)
        .param("b_k", b_k)
        .param("b_column", b_column);
    let call = problem.batch_params(call);
    let call = if parts == 1 { l.with_epilogue(call) } else { l.plain().with_epilogue(call) };
    summed(name, vec![call], parts, l)
}

/// The strategy of calls that compute so many parts of the result, in scratch buffer 0, or one: the output.
pub(in crate::ops) fn summed(
    name: &'static str,
    mut calls: Vec<KernelCall>,
    parts: usize,
    l: &Lowering<'_>,
) -> Strategy {
    if parts == 1 {
        return Strategy { name, calls, scratch: Vec::new() };
    }
    let count = l.output.count();
    calls.push(sum(count, parts, l));
    Strategy { name, calls, scratch: vec![(count * parts * 4) as u64] }
}

/// The second pass over the parts in scratch buffer 0. A GPU wants more loads at once than there are results.
pub(super) fn sum(count: usize, parts: usize, l: &Lowering<'_>) -> KernelCall {
    let (workgroup, slices) = match l.caps.is_software() {
        true => (WORKGROUP, 1),
        false => (SUM_WORKGROUP, (parts / 4).next_power_of_two().clamp(1, 8)),
    };
    let kernel =
        Kernel::new(source!("matmul_sum")).constant("WG", workgroup).constant("SLICES", slices).constant("Out", out(l));
    let call = KernelCall::new(kernel, linear_grid(count.div_ceil(workgroup / slices), l.caps))
        .bind(Operand::Scratch(0))
        .bind(Operand::Output)
        .param("count", count)
        .param("part_count", parts);
    l.with_epilogue(call)
}
