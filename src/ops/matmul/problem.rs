//! What a product comes down to: three extents, strides, and at most three groups of batch axes.

use super::MatMul;
use crate::gpu::Caps;
use crate::kernel::{Kernel, KernelCall, Operand, Size};
use crate::tensor::Shape;

/// Groups of neighbouring batch axes that each operand either has or repeats along.
pub(super) const BATCH_AXES: usize = 3;

/// A group of batch axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct BatchAxis {
    /// Its extent.
    pub extent: usize,
    /// Matrices from one to the next in a; 0 where a repeats.
    pub a: usize,
    /// The same in b.
    pub b: usize,
}

/// c[batch, M, N] = op(a) · op(b).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Problem {
    /// How the operands are stored.
    pub op: MatMul,
    /// Rows of the result.
    pub m: usize,
    /// Columns of the result.
    pub n: usize,
    /// Extent summed over.
    pub k: usize,
    /// Batch axes, innermost first.
    batch: [BatchAxis; BATCH_AXES],
}

impl Problem {
    /// The product of operands of these shapes; `None` when they do not fit or their batch axes alternate too often.
    pub fn new(op: MatMul, a: &Shape, b: &Shape) -> Option<Self> {
        let (m, k, n) = op.extents(a, b)?;
        let shape = batch_shape(a, b)?;
        let [of_a, of_b] = [leading(a), leading(b)];
        let (a_strides, b_strides) = (of_a.broadcast_strides(&shape), of_b.broadcast_strides(&shape));
        let mut groups: Vec<BatchAxis> = Vec::new();
        for axis in (0..shape.rank()).rev().filter(|&axis| shape[axis] != 1) {
            let (extent, a, b) = (shape[axis], a_strides[axis], b_strides[axis]);
            match groups.last_mut() {
                Some(g) if a == g.a * g.extent && b == g.b * g.extent => g.extent *= extent,
                _ => groups.push(BatchAxis { extent, a, b }),
            }
        }
        let mut m = m;
        if let [BatchAxis { extent, a: 1, b: 0 }] = groups[..]
            && !op.transpose_a
        {
            // The rows of all matrices lie one after another, in a as in the result.
            m *= extent;
            groups.clear();
        }
        if groups.len() > BATCH_AXES {
            return None;
        }
        groups.resize(BATCH_AXES, BatchAxis { extent: 1, a: 0, b: 0 });
        Some(Self { op, m, n, k, batch: groups.try_into().ok()? })
    }

    /// How many matrices the result has.
    pub fn batch(&self) -> usize {
        self.batch.iter().map(|axis| axis.extent).product()
    }

    /// Of each product, in order, which matrix of a and which of b.
    pub fn matrices(&self) -> impl Iterator<Item = [usize; 2]> {
        (0..self.batch()).map(|product| {
            let mut rest = product;
            self.batch.iter().fold([0, 0], |[a, b], axis| {
                let i = rest % axis.extent;
                rest /= axis.extent;
                [a + i * axis.a, b + i * axis.b]
            })
        })
    }

    /// The batch axes as parameters of a kernel that imports them.
    pub fn batch_params(&self, call: KernelCall) -> KernelCall {
        let [x, y, z] = self.batch;
        let (a, b) = (self.m * self.k, self.k * self.n);
        call.param("batch_x", x.extent)
            .param("batch_y", y.extent)
            .param("a_x", x.a * a)
            .param("a_y", y.a * a)
            .param("a_z", z.a * a)
            .param("b_x", x.b * b)
            .param("b_y", y.b * b)
            .param("b_z", z.b * b)
    }

    /// What kernels from outside may ask for.
    pub fn sizes(&self) -> Vec<Size> {
        let ((a_row, a_k), (b_k, b_column)) = (self.a_strides(), self.b_strides());
        let (a, b, [x, y, z]) = (self.m * self.k, self.k * self.n, self.batch);
        // Matrices of both operands one after another, as many as the result has.
        let plain = self.batch() == 1 || (x.a, x.b, y.extent) == (1, 1, 1);
        vec![
            Size::extent("m", self.m),
            Size::extent("n", self.n),
            Size::extent("k", self.k),
            Size::attribute("batch", self.batch(), 1, &[]),
            Size::attribute("broadcasts", usize::from(!plain), 0, &["a_z"]),
            Size::attribute("transpose_a", usize::from(self.op.transpose_a), 0, &["a_row"]),
            Size::attribute("transpose_b", usize::from(self.op.transpose_b), 0, &["b_column"]),
            Size::derived("a_row", a_row),
            Size::derived("a_k", a_k),
            Size::derived("b_k", b_k),
            Size::derived("b_column", b_column),
            Size::derived("batch_x", x.extent),
            Size::derived("batch_y", y.extent),
            Size::derived("a_x", x.a * a),
            Size::derived("a_y", y.a * a),
            Size::derived("a_z", z.a * a),
            Size::derived("b_x", x.b * b),
            Size::derived("b_y", y.b * b),
            Size::derived("b_z", z.b * b),
        ]
    }

    /// Elements of a from one row of op(a) to the next, and along K.
    pub fn a_strides(&self) -> (usize, usize) {
        if self.op.transpose_a { (1, self.m) } else { (self.k, 1) }
    }

    /// Elements of b along K, and from one column of op(b) to the next.
    pub fn b_strides(&self) -> (usize, usize) {
        if self.op.transpose_b { (1, self.k) } else { (self.n, 1) }
    }

    /// The dispatches, but for what ends them, of a kernel of tiles that is told the product by parameters: over a grid of
    /// tiles, and the matrices of the batch for so many parts of K, in as many as grids are long.
    pub fn calls<'a>(
        &'a self,
        kernel: &'a Kernel,
        [columns, rows]: [usize; 2],
        (parts, k_part): (usize, usize),
        to: Operand,
        caps: &Caps,
    ) -> impl Iterator<Item = KernelCall> + 'a {
        let (count, longest) = (self.batch() * parts, caps.workgroups as usize);
        (0..count).step_by(longest).map(move |first| {
            let grid = [columns, rows, longest.min(count - first)].map(|n| n as u32);
            let call = KernelCall::new(kernel.clone(), grid).bind_inputs(2).bind(to);
            let call = call.param("m", self.m).param("n", self.n).param("k", self.k).param("k_part", k_part);
            self.batch_params(call.param("first", first).param("batch", self.batch()))
        })
    }
}

/// The axes before the last two.
fn leading(shape: &Shape) -> Shape {
    shape[..shape.rank().saturating_sub(2)].into()
}

/// The batch axes of the result.
pub(super) fn batch_shape(a: &Shape, b: &Shape) -> Option<Shape> {
    leading(a).broadcast(&leading(b))
}
