//! Packing an operand of `wide`: K-major, cut into windows, padded with zeros to whole ones.

use super::wide::{Cut, PANEL, WINDOW, WINDOW_BYTES};
use crate::gpu::Caps;
use crate::kernel::{Kernel, KernelCall, Operand, source};

/// An operand of a product as it lies.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Factor {
    /// Its axis in the result: 0 of the rows' operand, 1 of the columns'.
    pub axis: usize,
    /// Which input of the op it is.
    pub input: usize,
    /// Its extent along that axis.
    pub extent: usize,
    /// Its extent along K.
    pub k: usize,
    /// How many matrices of these extents lie one after another; with more than one, whole tiles span the extent.
    pub count: usize,
    /// Whether K is its outermost axis.
    pub k_outermost: bool,
}

/// Blocks of four by four that an invocation packs: a workgroup costs as much to begin as two of them.
const BLOCKS: usize = 4;
/// Windows that `matmul_pack_window` reads at once.
const AT_ONCE: usize = 4;

/// Packs a factor, its matrices one after another.
pub(super) fn pack(factor: &Factor, packed: Operand, cut: &Cut, caps: &Caps) -> Vec<KernelCall> {
    let &Factor { axis, extent, k, count, k_outermost, .. } = factor;
    let k_padded = cut.run * cut.planes();
    if count > 1 && !k_outermost {
        // With K innermost they are one tall matrix.
        return pack(&Factor { extent: count * extent, count: 1, ..*factor }, packed, cut, caps);
    }
    let [rows, columns] = if k_outermost { [k, extent] } else { [extent, k] };
    let padded = extent.next_multiple_of(cut.tile[axis]);
    if count == 1 && caps.slow_storage && padded == extent && k_padded == k && through_windows(rows, columns) {
        let each = WINDOW / (4 * columns);
        return (0..rows / 4)
            .step_by(AT_ONCE * each)
            .map(|first| from_windows(factor, packed, [rows, columns], first, cut))
            .collect();
    }
    let source = if columns.is_multiple_of(4) { source!("matmul_pack_vec4") } else { source!("matmul_pack_scalar") };
    let kernel = Kernel::new(source).constant("K_INNERMOST", !k_outermost).constant("BLOCKS", BLOCKS);
    let (fours, panels) = (k_padded / 4, padded / PANEL);
    let [across, along] = [panels as u32, fours.div_ceil(BLOCKS) as u32];
    let call = |matrix: usize| {
        let grid = if k_outermost { [across, along, 1] } else { [along, across, 1] };
        let call = KernelCall::new(kernel.clone(), grid);
        let bind = |call: KernelCall, operand, floats: usize| match count {
            1 => call.bind(operand),
            _ => call.bind_window(operand, 4 * (matrix * floats) as u64, 4 * floats as u64),
        };
        bind(bind(call, Operand::Input(factor.input), rows * columns), packed, padded * k_padded)
            .param("rows", rows)
            .param("columns", columns)
            .param("panels", cut.tile[axis] / PANEL)
            .param("run4", cut.run / 4)
            .param("planes", cut.planes())
            .param("fours", fours)
    };
    (0..count).map(call).collect()
}

/// Whether windows of whole fours of rows can begin where uniform bindings may, and lanes need no guard.
fn through_windows(rows: usize, columns: usize) -> bool {
    rows.is_multiple_of(4) && columns.is_multiple_of(32) && 4 * columns <= WINDOW && rows * columns >= WINDOW
}

/// Packs the rows from the four `first` on, through as many windows as a dispatch has.
fn from_windows(factor: &Factor, packed: Operand, [rows, columns]: [usize; 2], first: usize, cut: &Cut) -> KernelCall {
    let each = WINDOW / (4 * columns);
    let kernel = Kernel::new(source!("matmul_pack_window")).constant("K_INNERMOST", !factor.k_outermost);
    let mut call = KernelCall::new(kernel, [(columns / 32) as u32, each as u32, 1]);
    for (i, name) in ["start0", "start1", "start2", "start3"].into_iter().enumerate() {
        let start = ((first + i * each) * 4 * columns).min(rows * columns - WINDOW);
        call = call.bind_window(Operand::Input(factor.input), 4 * start as u64, WINDOW_BYTES).param(name, start / 4);
    }
    call.bind(packed)
        .param("columns4", columns / 4)
        .param("rows4", rows / 4)
        .param("first", first)
        .param("each", each)
        .param("tile4", cut.tile[factor.axis] / 4)
        .param("run4", cut.run / 4)
        .param("planes", cut.planes())
}
