//! The cells in f64, node by node.

use super::cell::{Cell, Extents};
use crate::tensor::Array;

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The trees of a batch, as the tables say.
struct Forest<'a> {
    e: &'a Extents,
    children: &'a Array,
    levels: &'a Array,
}

impl Forest<'_> {
    fn leaf_count(&self) -> usize {
        self.levels.values[1] as usize
    }

    /// The inner nodes of all levels, lowest first.
    fn inner(&self) -> Vec<usize> {
        let level = |row: &[f64]| row[0] as usize..(row[0] + row[1]) as usize;
        self.levels.values[2..].chunks_exact(2).flat_map(level).collect()
    }

    /// The row of a child, if there is one.
    fn child(&self, node: usize, slot: usize) -> Option<usize> {
        let row = self.children.values[node * self.e.arity + slot];
        (row < self.e.rows() as f64).then_some(row as usize)
    }

    /// The children's hidden states, one after another.
    fn states(&self, trace: &Array, node: usize) -> Vec<f64> {
        let hidden = self.e.hidden;
        let state = |slot| match self.child(node, slot) {
            Some(row) => trace.values[row * hidden..][..hidden].to_vec(),
            None => vec![0.0; hidden],
        };
        (0..self.e.arity).flat_map(state).collect()
    }
}

/// Where an element of a plane of the trace lies.
fn at(e: &Extents, plane: usize, row: usize, i: usize) -> usize {
    (plane * e.rows() + row) * e.hidden + i
}

/// The trace.
pub(super) fn forward(e: &Extents, inputs: &[&Array]) -> Array {
    let &[leaves, weight, bias, children, levels] = inputs else { return Array::zeros([0]) };
    let forest = Forest { e, children, levels };
    let (h, columns) = (e.hidden, e.columns());
    let mut trace = Array::zeros([e.planes(), e.rows(), h]);
    for leaf in 0..forest.leaf_count() {
        for i in 0..h {
            let x = |gate: usize| leaves.values[leaf * e.leaf_width() + gate * h + i];
            if e.cell == Cell::Tensor {
                trace.values[at(e, 0, leaf, i)] = x(0);
            } else {
                let [gate_i, o, u] = [sigmoid(x(0)), sigmoid(x(1)), x(2).tanh()];
                let c = gate_i * u;
                for (plane, value) in [o * c.tanh(), c, gate_i, o, u].into_iter().enumerate() {
                    trace.values[at(e, plane, leaf, i)] = value;
                }
            }
        }
    }
    for node in forest.inner() {
        let states = forest.states(&trace, node);
        let lines: Vec<Vec<f64>> = states
            .chunks_exact(e.depth())
            .map(|line| (0..columns).map(|j| dot(line, |k| weight.values[k * columns + j])).collect())
            .collect();
        let row = e.leaves + node;
        for i in 0..h {
            if e.cell == Cell::Tensor {
                let slices: Vec<f64> = (0..2 * h).map(|j| lines[0][(1 + j) * h + i]).collect();
                let z = bias.values[i] + lines[0][i] + dot(&states, |j| slices[j]);
                trace.values[at(e, 0, row, i)] = z.tanh();
                slices.iter().enumerate().for_each(|(j, y)| trace.values[at(e, 1 + j, row, i)] = *y);
                continue;
            }
            // One line for all gates, or one a child, of which those of i, o and u add up.
            let gate = |g: usize| bias.values[g * h + i] + lines.iter().map(|line| line[g * h + i]).sum::<f64>();
            let [gate_i, o, u] = [sigmoid(gate(0)), sigmoid(gate(1)), gate(2).tanh()];
            let mut c = gate_i * u;
            for slot in 0..e.arity {
                let z = if e.lines() == 1 { lines[0][(3 + slot) * h + i] } else { lines[slot][3 * h + i] };
                let f = sigmoid(bias.values[3 * h + i] + z);
                trace.values[at(e, 5 + slot, row, i)] = f;
                c += forest.child(node, slot).map_or(0.0, |child| f * trace.values[at(e, 1, child, i)]);
            }
            for (plane, value) in [o * c.tanh(), c, gate_i, o, u].into_iter().enumerate() {
                trace.values[at(e, plane, row, i)] = value;
            }
        }
    }
    trace
}

/// The gradients of the leaves' projections and of the lines' products, one after another.
pub(super) fn backward(e: &Extents, inputs: &[&Array]) -> Array {
    let &[d_hidden, trace, weight_t, children, levels] = inputs else { return Array::zeros([0]) };
    let forest = Forest { e, children, levels };
    let (h, columns, depth) = (e.hidden, e.columns(), e.depth());
    let mut d_h = d_hidden.values.clone();
    let mut d_c = vec![0.0; d_h.len()];
    let mut out = Array::zeros([e.leaf_gradients() + e.line_gradients()]);
    for node in forest.inner().into_iter().rev() {
        let row = e.leaves + node;
        let saved = |plane: usize, i: usize| trace.values[at(e, plane, row, i)];
        let states = forest.states(trace, node);
        let mut d_states = vec![0.0; states.len()];
        let mut lines = vec![vec![0.0; columns]; e.lines()];
        for i in 0..h {
            let d_row = d_h[row * h + i];
            if e.cell == Cell::Tensor {
                let d_z = d_row * (1.0 - saved(0, i).powi(2));
                lines[0][i] = d_z;
                for (j, x) in states.iter().enumerate() {
                    lines[0][(1 + j) * h + i] = x * d_z;
                    d_states[j] += saved(1 + j, i) * d_z;
                }
                continue;
            }
            let [d_i, d_o, d_u, d_cell] = gates(&saved, i, d_row, d_c[row * h + i]);
            lines
                .iter_mut()
                .for_each(|line| [d_i, d_o, d_u].iter().enumerate().for_each(|(g, d)| line[g * h + i] = *d));
            for slot in 0..e.arity {
                let f = saved(5 + slot, i);
                let child = forest.child(node, slot);
                let c = child.map_or(0.0, |child| trace.values[at(e, 1, child, i)]);
                let (line, g) = if e.lines() == 1 { (0, 3 + slot) } else { (slot, 3) };
                lines[line][g * h + i] = d_cell * c * f * (1.0 - f);
                if let Some(child) = child {
                    d_c[child * h + i] += d_cell * f;
                }
            }
        }
        for (line, d_line) in lines.iter().enumerate() {
            for k in 0..depth {
                d_states[line * depth + k] += dot(d_line, |j| weight_t.values[j * depth + k]);
            }
            let first = e.leaf_gradients() + (node * e.lines() + line) * columns;
            out.values[first..first + columns].copy_from_slice(d_line);
        }
        for slot in 0..e.arity {
            if let Some(child) = forest.child(node, slot) {
                (0..h).for_each(|i| d_h[child * h + i] += d_states[slot * h + i]);
            }
        }
    }
    for leaf in 0..forest.leaf_count() {
        for i in 0..h {
            let d_row = d_h[leaf * h + i];
            let first = leaf * e.leaf_width() + i;
            if e.cell == Cell::Tensor {
                out.values[first] = d_row;
                continue;
            }
            let saved = |plane: usize, i: usize| trace.values[at(e, plane, leaf, i)];
            let [d_i, d_o, d_u, _] = gates(&saved, i, d_row, d_c[leaf * h + i]);
            [d_i, d_o, d_u].iter().enumerate().for_each(|(g, d)| out.values[first + g * h] = *d);
        }
    }
    out
}

/// The gradients of an LSTM's i, o and u before their functions, and that of its c.
fn gates(saved: &impl Fn(usize, usize) -> f64, i: usize, d_h: f64, d_c: f64) -> [f64; 4] {
    let [gate_i, o, u] = [2, 3, 4].map(|plane| saved(plane, i));
    let t = saved(1, i).tanh();
    let d_c = d_c + d_h * o * (1.0 - t * t);
    [d_c * u * gate_i * (1.0 - gate_i), d_h * t * o * (1.0 - o), d_c * gate_i * (1.0 - u * u), d_c]
}

fn dot(a: &[f64], b: impl Fn(usize) -> f64) -> f64 {
    a.iter().enumerate().map(|(k, a)| a * b(k)).sum()
}
