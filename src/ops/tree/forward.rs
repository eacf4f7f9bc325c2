//! Up the trees: leaves, then level by level gather, product, cell.

use super::cell::{Cell, Extents};
use super::product::{INNER, LEAVES, Product, Rows, call, clear, count_of, kernel};
use crate::gpu::Caps;
use crate::kernel::{Candidates, KernelCall, Operand, Strategy, source};

/// Numbers of the inputs.
const LEAF_ROWS: usize = 0;
const WEIGHT: usize = 1;
const BIAS: usize = 2;
const CHILDREN: usize = 3;
const LEVELS: usize = 4;
/// Numbers of the scratch buffers: a level's lines, and their products.
const LINES: usize = 0;
const PRODUCTS: usize = 1;

pub(super) fn lower(e: &Extents, caps: &Caps) -> Candidates {
    let h = e.hidden;
    let product =
        Product { e: *e, depth: e.depth(), columns: e.columns(), lines: LINES, weight: WEIGHT, levels: LEVELS };
    let mut calls = vec![
        clear(&Rows { first: 0, count: e.leaves, width: h }, LEVELS, LEAVES, caps),
        clear(&Rows { first: e.leaves * h, count: e.inner, width: h }, LEVELS, INNER, caps),
        leaves(e),
    ];
    for level in 1..=e.levels {
        calls.push(gather(e, level, product.pitch()));
        let store = |call: KernelCall| call.bind(Operand::Scratch(PRODUCTS));
        calls.extend(product.calls(source!("tree_product_store"), level, caps, store));
        calls.push(cell(e, level));
    }
    let products = 4 * e.most(1) * e.lines() * e.columns();
    vec![Strategy { name: "levels", calls, scratch: vec![product.lines_bytes(caps), products as u64] }]
}

fn leaves(e: &Extents) -> KernelCall {
    let source = match e.cell {
        Cell::Tensor => source!("tree_tensor_leaves"),
        Cell::NaryLstm | Cell::ChildSumLstm => source!("tree_lstm_leaves"),
    };
    call(kernel(source, e), LEVELS, LEAVES, e.leaves, e.hidden / 4)
        .bind(Operand::Input(LEAF_ROWS))
        .bind(Operand::Input(LEVELS))
        .bind(Operand::Output)
}

fn gather(e: &Extents, level: usize, pitch: usize) -> KernelCall {
    let kernel = kernel(source!("tree_gather"), e).constant("LINES", e.lines()).constant("PITCH4", pitch / 4);
    call(kernel, LEVELS, count_of(level), e.most(level), e.arity * e.hidden / 4)
        .bind(Operand::Input(CHILDREN))
        .bind(Operand::Input(LEVELS))
        .bind(Operand::Output)
        .bind(Operand::Scratch(LINES))
        .param("level", level)
}

fn cell(e: &Extents, level: usize) -> KernelCall {
    let kernel = match e.cell {
        Cell::Tensor => kernel(source!("tree_tensor_forward"), e),
        Cell::NaryLstm | Cell::ChildSumLstm => {
            kernel(source!("tree_lstm_forward"), e).constant("SHARED", e.cell == Cell::ChildSumLstm)
        }
    };
    call(kernel, LEVELS, count_of(level), e.most(level), e.hidden / 4)
        .bind(Operand::Scratch(PRODUCTS))
        .bind(Operand::Input(BIAS))
        .bind(Operand::Input(CHILDREN))
        .bind(Operand::Input(LEVELS))
        .bind(Operand::Output)
        .param("level", level)
}
