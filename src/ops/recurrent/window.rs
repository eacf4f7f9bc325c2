//! `window`: for software Vulkan, where uniform windows are read far faster than storage, and every dispatch is dear. The
//! weight is packed once a walk; a step is one dispatch, or a few, each the product with some units' weights and, on what
//! it leaves in registers, the cell. The state goes from step to step through two scratch buffers by turns, laid out as
//! the next step reads it. A GRU with the reset gate in front of the product takes two products a step, one after the other,
//! and so does its way back, where they share the weight: each leaves zeros where the other's gradients lie.

use super::forward::Recurrent;
use super::grad::RecurrentGrad;
use super::{Cell, Extents, Place, optional, steps};
use crate::gpu::Caps;
use crate::graph::Lowering;
use crate::kernel::{Kernel, KernelCall, Operand, Source, Strategy, linear_grid, source};
use crate::ops::copy::clear;

/// Sequences of a workgroup.
const PANEL: usize = 32;
/// Parts that K is cut into, each in a window of its own.
const PLANES: usize = 4;
/// Vectors of four that a window holds.
const WORDS: usize = 4096;
const WORD_BYTES: usize = 16;
const WORKGROUP: usize = 64;
/// Lanes of a workgroup of the step.
const LANES: usize = 8;
/// With fewer sequences, most of a panel is nothing.
const FEWEST: usize = 5;

/// How a step is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cut {
    /// Panels of sequences: `groups` times those of a dispatch.
    panels: usize,
    groups: usize,
    /// K of a plane, a multiple of 4.
    run: usize,
    /// Units of a dispatch; `lane_units` times a multiple of [`LANES`].
    width: usize,
    /// Units of a lane.
    lane_units: usize,
    /// Dispatches of a step.
    tiles: usize,
}

impl Cut {
    /// For sums over `k`, each lane giving `lane_units` units; `None` where the windows do not hold it.
    fn new(e: Extents, k: usize, lane_units: usize) -> Option<Self> {
        let run = k.div_ceil(PLANES).next_multiple_of(4);
        // Panels that a window of the state holds, and as many of the weight's: a word is a lane's, at one k.
        let most = WORDS / (run * LANES);
        if most == 0 {
            return None;
        }
        let groups = e.batch.div_ceil(PANEL).div_ceil(most);
        let panels = e.batch.div_ceil(PANEL).next_multiple_of(groups);
        let unit = LANES * lane_units;
        let tiles = e.hidden.div_ceil(most * unit);
        let width = e.hidden.div_ceil(tiles).next_multiple_of(unit);
        Some(Self { panels, groups, run, width, lane_units, tiles: e.hidden.div_ceil(width) })
    }

    /// Words of one plane of the state that a dispatch reads.
    fn state_words(self) -> usize {
        self.panels / self.groups * self.run * LANES
    }

    /// Words of a state.
    fn all_state_words(self) -> usize {
        PLANES * self.groups * self.state_words()
    }

    /// Words of the packed weight.
    fn all_weight_words(self) -> usize {
        self.tiles * PLANES * self.weight_words()
    }

    /// The dispatches of a step: the number of the group of panels, and that of the tile.
    fn dispatches(self) -> impl Iterator<Item = [usize; 2]> {
        (0..self.groups).flat_map(move |group| (0..self.tiles).map(move |tile| [group, tile]))
    }

    /// Words of one plane of a dispatch's weight.
    fn weight_words(self) -> usize {
        self.width / self.lane_units * self.run
    }

    /// Bytes of the scratch buffers: two states and the weight.
    fn scratch(self) -> Vec<u64> {
        let [state, weight] =
            [self.all_state_words(), self.all_weight_words()].map(|words| (words * WORD_BYTES) as u64);
        vec![state, state, weight]
    }

    /// The cut's constants.
    fn define(self, kernel: Kernel) -> Kernel {
        kernel
            .constant("RUN", self.run)
            .constant("PANELS", self.panels)
            .constant("GROUPS", 1usize)
            .constant("A_WORDS", self.state_words())
            .constant("B_WORDS", self.weight_words())
    }

    /// A step's dispatch, that reads the state in scratch buffer `from`.
    fn call(self, kernel: Kernel, from: usize, [group, tile]: [usize; 2]) -> KernelCall {
        let panels = self.panels / self.groups;
        let grid = [(self.width / self.lane_units / LANES) as u32, panels as u32, 1];
        let call = KernelCall::new(kernel, grid);
        // Windows of one operand follow one another, `apart` from plane to plane.
        let windows = |call: KernelCall, scratch: usize, first: usize, apart: usize, words: usize| {
            let bytes = (words * WORD_BYTES) as u64;
            (0..PLANES).fold(call, |call, plane| {
                call.bind_window(Operand::Scratch(scratch), (first + plane * apart) as u64 * bytes, bytes)
            })
        };
        let call = windows(call, from, group, self.groups, self.state_words());
        let call = windows(call, WEIGHT, tile * PLANES, 1, self.weight_words());
        call.param("unit", tile * self.width).param("panel", group * panels)
    }
}

/// The scratch buffer of the packed weight; the two before it are states.
const WEIGHT: usize = 2;

/// Whether the device and the batch are for windows.
fn suits(e: Extents, caps: &Caps) -> bool {
    caps.is_software()
        && caps.subgroup.is_some_and(|(least, _)| least as usize >= LANES)
        && caps.uniform_bytes >= (WORDS * WORD_BYTES) as u64
        && e.batch >= FEWEST
}

/// What of a step a dispatch takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    Whole,
    /// Of a GRU with the reset gate in front of the product, which is of what all units of the first half made.
    First,
    Second,
}

/// The dispatches of a step.
fn halves(cell: Cell) -> impl Iterator<Item = Half> {
    let halves: &[Half] = if cell == Cell::GruResetBefore { &[Half::First, Half::Second] } else { &[Half::Whole] };
    halves.iter().copied()
}

/// A call that makes all `words` of a packed tensor from an input.
fn pack(
    source: Source,
    words: usize,
    input: usize,
    to: usize,
    caps: &Caps,
    adapt: impl FnOnce(Kernel) -> Kernel,
) -> KernelCall {
    let kernel = adapt(Kernel::new(source).constant("WG", WORKGROUP));
    KernelCall::new(kernel, linear_grid(words.div_ceil(WORKGROUP), caps))
        .bind(Operand::Input(input))
        .bind(Operand::Scratch(to))
        .param("count", words)
}

/// The forward pass.
pub(super) fn forward(op: &Recurrent, e: Extents, l: &Lowering<'_>) -> Option<Strategy> {
    let (walk, numbers) = (op.0, op.numbers());
    let cut = Cut::new(e, e.hidden, 1).filter(|_| suits(e, l.caps))?;
    let (state_words, weight_words) = (cut.all_state_words(), cut.all_weight_words());
    let mut calls = vec![
        pack(source!("recurrent_pack_weight"), weight_words, 1, WEIGHT, l.caps, |kernel| {
            let kernel = kernel.constant("GATES", walk.cell.gates()).constant("HIDDEN", e.hidden);
            kernel.constant("RUN", cut.run).constant("WIDTH", cut.width)
        }),
        steps::begin(op, e, l),
        pack(source!("recurrent_pack_state"), state_words, 2, 0, l.caps, |kernel| {
            let kernel = kernel.constant("BATCH", e.batch).constant("HIDDEN", e.hidden);
            kernel.constant("RUN", cut.run).constant("PANELS", cut.panels)
        }),
        // What lies behind the last unit of a plane is multiplied too, with zeros.
        clear(Operand::Scratch(1), 4, state_words, l.caps),
    ];
    let turns = walk.places(e.steps).flat_map(|place| halves(walk.cell).map(move |half| (place, half)));
    for (turn, (Place { t, before, after }, half)) in turns.enumerate() {
        for dispatch in cut.dispatches() {
            let mut next = 11;
            let kernel = walk.kernel(cut.define(Kernel::new(source!("recurrent_window"))), e);
            let kernel = kernel.code(optional(&mut next, numbers.bias.is_some(), "bias", "0.0"));
            let kernel = kernel.code(optional(&mut next, numbers.mask.is_some(), "mask", "1.0"));
            let kernel = match half {
                Half::Whole => kernel.code("#import recurrent_window_step"),
                _ => kernel.constant("SECOND", half == Half::Second).code("#import recurrent_window_reset"),
            };
            let call = cut.call(kernel, turn % 2, dispatch).bind(Operand::Input(0)).bind(Operand::Output);
            let call = call.bind(Operand::Scratch((turn + 1) % 2));
            let call = numbers.bias.into_iter().chain(numbers.mask).fold(call, |call, i| call.bind(Operand::Input(i)));
            let cells = walk.cell_states(e);
            calls.push(
                call.param("x", t * walk.cell.gates() * e.state())
                    .param("h_before", before * e.state())
                    .param("h_after", after * e.state())
                    .param("c_before", cells + before * e.state())
                    .param("c_after", cells + after * e.state())
                    .param("kept", walk.gates(e) + t * walk.cell.kept() * e.state())
                    .param("mask", t * e.batch),
            );
        }
    }
    Some(Strategy { name: "window", calls, scratch: cut.scratch() })
}

/// The walk backwards.
pub(super) fn backward(op: &RecurrentGrad, e: Extents, l: &Lowering<'_>) -> Option<Strategy> {
    let walk = op.walk;
    let in_fours = e.hidden.is_multiple_of(4);
    let cut = Cut::new(e, walk.cell.gates() * e.hidden, 4).filter(|_| in_fours && suits(e, l.caps))?;
    let (state_words, weight_words) = (cut.all_state_words(), cut.all_weight_words());
    let mut calls = vec![
        pack(source!("recurrent_pack_columns"), weight_words, 1, WEIGHT, l.caps, |kernel| {
            let kernel = kernel.constant("GATES", walk.cell.gates()).constant("HIDDEN", e.hidden);
            kernel.constant("RUN", cut.run).constant("WIDTH", cut.width)
        }),
        steps::backward_begin(op, e, l),
        clear(Operand::Scratch(0), 4, state_words, l.caps),
        clear(Operand::Scratch(1), 4, state_words, l.caps),
    ];
    let step = |turn: usize, (place, half): (Place, Half), last: bool, dispatch: [usize; 2]| {
        let mut next = 11;
        let kernel = walk.kernel(cut.define(Kernel::new(source!("recurrent_window_grad"))), e);
        let kernel = kernel.code(optional_in_fours(&mut next, !op.of_cell));
        let kernel = kernel.code(optional(&mut next, walk.masked, "mask", "1.0"));
        let import = if half == Half::Second {
            "#import recurrent_window_grad_reset"
        } else {
            "#import recurrent_window_grad_step"
        };
        let kernel = kernel.code(import);
        // Each product of a step in halves is with what the other half leaves as zeros.
        let kernel = kernel.constant("PACKS_FIRST", half != Half::First).constant("PACKS_THIRD", half != Half::Second);
        let call = cut.call(kernel, turn % 2, dispatch).bind(Operand::Input(0)).bind(Operand::Output);
        let call = call.bind(Operand::Scratch((turn + 1) % 2));
        let call = if op.of_cell { call } else { call.bind(Operand::Input(2)) };
        let call = if walk.masked { call.bind(Operand::Input(3)) } else { call };
        steps::backward_places(walk, e, place, call).param("last", u32::from(last))
    };
    let turns = walk.places(e.steps).rev().flat_map(|place| halves(walk.cell).map(move |half| (place, half)));
    let mut end = None;
    for (turn, (place, half)) in turns.enumerate() {
        calls.extend(cut.dispatches().map(|dispatch| step(turn, (place, half), false, dispatch)));
        end = Some((turn + 1, place));
    }
    // By the kernel that steps begin with: it leaves before it packs.
    if let Some(((turn, place), half)) = end.zip(halves(walk.cell).next()) {
        calls.extend(cut.dispatches().map(|dispatch| step(turn, (place, half), true, dispatch)));
    }
    Some(Strategy { name: "window", calls, scratch: cut.scratch() })
}

/// [`optional`] for the gradient of the hidden states, in fours of units.
fn optional_in_fours(next: &mut usize, there: bool) -> String {
    optional(next, there, "d_hidden", "vec4<f32>(0.0)")
        .replace("-> f32", "-> vec4<f32>")
        .replace("<f32>;", "<vec4<f32>>;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_cover_the_units_and_fit_the_windows() {
        for (batch, hidden, k, lane_units) in [
            (32, 256, 256, 1),
            (32, 256, 1024, 4),
            (9, 36, 36, 1),
            (40, 200, 800, 4),
            (64, 512, 2048, 4),
            (5, 700, 700, 1),
        ] {
            let e = Extents { steps: 1, batch, hidden };
            let cut = Cut::new(e, k, lane_units).expect("a cut");
            assert!(cut.panels * PANEL >= batch && PLANES * cut.run >= k && cut.width * cut.tiles >= hidden, "{cut:?}");
            assert!(cut.state_words() <= WORDS && cut.weight_words() <= WORDS, "{cut:?}");
            // Windows begin where uniform bindings may.
            let bytes = [cut.state_words(), cut.weight_words()].map(|words| words * WORD_BYTES);
            assert!(bytes.iter().all(|bytes| bytes.is_multiple_of(256)), "{cut:?}");
        }
        assert_eq!(Cut::new(Extents { steps: 1, batch: 8, hidden: 3000 }, 3000, 1), None);
        assert!(Cut::new(Extents { steps: 1, batch: 64, hidden: 512 }, 2048, 4).is_some_and(|cut| cut.groups > 1));
    }
}
