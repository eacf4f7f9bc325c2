//! Products of operands that another op lays out itself, many of the same extents side by side.

use super::MatMul;
use super::wide::{Cut, NEITHER, Side, suits, tile};
use crate::gpu::Caps;
use crate::graph::{Lowering, Op};
use crate::kernel::{KernelCall, Operand};
use crate::tensor::TensorType;

/// c[count, M, N] = a[count, M, K] · b[count, K, N], and how the three lie.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::ops) struct Products {
    count: usize,
    m: usize,
    n: usize,
    k: usize,
    form: Form,
}

/// Floats left between windows' products: what is written to all of them at once would otherwise lie in the same sets of the
/// caches. A multiple of what windows begin at.
const SKEW: usize = 64;

/// Which of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ops) enum Matrix {
    A,
    B,
    C,
}

#[derive(Clone, Debug, PartialEq)]
enum Form {
    /// In the windows and tiles of `wide`.
    Windows(Cut),
    /// Row by row; b as [N, K] where told so.
    Plain { b_k_innermost: bool },
}

impl Products {
    /// `count` products of M×K by K×N. Where they lie plain, `b_k_innermost` says which way b is to lie.
    pub fn new(count: usize, [m, n, k]: [usize; 3], b_k_innermost: bool, caps: &Caps) -> Option<Self> {
        let form = match suits(caps) {
            true => Form::Windows(Cut::best([m, n, k], NEITHER, caps)?.0),
            false => Form::Plain { b_k_innermost },
        };
        Some(Self { count, m, n, k, form })
    }

    /// Nanoseconds that the products take on two cores of a software adapter.
    pub fn time(&self) -> f64 {
        match &self.form {
            Form::Windows(cut) => self.count as f64 * cut.products_time(),
            Form::Plain { .. } => f64::INFINITY,
        }
    }

    /// K as it must be filled, with zeros from the end on.
    pub fn k_padded(&self) -> usize {
        match &self.form {
            Form::Windows(cut) => cut.run * cut.planes(),
            Form::Plain { .. } => self.k,
        }
    }

    /// Whether neighbours along K lie next to one another in a.
    pub fn k_innermost(&self) -> bool {
        matches!(self.form, Form::Plain { .. })
    }

    /// Floats from one product's matrix to the next's.
    pub fn stride(&self, matrix: Matrix) -> usize {
        let [m, n] = match &self.form {
            Form::Windows(cut) => cut.padded(),
            Form::Plain { .. } => [self.m, self.n],
        };
        let skew = if matches!(self.form, Form::Windows(_)) { SKEW } else { 0 };
        match matrix {
            Matrix::A => m * self.k_padded() + skew,
            Matrix::B => n * self.k_padded() + skew,
            Matrix::C => m * n,
        }
    }

    /// Bytes of all of one of the three.
    pub fn bytes(&self, matrix: Matrix) -> u64 {
        let windows = match (&self.form, matrix) {
            (Form::Windows(_), Matrix::A | Matrix::B) => super::wide::WINDOW_BYTES,
            _ => 0,
        };
        (4 * self.count * self.stride(matrix)) as u64 + windows
    }

    /// WGSL for `fn place(…) -> u32`, the place of an element within its matrix: of row and k of a, with `k_first` of k and
    /// row; of k and column of b, and of row and column of c, likewise. And the parameters of that, so that layers share kernels.
    pub fn place(&self, matrix: Matrix, k_first: bool) -> (String, Vec<(&'static str, usize)>) {
        let (import, body, params) = match (&self.form, matrix) {
            (Form::Windows(cut), Matrix::C) => {
                let ([m, n], columns) = (cut.tile, cut.padded()[1] / cut.tile[1]);
                let params = vec![("tile_rows", m), ("tile_columns", n), ("tiles_across", columns)];
                ("#import tile_place\n", "tile_place(i, k, p.tile_rows, p.tile_columns, p.tiles_across)", params)
            }
            (Form::Windows(cut), _) => {
                let [tile, planes, run] = cut.panels(usize::from(matrix == Matrix::B));
                let params = vec![("tile_lines", tile), ("planes", planes), ("run", run)];
                ("#import panel_place\n", "panel_place(i, k, p.tile_lines, p.planes, p.run)", params)
            }
            (Form::Plain { .. }, Matrix::A) | (Form::Plain { b_k_innermost: true }, Matrix::B) => {
                ("", "i * p.line + k", vec![("line", self.k)])
            }
            (Form::Plain { .. }, Matrix::B) => ("", "k * p.line + i", vec![("line", self.n)]),
            (Form::Plain { .. }, Matrix::C) => ("", "i * p.line + k", vec![("line", self.n)]),
        };
        let arguments = if k_first { "k: u32, i: u32" } else { "i: u32, k: u32" };
        (format!("{import}fn place({arguments}) -> u32 {{\n    return {body};\n}}"), params)
    }

    /// The dispatches from scratch buffers a and b to c, and further scratch, numbered from `next` on.
    pub fn calls(&self, [a, b, c]: [usize; 3], next: usize, l: &Lowering<'_>) -> Option<(Vec<KernelCall>, Vec<u64>)> {
        match &self.form {
            Form::Windows(cut) => {
                let from = |axis, matrix, product| Side {
                    operand: Operand::Scratch(axis),
                    first: product * self.stride(matrix),
                };
                let calls = (0..self.count).flat_map(|product| {
                    let sides = [from(a, Matrix::A, product), from(b, Matrix::B, product)];
                    cut.dispatches().map(move |(step, at)| {
                        let to = Side {
                            operand: Operand::Scratch(c),
                            first: product * self.stride(Matrix::C) + cut.tile_first(at),
                        };
                        tile(cut, step, at, sides, (to, cut.tile[1]), &l.plain())
                    })
                });
                Some((calls.collect(), Vec::new()))
            }
            Form::Plain { b_k_innermost } => {
                let op = MatMul { transpose_a: false, transpose_b: *b_k_innermost };
                let of_b = if *b_k_innermost { [self.n, self.k] } else { [self.k, self.n] };
                let inputs =
                    [TensorType::f32([self.count, self.m, self.k]), TensorType::f32([self.count, of_b[0], of_b[1]])];
                let output = TensorType::f32([self.count, self.m, self.n]);
                let l = Lowering { inputs: &inputs, output: &output, epilogue: None, ..*l };
                let mut strategy = op.lower(&l).into_iter().next()?;
                for bound in strategy.calls.iter_mut().flat_map(|call| &mut call.operands) {
                    bound.operand = match bound.operand {
                        Operand::Input(0) => Operand::Scratch(a),
                        Operand::Input(_) => Operand::Scratch(b),
                        Operand::Output => Operand::Scratch(c),
                        Operand::Scratch(i) => Operand::Scratch(next + i),
                    };
                }
                Some((strategy.calls, strategy.scratch))
            }
        }
    }
}
