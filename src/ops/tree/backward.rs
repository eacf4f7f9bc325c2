//! Down the trees: level by level the cell's gradients, and their product with the weight, handed on to the children;
//! then the leaves.

use super::cell::{Cell, Extents};
use super::product::Product;
use super::tables::{INNER, LEAVES, Rows, WORKGROUP, call, clear, count_of, kernel};
use crate::gpu::Caps;
use crate::graph::Lowering;
use crate::kernel::{Candidates, Kernel, KernelCall, Operand, Strategy, linear_grid, source};

/// Numbers of the inputs.
const D_HIDDEN: usize = 0;
const TRACE: usize = 1;
const WEIGHT: usize = 2;
const CHILDREN: usize = 3;
const LEVELS: usize = 4;
/// The scratch buffers: a level's gradients, line by line, and those of all states.
const LINES: Operand = Operand::Scratch(0);
const STATES: Operand = Operand::Scratch(1);

pub(super) fn lower(e: &Extents, l: &Lowering<'_>) -> Candidates {
    let products = Product::all(e, [e.columns(), e.depth()], [WEIGHT, LEVELS], l.caps);
    products.iter().map(|product| strategy(e, product, l.caps)).collect()
}

fn strategy(e: &Extents, product: &Product, caps: &Caps) -> Strategy {
    let states = 4 * e.state_planes() * e.rows() * e.hidden;
    let mut scratch = vec![product.lines_bytes(), states as u64];
    let inner = Rows { first: e.leaf_gradients(), count: e.inner, width: e.lines() * e.columns() };
    let mut calls = vec![
        clear(&Rows { first: 0, count: e.leaves, width: e.leaf_width() }, LEVELS, LEAVES, caps),
        clear(&inner, LEVELS, INNER, caps),
        begin(e, caps),
    ];
    let weight = product.begin(LINES, caps, &mut calls, &mut scratch);
    for level in (1..=e.levels).rev() {
        calls.push(cell(e, level, product));
        calls.extend(product.scatter(level, LINES, weight, [Operand::Input(CHILDREN), STATES]));
    }
    calls.push(leaves(e));
    Strategy { name: product.name(), calls, scratch }
}

/// The gradients of the states before any came from a parent.
fn begin(e: &Extents, caps: &Caps) -> KernelCall {
    let count = e.rows() * e.hidden / 4;
    let kernel = Kernel::new(source!("tree_begin")).constant("WG", WORKGROUP).constant("PLANES", e.state_planes());
    KernelCall::new(kernel, linear_grid(count.div_ceil(WORKGROUP), caps))
        .bind(Operand::Input(D_HIDDEN))
        .bind(STATES)
        .param("count", count)
}

fn cell(e: &Extents, level: usize, product: &Product) -> KernelCall {
    // An invocation takes four elements of a state, or an element of what the tensor multiplies; the last, W.
    let (kernel, each) = match e.cell {
        Cell::Tensor => (kernel(source!("tree_tensor_backward"), e), 2 * e.hidden + 1),
        Cell::NaryLstm | Cell::ChildSumLstm => {
            let kernel = kernel(source!("tree_lstm_backward"), e).constant("SHARED", e.cell == Cell::ChildSumLstm);
            (kernel, e.hidden / 4)
        }
    };
    let kernel = product.with_lines(kernel.constant("BASE4", e.leaf_gradients() / 4));
    call(kernel, LEVELS, count_of(level), e.most(level), each)
        .bind(LINES)
        .bind(Operand::Input(TRACE))
        .bind(Operand::Input(CHILDREN))
        .bind(Operand::Input(LEVELS))
        .bind(STATES)
        .bind(Operand::Output)
        .param("level", level)
}

fn leaves(e: &Extents) -> KernelCall {
    let source = match e.cell {
        Cell::Tensor => source!("tree_tensor_leaves_backward"),
        Cell::NaryLstm | Cell::ChildSumLstm => source!("tree_lstm_leaves_backward"),
    };
    let call = call(kernel(source, e), LEVELS, LEAVES, e.leaves, e.hidden / 4);
    let call = if e.cell == Cell::Tensor { call } else { call.bind(Operand::Input(TRACE)) };
    call.bind(Operand::Input(LEVELS)).bind(STATES).bind(Operand::Output)
}
