//! Cases. Gradients are those of a whole walk, which `tests` below and `tests/torch_recurrent.rs` hold; a single op of
//! these has none.

use super::{Cell, Extents, Part, Recurrent, RecurrentGrad, Role, Walk};
use crate::ops::{Case, CaseInput, Values};

const CELLS: [Cell; 5] = [Cell::RnnTanh, Cell::RnnRelu, Cell::Lstm, Cell::GruResetAfter, Cell::GruResetBefore];

/// Cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for cell in CELLS {
        for (name, steps, batch, hidden, reverse, masked) in [
            ("odd", 3, 2, 5, false, false),
            ("odd, reverse, masked", 4, 3, 7, true, true),
            ("two panels", 3, 33, 36, false, true),
            ("one sequence", 2, 1, 64, true, false),
        ] {
            let walk = Walk { cell, reverse, masked };
            let e = Extents { steps, batch, hidden };
            cases.push(forward(&format!("{cell:?} {name}"), walk, e));
            cases.push(backward(&format!("{cell:?} {name} gradient"), walk, e, false));
        }
        if cell.gates() > 1 {
            let (walk, e) = (Walk { cell, reverse: true, masked: false }, Extents { steps: 2, batch: 6, hidden: 200 });
            cases.push(forward(&format!("{cell:?} several tiles"), walk, e));
            cases.push(backward(&format!("{cell:?} several tiles gradient"), walk, e, false));
        }
        if cell == Cell::GruResetAfter {
            // More turns of loops than Mesa 22.3 takes.
            let (walk, e) =
                (Walk { cell, reverse: true, masked: false }, Extents { steps: 150, batch: 1, hidden: 160 });
            cases.push(forward(&format!("{cell:?} many turns"), walk, e));
        }
        if cell.has_cell_state() {
            let (walk, e) =
                (Walk { cell, reverse: false, masked: false }, Extents { steps: 1, batch: 33, hidden: 320 });
            cases.push(backward("several groups of panels gradient", walk, e, false));
            for (name, steps, batch, hidden) in [("odd", 3, 2, 5), ("windows", 2, 9, 32)] {
                let walk = Walk { cell, reverse: false, masked: true };
                let e = Extents { steps, batch, hidden };
                cases.push(backward(&format!("{cell:?} {name} gradient of the last cell state"), walk, e, true));
            }
        }
    }
    let walk = Walk { cell: Cell::Lstm, reverse: false, masked: false };
    for (name, offset, shape) in [("an aligned window", 64, [2, 4]), ("a window that is not", 3, [4, 5])] {
        let op = Part { walk, role: Role::Inner, offset, shape: shape.into() };
        cases.push(Case::new(name, op, vec![CaseInput::f32([100])]).forward_only());
    }
    cases
}

/// Weights as small as they are where many are summed.
fn weight(gates: usize, hidden: usize) -> CaseInput {
    let bound = 1.0 / (hidden as f32).sqrt();
    CaseInput::f32_of([gates * hidden, hidden], Values::Uniform(-bound, bound))
}

fn mask(e: Extents) -> CaseInput {
    CaseInput::f32_of([e.steps, e.batch], Values::Flag)
}

fn forward(name: &str, walk: Walk, e: Extents) -> Case {
    let gates = walk.cell.gates();
    let mut inputs = vec![CaseInput::f32([e.steps, e.batch, gates * e.hidden]), weight(gates, e.hidden)];
    inputs.push(CaseInput::f32([e.batch, e.hidden]));
    if walk.cell.has_cell_state() {
        inputs.push(CaseInput::f32([e.batch, e.hidden]));
    }
    if walk.cell.has_recurrent_bias() {
        inputs.push(CaseInput::f32([gates * e.hidden]));
    }
    if walk.masked {
        inputs.push(mask(e));
    }
    Case::new(name, Recurrent(walk), inputs).forward_only()
}

fn backward(name: &str, walk: Walk, e: Extents, of_cell: bool) -> Case {
    let d = match of_cell {
        true => CaseInput::f32([e.batch, e.hidden]),
        false => CaseInput::f32([e.steps, e.batch, e.hidden]),
    };
    // Any tape will do: that of no walk tells more.
    let mut inputs = vec![CaseInput::f32([walk.tape(e)]), weight(walk.cell.gates(), e.hidden), d];
    if walk.masked {
        inputs.push(mask(e));
    }
    Case::new(name, RecurrentGrad { walk, steps: e.steps, of_cell }, inputs).forward_only().tolerance(2e-5)
}
