//! Up the trees: leaves, then level by level gather, product, cell.

use super::cell::{Cell, Extents};
use super::product::Product;
use super::tables::{INNER, LEAVES, Rows, call, clear, count_of, kernel};
use crate::graph::Lowering;
use crate::kernel::{Candidates, KernelCall, Operand, Strategy, source};

/// Numbers of the inputs.
const LEAF_ROWS: usize = 0;
const WEIGHT: usize = 1;
const BIAS: usize = 2;
const CHILDREN: usize = 3;
const LEVELS: usize = 4;
/// The scratch buffers: a level's lines, and their products.
const LINES: Operand = Operand::Scratch(0);
const PRODUCTS: Operand = Operand::Scratch(1);

pub(super) fn lower(e: &Extents, l: &Lowering<'_>) -> Candidates {
    let products = Product::all(e, [e.depth(), e.columns()], [WEIGHT, LEVELS], l.caps);
    products.iter().map(|product| strategy(e, product, l)).collect()
}

fn strategy(e: &Extents, product: &Product, l: &Lowering<'_>) -> Strategy {
    let h = e.hidden;
    let mut scratch = vec![product.lines_bytes(), product.products_bytes()];
    let mut calls = vec![
        clear(&Rows { first: 0, count: e.leaves, width: h }, LEVELS, LEAVES, l.caps),
        clear(&Rows { first: e.leaves * h, count: e.inner, width: h }, LEVELS, INNER, l.caps),
        leaves(e),
    ];
    let weight = product.begin(LINES, l.caps, &mut calls, &mut scratch);
    for level in 1..=e.levels {
        calls.push(gather(e, level, product));
        calls.extend(product.store(level, LINES, weight, PRODUCTS, l));
        calls.push(cell(e, level, product.pitch()));
    }
    Strategy { name: product.name(), calls, scratch }
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

fn gather(e: &Extents, level: usize, product: &Product) -> KernelCall {
    let kernel = product.with_lines(kernel(source!("tree_gather"), e).constant("LINES", e.lines()));
    call(kernel, LEVELS, count_of(level), e.most(level), e.arity * e.hidden / 4)
        .bind(LINES)
        .bind(Operand::Input(CHILDREN))
        .bind(Operand::Input(LEVELS))
        .bind(Operand::Output)
        .param("level", level)
}

fn cell(e: &Extents, level: usize, pitch: usize) -> KernelCall {
    let kernel = match e.cell {
        Cell::Tensor => kernel(source!("tree_tensor_forward"), e),
        Cell::NaryLstm | Cell::ChildSumLstm => {
            kernel(source!("tree_lstm_forward"), e).constant("SHARED", e.cell == Cell::ChildSumLstm)
        }
    };
    call(kernel.constant("PITCH4", pitch / 4), LEVELS, count_of(level), e.most(level), e.hidden / 4)
        .bind(PRODUCTS)
        .bind(Operand::Input(BIAS))
        .bind(Operand::Input(CHILDREN))
        .bind(Operand::Input(LEVELS))
        .bind(Operand::Output)
        .param("level", level)
}
