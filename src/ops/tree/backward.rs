//! Down the trees: level by level the cell's gradients, and their product with the weight, handed on to the children;
//! then the leaves.

use super::cell::{Cell, Extents};
use super::product::{INNER, LEAVES, Product, Rows, WORKGROUP, call, clear, count_of, kernel};
use crate::gpu::Caps;
use crate::kernel::{Candidates, Kernel, KernelCall, Operand, Strategy, linear_grid, source};

/// Numbers of the inputs.
const D_HIDDEN: usize = 0;
const TRACE: usize = 1;
const WEIGHT: usize = 2;
const CHILDREN: usize = 3;
const LEVELS: usize = 4;
/// Numbers of the scratch buffers: a level's gradients, line by line, and those of all states.
const LINES: usize = 0;
const STATES: usize = 1;

pub(super) fn lower(e: &Extents, caps: &Caps) -> Candidates {
    let product =
        Product { e: *e, depth: e.columns(), columns: e.depth(), lines: LINES, weight: WEIGHT, levels: LEVELS };
    let inner = Rows { first: e.leaf_gradients(), count: e.inner, width: e.lines() * e.columns() };
    let mut calls = vec![
        clear(&Rows { first: 0, count: e.leaves, width: e.leaf_width() }, LEVELS, LEAVES, caps),
        clear(&inner, LEVELS, INNER, caps),
        begin(e, caps),
    ];
    for level in (1..=e.levels).rev() {
        calls.push(cell(e, level, product.pitch()));
        let add = |call: KernelCall| call.bind(Operand::Input(CHILDREN)).bind(Operand::Scratch(STATES));
        calls.extend(product.calls(source!("tree_product_scatter"), level, caps, add));
    }
    calls.push(leaves(e));
    let states = 4 * e.state_planes() * e.rows() * e.hidden;
    vec![Strategy { name: "levels", calls, scratch: vec![product.lines_bytes(caps), states as u64] }]
}

/// The gradients of the states before any came from a parent.
fn begin(e: &Extents, caps: &Caps) -> KernelCall {
    let count = e.rows() * e.hidden / 4;
    let kernel = Kernel::new(source!("tree_begin")).constant("WG", WORKGROUP).constant("PLANES", e.state_planes());
    KernelCall::new(kernel, linear_grid(count.div_ceil(WORKGROUP), caps))
        .bind(Operand::Input(D_HIDDEN))
        .bind(Operand::Scratch(STATES))
        .param("count", count)
}

fn cell(e: &Extents, level: usize, pitch: usize) -> KernelCall {
    // An invocation takes four elements of a state, or an element of what the tensor multiplies; the last, W.
    let (kernel, each) = match e.cell {
        Cell::Tensor => (kernel(source!("tree_tensor_backward"), e), 2 * e.hidden + 1),
        Cell::NaryLstm | Cell::ChildSumLstm => {
            let kernel = kernel(source!("tree_lstm_backward"), e).constant("SHARED", e.cell == Cell::ChildSumLstm);
            (kernel, e.hidden / 4)
        }
    };
    let kernel = kernel.constant("PITCH4", pitch / 4).constant("BASE4", e.leaf_gradients() / 4);
    call(kernel, LEVELS, count_of(level), e.most(level), each)
        .bind(Operand::Input(TRACE))
        .bind(Operand::Input(CHILDREN))
        .bind(Operand::Input(LEVELS))
        .bind(Operand::Scratch(STATES))
        .bind(Operand::Output)
        .bind(Operand::Scratch(LINES))
        .param("level", level)
}

fn leaves(e: &Extents) -> KernelCall {
    let source = match e.cell {
        Cell::Tensor => source!("tree_tensor_leaves_backward"),
        Cell::NaryLstm | Cell::ChildSumLstm => source!("tree_lstm_leaves_backward"),
    };
    let call = call(kernel(source, e), LEVELS, LEAVES, e.leaves, e.hidden / 4);
    let call = if e.cell == Cell::Tensor { call } else { call.bind(Operand::Input(TRACE)) };
    call.bind(Operand::Input(LEVELS)).bind(Operand::Scratch(STATES)).bind(Operand::Output)
}
