//! Cases.

use super::cell::Extents;
use super::{Cell, Tree, TreeGrad};
use crate::ops::{Case, CaseInput, Values};
use crate::tensor::TensorType;

/// No child.
const NONE: u32 = u32::MAX;

/// Trees as tables.
struct Tables {
    name: &'static str,
    /// Rows for leaves, and for inner nodes behind them.
    rows: [usize; 2],
    arity: usize,
    children: &'static [u32],
    levels: &'static [u32],
}

/// Two trees, `((0 1) (2 3))` and `(4 5)`, with room to spare.
const BINARY: Tables = Tables {
    name: "two trees",
    rows: [8, 5],
    arity: 2,
    children: &[0, 1, 2, 3, 4, 5, 8, 9, NONE, NONE],
    levels: &[4, 6, 0, 3, 3, 1, 4, 0],
};

/// A comb, `(((0 1) 2) 3)`, and a leaf of its own, which fill their tables.
const COMB: Tables =
    Tables { name: "a comb", rows: [5, 3], arity: 2, children: &[0, 1, 5, 2, 6, 3], levels: &[3, 5, 0, 1, 1, 1, 2, 1] };

/// Nodes with one, two and three children.
const RAGGED: Tables = Tables {
    name: "ragged trees",
    rows: [8, 4],
    arity: 3,
    children: &[0, 1, 2, 3, NONE, NONE, 8, 9, 4, NONE, NONE, NONE],
    levels: &[3, 5, 0, 2, 2, 1],
};

/// Ninety nodes of two leaves each: more lines than a tile, or than a window of long ones.
const WIDE: Tables =
    Tables { name: "a wide level", rows: [180, 90], arity: 2, children: &EACH, levels: &[90, 180, 0, 90] };
const EACH: [u32; 180] = {
    let mut rows = [0; 180];
    let mut i = 0;
    while i < 180 {
        rows[i] = 179 - i as u32;
        i += 1;
    }
    rows
};

fn inputs(t: &Tables, cell: Cell, hidden: usize) -> [CaseInput; 5] {
    let e =
        Extents { cell, hidden, arity: t.arity, leaves: t.rows[0], inner: t.rows[1], levels: t.levels.len() / 2 - 1 };
    let given = |shape: [usize; 2], words: &'static [u32]| CaseInput {
        ty: TensorType::u32(shape),
        values: Values::Given(words),
    };
    [
        CaseInput::f32([e.leaves, e.leaf_width()]),
        CaseInput::f32([e.depth(), e.columns()]),
        CaseInput::f32([e.bias()]),
        given([e.inner, e.arity], t.children),
        given([1 + e.levels, 2], t.levels),
    ]
}

fn forward(t: &Tables, cell: Cell, hidden: usize) -> Case {
    // Its gradient is that of hidden states alone: see the tests below.
    let states = (t.rows[0] + t.rows[1]) * hidden;
    let name = format!("{cell:?} of {} ({hidden})", t.name);
    Case::new(name, Tree { cell }, inputs(t, cell, hidden).into()).forward_only().defined(states)
}

fn gradient(t: &Tables, cell: Cell, hidden: usize) -> Option<Case> {
    let inputs = inputs(t, cell, hidden);
    let types: Vec<TensorType> = inputs.iter().map(|i| i.ty.clone()).collect();
    let e = Extents::new(cell, &types).ok()?;
    let [_, _, _, children, levels] = inputs;
    let d_and_trace = [CaseInput::f32([e.rows(), hidden]), CaseInput::f32([e.planes(), e.rows(), hidden])];
    let inputs = d_and_trace.into_iter().chain([CaseInput::f32([e.columns(), e.depth()]), children, levels]).collect();
    let name = format!("gradient of {cell:?} of {} ({hidden})", t.name);
    // What a level's sums of many terms lose to cancellation, the tensor's next level multiplies.
    let tolerance = if cell == Cell::Tensor { 5e-5 } else { 1e-5 };
    Some(Case::new(name, TreeGrad { of: e }, inputs).forward_only().tolerance(tolerance))
}

/// Cases.
pub fn cases() -> Vec<Case> {
    let shapes = [
        (&BINARY, Cell::NaryLstm, 8),
        (&BINARY, Cell::ChildSumLstm, 4),
        (&BINARY, Cell::Tensor, 4),
        (&COMB, Cell::NaryLstm, 4),
        (&COMB, Cell::Tensor, 12),
        (&RAGGED, Cell::NaryLstm, 4),
        (&RAGGED, Cell::ChildSumLstm, 8),
        (&WIDE, Cell::NaryLstm, 100),
        (&WIDE, Cell::ChildSumLstm, 36),
        (&WIDE, Cell::Tensor, 16),
    ];
    shapes
        .into_iter()
        .flat_map(|(t, cell, hidden)| [Some(forward(t, cell, hidden)), gradient(t, cell, hidden)])
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Feeds, Graph, NodeId, evaluate};
    use crate::tensor::{Array, HostTensor};

    /// The sum of weighted hidden states as a graph, its value and the gradients of leaves, weight and bias.
    fn loss(t: &Tables, cell: Cell, arrays: &[Array]) -> (f64, Vec<Array>) {
        let mut graph = Graph::new();
        let types = inputs(t, cell, 4).map(|input| input.ty);
        let nodes: Vec<NodeId> =
            (0..).zip(&types).map(|(i, ty): (u32, _)| graph.input(&format!("input{i}"), ty.clone())).collect();
        let hidden = graph.tree(cell, nodes[0], nodes[1], nodes[2], nodes[3], nodes[4]).unwrap();
        let weights = CaseInput { ty: graph.ty(hidden).clone(), ..CaseInput::f32([1]) }.draw(9).unwrap();
        let weights = graph.constant(weights);
        let weighted = graph.mul(hidden, weights).unwrap();
        let loss = graph.sum(weighted, &[0, 1], false).unwrap();
        let gradients = crate::autodiff::gradients(&mut graph, loss, &nodes[..3]).unwrap();
        let mut feeds: Feeds = nodes.iter().copied().zip(arrays.iter().cloned()).collect();
        let values = evaluate(&graph, &mut feeds);
        let value = |node: NodeId| values[node.0 as usize].clone();
        (value(loss).values[0], gradients.into_iter().map(|g| value(g.unwrap())).collect())
    }

    #[test]
    fn gradients_match_finite_differences() {
        const STEP: f64 = 1e-5;
        for (t, cell) in [
            (&BINARY, Cell::NaryLstm),
            (&BINARY, Cell::ChildSumLstm),
            (&BINARY, Cell::Tensor),
            (&COMB, Cell::NaryLstm),
            (&RAGGED, Cell::NaryLstm),
            (&RAGGED, Cell::ChildSumLstm),
        ] {
            let draw =
                |(stream, input): (u32, CaseInput)| input.draw(stream).map(|tensor: HostTensor| tensor.to_array());
            let arrays: Vec<Array> = (1..).zip(inputs(t, cell, 4)).map(|drawn| draw(drawn).unwrap()).collect();
            let (_, gradients) = loss(t, cell, &arrays);
            for (i, gradient) in gradients.iter().enumerate() {
                assert_eq!(gradient.shape, arrays[i].shape);
                for element in 0..gradient.values.len() {
                    let moved = |by: f64| {
                        let mut arrays = arrays.clone();
                        arrays[i].values[element] += by;
                        loss(t, cell, &arrays).0
                    };
                    let difference = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
                    let found = gradient.values[element];
                    let close = (difference - found).abs() < 1e-6 * (1.0 + difference.abs());
                    assert!(close, "{cell:?} of {}, input {i}, {element}: {found}, not {difference}", t.name);
                }
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut graph = Graph::new();
        let mut input = |name: &str, ty: TensorType| graph.input(name, ty);
        let leaves = input("leaves", TensorType::f32([4, 24]));
        let weight = input("weight", TensorType::f32([16, 40]));
        let bias = input("bias", TensorType::f32([32]));
        let children = input("children", TensorType::u32([3, 2]));
        let levels = input("levels", TensorType::u32([4, 2]));
        let narrow = input("narrow", TensorType::f32([4, 18]));
        let hidden = graph.tree(Cell::NaryLstm, leaves, weight, bias, children, levels).unwrap();
        assert_eq!(graph.ty(hidden), &TensorType::f32([7, 8]));
        let error = graph.tree(Cell::ChildSumLstm, leaves, weight, bias, children, levels).unwrap_err().to_string();
        assert!(error.contains("f32[16, 40]") && error.contains("f32[8, 32]"), "{error}");
        let error = graph.tree(Cell::NaryLstm, narrow, weight, bias, children, levels).unwrap_err().to_string();
        assert!(error.contains("multiple of 4"), "{error}");
        let computed = graph.slice(levels, 0, 0, 3).unwrap();
        let error = graph.tree(Cell::NaryLstm, leaves, weight, bias, children, computed).unwrap_err().to_string();
        assert!(error.contains("must be an input"), "{error}");
    }

    #[test]
    fn no_gradient_flows_through_what_is_not_a_hidden_state() {
        let mut graph = Graph::new();
        let types = inputs(&BINARY, Cell::NaryLstm, 8).map(|input| input.ty);
        let nodes: Vec<NodeId> =
            (0..).zip(&types).map(|(i, ty): (u32, _)| graph.input(&format!("input{i}"), ty.clone())).collect();
        let trace = graph.apply(Tree { cell: Cell::NaryLstm }, &nodes).unwrap();
        let error = crate::autodiff::gradients(&mut graph, trace, &nodes[..1]).unwrap_err().to_string();
        assert!(error.contains("hidden states only"), "{error}");
    }
}
