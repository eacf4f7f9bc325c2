//! `tile128` and `tile64`: tiles in workgroup memory, for GPUs. Where a product has too few tiles to fill one, its sum
//! over K is divided.

use super::problem::Problem;
use super::simple::sum;
use crate::graph::Lowering;
use crate::kernel::{Candidates, Kernel, KernelCall, Operand, Source, Strategy, source};
use crate::ops::split::{Aim, Split};

/// Workgroups that keep a large GPU busy.
const PARALLEL: usize = 256;
/// K below which another part costs more than it brings.
const LEAST: usize = 256;
/// Mesa 22.3 stops an invocation's loops after 65,535 turns, and the tests run these kernels there.
const MOST: usize = 1 << 15;

/// Both tile sizes, the better one first.
pub(super) fn lower(problem: &Problem, l: &Lowering<'_>) -> Candidates {
    let large = in_tiles("tile128", source!("matmul_tile_128"), 128, problem, l);
    let small = in_tiles("tile64", source!("matmul_tile_64"), 64, problem, l);
    let tiles = problem.batch() * problem.m.div_ceil(128) * problem.n.div_ceil(128);
    let mut candidates: Candidates = [large, small].into_iter().flatten().collect();
    if tiles < PARALLEL / 2 {
        candidates.reverse();
    }
    candidates
}

fn in_tiles(name: &'static str, source: Source, side: usize, problem: &Problem, l: &Lowering<'_>) -> Option<Strategy> {
    let &Problem { op, m, n, k, .. } = problem;
    let (rows, columns, batch, count) = (m.div_ceil(side), n.div_ceil(side), problem.batch(), l.output.count());
    let aim = Aim { parallel: PARALLEL, least: LEAST, most: MOST };
    let split = Split::new(rows * columns * batch, 1, k, aim);
    // Whole vectors in every part.
    let k_part = split.run_each.next_multiple_of(4);
    let parts = k.div_ceil(k_part);
    let grid = [columns, rows, batch * parts];
    if grid.iter().any(|&n| n > l.caps.workgroups as usize) {
        return None;
    }
    let by_four = |innermost: usize| innermost.is_multiple_of(4);
    let (a_by_four, b_by_four) =
        (by_four(if op.transpose_a { m } else { k }), by_four(if op.transpose_b { k } else { n }));
    let element = |by_four: bool| if by_four { "vec4<f32>" } else { "f32" };
    let kernel = Kernel::new(source)
        .constant("ElemA", element(a_by_four))
        .constant("ElemB", element(b_by_four))
        .constant("A_BY_FOUR", a_by_four)
        .constant("B_BY_FOUR", b_by_four)
        .constant("A_K_INNERMOST", !op.transpose_a)
        .constant("B_K_INNERMOST", op.transpose_b);
    let to = if parts == 1 { Operand::Output } else { Operand::Scratch(0) };
    let call = KernelCall::new(kernel, grid.map(|n| n as u32))
        .bind_inputs(2)
        .bind(to)
        .param("m", m)
        .param("n", n)
        .param("k", k)
        .param("k_part", k_part)
        .param("batch", batch);
    let call = problem.batch_params(call);
    if parts == 1 {
        return Some(Strategy::single(name, l.with_epilogue(call)));
    }
    let calls = vec![l.plain().with_epilogue(call), sum(count, parts, l)];
    Some(Strategy { name, calls, scratch: vec![(count * parts * 4) as u64] })
}
