//! `steps`: one call a step, each unit of each sequence by itself. It runs everywhere.

use super::forward::{ALWAYS, Recurrent};
use super::grad::RecurrentGrad;
use super::{Cell, Extents, Place, Walk, optional};
use crate::gpu::Caps;
use crate::graph::Lowering;
use crate::kernel::{Kernel, KernelCall, Operand, Source, Strategy, linear_grid, source};

const WORKGROUP: usize = 64;

/// A call over all units of all sequences.
fn call(walk: Walk, e: Extents, source: Source, caps: &Caps, adapt: impl FnOnce(Kernel) -> Kernel) -> KernelCall {
    let kernel = walk.kernel(Kernel::new(source).constant("WG", WORKGROUP), e);
    KernelCall::new(adapt(kernel), linear_grid(e.state().div_ceil(WORKGROUP), caps))
}

/// The initial states, laid into the tape.
pub(super) fn begin(op: &Recurrent, e: Extents, l: &Lowering<'_>) -> KernelCall {
    let (walk, numbers) = (op.0, op.numbers());
    let first = walk.first_state(e) * e.state();
    let kernel = Kernel::new(source!("recurrent_begin"))
        .constant("WG", WORKGROUP)
        .constant("BATCH", e.batch)
        .constant("HIDDEN", e.hidden)
        .constant("CELL_STATE", walk.cell.has_cell_state())
        .code(optional(&mut 2, numbers.cell_state.is_some(), "c", "0.0"));
    let call = KernelCall::new(kernel, linear_grid(e.state().div_ceil(WORKGROUP), l.caps))
        .bind(Operand::Input(2))
        .bind(Operand::Output);
    let call = numbers.cell_state.into_iter().fold(call, |call, i| call.bind(Operand::Input(i)));
    call.param("h_at", first).param("c_at", walk.cell_states(e) + first)
}

/// The forward pass.
pub(super) fn forward(op: &Recurrent, e: Extents, l: &Lowering<'_>) -> Strategy {
    let (walk, numbers) = (op.0, op.numbers());
    let mut calls = vec![begin(op, e, l)];
    for place in walk.places(e.steps) {
        let step = |source: Source, adapt: &dyn Fn(Kernel) -> Kernel| {
            let mut next = ALWAYS;
            let call = call(walk, e, source, l.caps, |kernel| {
                let kernel = kernel.code(optional(&mut next, numbers.bias.is_some(), "bias", "0.0"));
                adapt(kernel.code(optional(&mut next, numbers.mask.is_some(), "mask", "1.0")))
            });
            let call = call.bind(Operand::Input(0)).bind(Operand::Input(1)).bind(Operand::Output);
            let call = numbers.bias.into_iter().chain(numbers.mask).fold(call, |call, i| call.bind(Operand::Input(i)));
            let Place { t, before, after } = place;
            call.param("x", t * walk.cell.gates() * e.state())
                .param("h_before", before * e.state())
                .param("h_after", after * e.state())
                .param("kept", walk.gates(e) + t * walk.cell.kept() * e.state())
                .param("mask", t * e.batch)
        };
        if walk.cell == Cell::GruResetBefore {
            for second in [false, true] {
                calls.push(step(source!("recurrent_step_reset"), &|kernel| kernel.constant("SECOND", second)));
            }
        } else {
            let cells = walk.cell_states(e);
            let call = step(source!("recurrent_step"), &|kernel| kernel);
            let call = call.param("c_before", cells + place.before * e.state());
            calls.push(call.param("c_after", cells + place.after * e.state()));
        }
    }
    Strategy { name: "steps", calls, scratch: Vec::new() }
}

/// The parameters that say where a step lies, backwards.
pub(super) fn backward_places(walk: Walk, e: Extents, place: Place, call: KernelCall) -> KernelCall {
    let Place { t, before, after } = place;
    let (state, gates, cells) = (e.state(), walk.cell.gates(), walk.cell_states(e));
    call.param("d_x", t * gates * state)
        .param("d_s", walk.d_recurrent(e) + t * gates * state)
        .param("d_state", walk.d_state(e))
        .param("d_hidden", t * state)
        .param("h_before", before * state)
        .param("h_after", after * state)
        .param("c_before", cells + before * state)
        .param("c_after", cells + after * state)
        .param("kept", walk.gates(e) + t * walk.cell.kept() * state)
        .param("mask", t * e.batch)
}

/// What the walk backwards begins with.
pub(super) fn backward_begin(op: &RecurrentGrad, e: Extents, l: &Lowering<'_>) -> KernelCall {
    let cell_state = op.walk.cell.has_cell_state();
    let kernel = Kernel::new(source!("recurrent_grad_begin"))
        .constant("WG", WORKGROUP)
        .constant("BATCH", e.batch)
        .constant("HIDDEN", e.hidden)
        .constant("CELL_STATE", cell_state)
        .code(optional(&mut 1, op.of_cell, "d_cell", "0.0"));
    let call = KernelCall::new(kernel, linear_grid(e.state().div_ceil(WORKGROUP), l.caps)).bind(Operand::Output);
    let call = if op.of_cell { call.bind(Operand::Input(2)) } else { call };
    call.param("d_h", op.walk.d_state(e))
}

/// The walk backwards.
pub(super) fn backward(op: &RecurrentGrad, e: Extents, l: &Lowering<'_>) -> Strategy {
    let walk = op.walk;
    let state = e.state();
    let reset_before = walk.cell == Cell::GruResetBefore;
    let mut calls = vec![backward_begin(op, e, l)];
    let step = |place: Place, next: Option<Place>, last: bool| {
        let mut binding = 3;
        let call = call(walk, e, source!("recurrent_step_grad"), l.caps, |kernel| {
            let kernel = kernel.constant("PRODUCT_GATES", if reset_before { 2 } else { walk.cell.gates() });
            let kernel = kernel.code(optional(&mut binding, !op.of_cell, "d_hidden", "0.0"));
            kernel.code(optional(&mut binding, walk.masked, "mask", "1.0"))
        });
        let call = call.bind(Operand::Input(0)).bind(Operand::Input(1)).bind(Operand::Output);
        let call = if op.of_cell { call } else { call.bind(Operand::Input(2)) };
        let call = if walk.masked { call.bind(Operand::Input(3)) } else { call };
        let d_next = next.map_or(0, |next| walk.d_recurrent(e) + next.t * walk.cell.gates() * state);
        backward_places(walk, e, place, call)
            .param("first", u32::from(next.is_none()))
            .param("last", u32::from(last))
            .param("d_next", d_next)
    };
    let mut next = None;
    for place in walk.places(e.steps).rev() {
        calls.push(step(place, next, false));
        if reset_before {
            let call = call(walk, e, source!("recurrent_step_reset_grad"), l.caps, |kernel| kernel);
            let call = call.bind(Operand::Input(0)).bind(Operand::Input(1)).bind(Operand::Output);
            calls.push(
                call.param("d_x", place.t * walk.cell.gates() * state)
                    .param("d_state", walk.d_state(e))
                    .param("h_before", place.before * state)
                    .param("kept", walk.gates(e) + place.t * walk.cell.kept() * state),
            );
        }
        next = Some(place);
    }
    if let Some(place) = next {
        calls.push(step(place, next, true));
    }
    Strategy { name: "steps", calls, scratch: Vec::new() }
}
