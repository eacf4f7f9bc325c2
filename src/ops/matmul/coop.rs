//! `coop`, `coop_turned` and `coop_small`: products of f16 by cooperative matrices. Where there are too few tiles to fill a
//! GPU, the sum over K is divided. A tile takes short pieces of many rows of an operand whose rows run along K: `coop_turned`
//! transposes such ones first.

use super::MatMul;
use super::problem::Problem;
use super::simple::summed;
use crate::graph::Lowering;
use crate::kernel::{Candidates, Kernel, KernelCall, Operand, Strategy, source};
use crate::ops::coop::{Layout, Tile, partial};
use crate::ops::split::{Aim, Split};
use crate::tensor::{DType, TensorType};

/// Workgroups that keep a large GPU busy.
const PARALLEL: usize = 256;
/// K below which another part costs more than it brings.
const LEAST: usize = 256;
/// Terms of a part, far above what is useful.
const MOST: usize = 1 << 20;

/// Invocations of a workgroup that transposes, and rows and columns of what it does.
const TURN_WORKGROUP: usize = 256;
const TURN_TILE: usize = 64;
/// Rows and columns of a result from which on transposing an operand pays on a GPU, and multiply-adds.
const TURN_EXTENT: usize = 1024;
const TURN_WORK: u64 = 1 << 32;

/// Both tile sizes, and the larger with transposed operands, the best one first; none where the device has no cooperative
/// matrices.
pub(super) fn lower(problem: &Problem, l: &Lowering<'_>) -> Candidates {
    let (large, small) = (Tile::large(l.caps), Tile::small(l.caps));
    let tiles = large.map_or(0, |t| problem.batch() * problem.m.div_ceil(t.rows()) * problem.n.div_ceil(t.columns()));
    let mut candidates: Candidates = [("coop", large), ("coop_small", small)]
        .into_iter()
        .filter_map(|(name, tile)| in_tiles(name, tile?, problem, l))
        .collect();
    if tiles < PARALLEL / 2 {
        candidates.reverse();
    }
    if let Some(turned) = large.and_then(|tile| turned(tile, problem, l)) {
        let pays = !l.caps.is_software()
            && problem.m.min(problem.n) >= TURN_EXTENT
            && [problem.m, problem.n, problem.k].map(|extent| extent as u64).iter().product::<u64>() >= TURN_WORK;
        candidates.insert(if pays { 0 } else { candidates.len() }, turned);
    }
    candidates
}

/// The product of operands that are transposed first where their rows run along K.
fn turned(tile: Tile, problem: &Problem, l: &Lowering<'_>) -> Option<Strategy> {
    let &Problem { op, m, n, k, .. } = problem;
    let along_k = [!op.transpose_a, op.transpose_b];
    let in_tiles_of =
        |extent: usize| extent.is_multiple_of(TURN_TILE) && extent / TURN_TILE <= l.caps.workgroups as usize;
    let fits = tile.holds([m, n, k])
        && [m, n, k].into_iter().all(in_tiles_of)
        && l.caps.invocations as usize >= TURN_WORKGROUP
        && problem.batch() == 1;
    if !fits || along_k == [false; 2] {
        return None;
    }
    let mut as_turned = problem.clone();
    as_turned.op = MatMul { transpose_a: true, transpose_b: false };
    let mut strategy = in_tiles("coop_turned", tile, &as_turned, l)?;
    let mut calls = Vec::new();
    for (input, rows) in [m, n].into_iter().enumerate().filter(|(input, _)| along_k[*input]) {
        let to = Operand::Scratch(strategy.scratch.len());
        let kernel = Kernel::new(source!("matmul_turn")).constant("Half", "vec4<f16>");
        let grid = [k / TURN_TILE, rows / TURN_TILE, 1].map(|n| n as u32);
        let call = KernelCall::new(kernel, grid).bind(Operand::Input(input)).bind(to);
        calls.push(call.param("rows", rows).param("columns", k));
        strategy.scratch.push((2 * rows * k) as u64);
        for bound in strategy.calls.iter_mut().flat_map(|call| &mut call.operands) {
            if bound.operand == Operand::Input(input) {
                bound.operand = to;
            }
        }
    }
    calls.append(&mut strategy.calls);
    Some(Strategy { calls, ..strategy })
}

fn in_tiles(name: &'static str, tile: Tile, problem: &Problem, l: &Lowering<'_>) -> Option<Strategy> {
    let &Problem { op, m, n, k, .. } = problem;
    let (rows, columns, batch) = (m.div_ceil(tile.rows()), n.div_ceil(tile.columns()), problem.batch());
    let split = Split::new(rows * columns * batch, 1, k, Aim { parallel: PARALLEL, least: LEAST, most: MOST });
    // Pairs of steps in every part.
    let k_part = split.run_each.next_multiple_of(2 * tile.step());
    let parts = k.div_ceil(k_part);
    let grid = [columns, rows];
    if grid.iter().any(|&n| n > l.caps.workgroups as usize) {
        return None;
    }
    let by_four = |innermost: usize| innermost.is_multiple_of(4);
    let (a_by_four, b_by_four) =
        (by_four(if op.transpose_a { m } else { k }), by_four(if op.transpose_b { k } else { n }));
    let element = |by_four: bool| if by_four { "vec4<f16>" } else { "f16" };
    let layouts = [!op.transpose_a, op.transpose_b].map(|k_innermost| Layout { k_innermost, across: false });
    let sums = TensorType::f32(l.output.shape.clone());
    let partial = partial(l, &sums);
    let (to, end) = if parts == 1 { (Operand::Output, l) } else { (Operand::Scratch(0), &partial) };
    let whole = tile.holds([m, n, k]);
    // As they are summed: no epilogue, no other type, nothing past an end.
    let direct = whole && end.epilogue.is_none() && end.output.dtype == DType::F32;
    let kernel = tile
        .kernel(source!("matmul_coop"), layouts, [whole, direct], end)
        .constant("ElemA", element(a_by_four))
        .constant("ElemB", element(b_by_four))
        .constant("A_BY_FOUR", a_by_four)
        .constant("B_BY_FOUR", b_by_four);
    let calls = problem.calls(&kernel, grid, (parts, k_part), to, l.caps);
    Some(summed(name, calls.map(|call| end.with_epilogue(call)).collect(), parts, l))
}
