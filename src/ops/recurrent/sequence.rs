//! `sequence`: one call for as many steps as a driver loops, a workgroup a sequence, where its state fits one workgroup.

use super::forward::{ALWAYS, Recurrent};
use super::{Cell, Extents, optional, steps};
use crate::graph::Lowering;
use crate::kernel::{Kernel, KernelCall, Operand, Strategy, linear_grid, source};
use crate::ops::split::MOST_TURNS;

const WORKGROUP: usize = 64;

/// The forward pass, where the device can.
pub(super) fn forward(op: &Recurrent, e: Extents, l: &Lowering<'_>) -> Option<Strategy> {
    let (walk, numbers) = (op.0, op.numbers());
    let workgroup = e.hidden.next_multiple_of(32);
    let fits = workgroup <= l.caps.invocations as usize && e.batch <= l.caps.workgroups as usize;
    if walk.cell == Cell::GruResetBefore || !fits {
        return None;
    }
    let rows = walk.cell.gates() * e.hidden;
    let kernel = Kernel::new(source!("recurrent_transpose"))
        .constant("WG", WORKGROUP)
        .constant("ROWS", rows)
        .constant("HIDDEN", e.hidden);
    let transpose = KernelCall::new(kernel, linear_grid((rows * e.hidden).div_ceil(WORKGROUP), l.caps))
        .bind(Operand::Input(1))
        .bind(Operand::Scratch(0));
    let mut next = ALWAYS;
    let kernel = walk.kernel(Kernel::new(source!("recurrent_sequence")).constant("WG", workgroup), e);
    let kernel = kernel.code(optional(&mut next, numbers.bias.is_some(), "bias", "0.0"));
    let kernel = kernel.code(optional(&mut next, numbers.mask.is_some(), "mask", "1.0"));
    let turns_a_step = 1 + walk.cell.gates() * (1 + e.hidden);
    let each = if l.caps.is_software() { (MOST_TURNS / turns_a_step).max(1) } else { e.steps };
    let mut calls = vec![transpose, steps::begin(op, e, l)];
    calls.extend((0..e.steps).step_by(each).map(|begin| {
        let call = KernelCall::new(kernel.clone(), [e.batch as u32, 1, 1])
            .bind(Operand::Input(0))
            .bind(Operand::Scratch(0))
            .bind(Operand::Output);
        let call = numbers.bias.into_iter().chain(numbers.mask).fold(call, |call, i| call.bind(Operand::Input(i)));
        call.param("steps", e.steps)
            .param("begin", begin)
            .param("turns", each.min(e.steps - begin))
            .param("reverse", u32::from(walk.reverse))
            .param("c_first", walk.cell_states(e))
            .param("kept", walk.gates(e))
    }));
    Some(Strategy { name: "sequence", calls, scratch: vec![4 * (rows * e.hidden) as u64] })
}
