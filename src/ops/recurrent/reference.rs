//! The steps in f64, forwards and backwards.

use super::{Cell, Extents, Walk};
use crate::tensor::Array;

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The inputs of [`super::Recurrent`].
pub(super) struct Inputs<'a> {
    pub x: &'a [f64],
    pub weight: &'a [f64],
    pub h: &'a [f64],
    pub c: Option<&'a [f64]>,
    pub bias: Option<&'a [f64]>,
    pub mask: Option<&'a [f64]>,
}

/// The tape.
pub(super) fn forward(walk: Walk, e: Extents, io: &Inputs<'_>) -> Array {
    let Extents { batch, hidden, .. } = e;
    let (gates, kept, state) = (walk.cell.gates(), walk.cell.kept(), e.state());
    let mut tape = vec![0.0; walk.tape(e)];
    let first = walk.first_state(e) * state;
    tape[first..][..state].copy_from_slice(io.h);
    if let Some(c) = io.c {
        tape[walk.cell_states(e) + first..][..state].copy_from_slice(c);
    }
    for place in walk.places(e.steps) {
        for b in 0..batch {
            let h: Vec<f64> = tape[place.before * state + b * hidden..][..hidden].to_vec();
            let product = |h: &[f64], row: usize| -> f64 {
                let bias = io.bias.map_or(0.0, |bias| bias[row]);
                bias + h.iter().zip(&io.weight[row * hidden..]).map(|(h, w)| h * w).sum::<f64>()
            };
            let x = |gate: usize, u: usize| io.x[((place.t * batch + b) * gates + gate) * hidden + u];
            let is_there = io.mask.is_none_or(|mask| mask[place.t * batch + b] != 0.0);
            // The reset gate in front of the product is that of all units.
            let reset: Vec<f64> = match walk.cell {
                Cell::GruResetBefore => (0..hidden).map(|u| sigmoid(x(0, u) + product(&h, u)) * h[u]).collect(),
                _ => Vec::new(),
            };
            for u in 0..hidden {
                let c_at = walk.cell_states(e) + b * hidden + u;
                let c = if walk.cell.has_cell_state() { tape[c_at + place.before * state] } else { 0.0 };
                let (next, c_next, keep) = if is_there {
                    let s = |gate: usize| product(&h, gate * hidden + u);
                    step(walk.cell, |gate| x(gate, u), s, h[u], c, || (product(&reset, 2 * hidden + u), reset[u]))
                } else {
                    (h[u], c, [0.0; 4])
                };
                tape[place.after * state + b * hidden + u] = next;
                if walk.cell.has_cell_state() {
                    tape[c_at + place.after * state] = c_next;
                }
                for (i, keep) in keep.into_iter().take(kept).enumerate() {
                    tape[walk.gates(e) + ((place.t * batch + b) * kept + i) * hidden + u] = keep;
                }
            }
        }
    }
    Array::new([tape.len()], tape)
}

/// One unit's next states and what is kept.
fn step(
    cell: Cell,
    x: impl Fn(usize) -> f64,
    s: impl Fn(usize) -> f64,
    h: f64,
    c: f64,
    reset: impl Fn() -> (f64, f64),
) -> (f64, f64, [f64; 4]) {
    match cell {
        Cell::RnnTanh => ((x(0) + s(0)).tanh(), 0.0, [0.0; 4]),
        Cell::RnnRelu => ((x(0) + s(0)).max(0.0), 0.0, [0.0; 4]),
        Cell::Lstm => {
            let [i, f, o] = [0, 1, 3].map(|gate| sigmoid(x(gate) + s(gate)));
            let g = (x(2) + s(2)).tanh();
            let c = f * c + i * g;
            (o * c.tanh(), c, [i, f, g, o])
        }
        Cell::GruResetAfter | Cell::GruResetBefore => {
            let [r, z] = [0, 1].map(|gate| sigmoid(x(gate) + s(gate)));
            let (n, keep) = match cell {
                Cell::GruResetAfter => ((x(2) + r * s(2)).tanh(), s(2)),
                _ => {
                    let (product, reset) = reset();
                    ((x(2) + product).tanh(), reset)
                }
            };
            ((1.0 - z) * n + z * h, 0.0, [r, z, n, keep])
        }
    }
}

/// The gradients, from the tape, the weight, and the gradients of the hidden states and of the last cell state.
pub(super) fn backward(
    walk: Walk,
    e: Extents,
    tape: &[f64],
    weight: &[f64],
    d_hidden: Option<&[f64]>,
    d_cell: Option<&[f64]>,
    mask: Option<&[f64]>,
) -> Array {
    let Extents { batch, hidden, .. } = e;
    let (gates, kept, state) = (walk.cell.gates(), walk.cell.kept(), e.state());
    let mut out = vec![0.0; walk.gradients(e)];
    let mut d_c: Vec<f64> = d_cell.map_or(vec![0.0; state], <[f64]>::to_vec);
    let mut d_h = vec![0.0; state];
    for place in walk.places(e.steps).rev() {
        for b in 0..batch {
            let row = place.t * batch + b;
            let of =
                |section: usize, state_index: usize, u: usize| tape[section + state_index * state + b * hidden + u];
            let mut back = vec![0.0; hidden];
            let mut d_s = vec![0.0; gates * hidden];
            let is_there = mask.is_none_or(|mask| mask[row] != 0.0);
            for u in 0..hidden {
                let d_h = d_h[b * hidden + u] + d_hidden.map_or(0.0, |d| d[row * hidden + u]);
                if !is_there {
                    back[u] = d_h;
                    continue;
                }
                let keep = |i: usize| tape[walk.gates(e) + (row * kept + i) * hidden + u];
                let h_before = of(0, place.before, u);
                let mut put = |gate: usize, d_x: f64, d_recurrent: f64| {
                    out[(row * gates + gate) * hidden + u] = d_x;
                    d_s[gate * hidden + u] = d_recurrent;
                };
                match walk.cell {
                    Cell::RnnTanh | Cell::RnnRelu => {
                        let h = of(0, place.after, u);
                        let slope = match walk.cell {
                            Cell::RnnTanh => 1.0 - h * h,
                            _ => f64::from(u8::from(h > 0.0)),
                        };
                        put(0, d_h * slope, d_h * slope);
                    }
                    Cell::Lstm => {
                        let [i, f, g, o] = [0, 1, 2, 3].map(keep);
                        let tanh = of(walk.cell_states(e), place.after, u).tanh();
                        let d = d_c[b * hidden + u] + d_h * o * (1.0 - tanh * tanh);
                        let before = of(walk.cell_states(e), place.before, u);
                        let each = [
                            d * g * i * (1.0 - i),
                            d * before * f * (1.0 - f),
                            d * i * (1.0 - g * g),
                            d_h * tanh * o * (1.0 - o),
                        ];
                        each.into_iter().enumerate().for_each(|(gate, d)| put(gate, d, d));
                        d_c[b * hidden + u] = d * f;
                    }
                    Cell::GruResetAfter | Cell::GruResetBefore => {
                        let [r, z, n, s] = [0, 1, 2, 3].map(keep);
                        let d_n = d_h * (1.0 - z) * (1.0 - n * n);
                        let d_z = d_h * (h_before - n) * z * (1.0 - z);
                        back[u] = d_h * z;
                        put(1, d_z, d_z);
                        if walk.cell == Cell::GruResetAfter {
                            let d_r = d_n * s * r * (1.0 - r);
                            put(0, d_r, d_r);
                            put(2, d_n, d_n * r);
                        } else {
                            put(2, d_n, d_n);
                        }
                    }
                }
            }
            let through = |d_s: &[f64], from: usize, to: usize, u: usize| -> f64 {
                (from * hidden..to * hidden).map(|k| d_s[k] * weight[k * hidden + u]).sum()
            };
            let mut product_gates = gates;
            if walk.cell == Cell::GruResetBefore && is_there {
                for u in 0..hidden {
                    let d_reset = through(&d_s, 2, 3, u);
                    let r = tape[walk.gates(e) + row * kept * hidden + u];
                    let d_r = d_reset * of(0, place.before, u) * r * (1.0 - r);
                    out[row * gates * hidden + u] = d_r;
                    d_s[u] = d_r;
                    back[u] += d_reset * r;
                }
                product_gates = 2;
            }
            if walk.cell.has_own_recurrent_gradient() {
                out[walk.d_recurrent(e) + row * gates * hidden..][..gates * hidden].copy_from_slice(&d_s);
            }
            for u in 0..hidden {
                d_h[b * hidden + u] = back[u] + through(&d_s, 0, product_gates, u);
            }
        }
    }
    let at = walk.d_state(e);
    out[at..][..state].copy_from_slice(&d_h);
    if walk.cell.has_cell_state() {
        out[at + state..].copy_from_slice(&d_c);
    }
    Array::new([out.len()], out)
}
