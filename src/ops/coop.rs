//! The shape of tiles of cooperative matrices: what `shaders/lib/coop_tile.wgsl` wants to know. Products and
//! convolutions share it.

use crate::gpu::Caps;
use crate::graph::Lowering;
use crate::kernel::{Kernel, Source};
use crate::tensor::DType;

/// How an operand lies in workgroup memory, which is how it is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// Whether neighbours along K lie next to one another.
    pub k_innermost: bool,
    /// Whether neighbouring invocations read across these rows instead of along them; for the first operand.
    pub across: bool,
}

/// A workgroup's share of a product: a tile by so many subgroups of so many matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tile {
    subgroups: [usize; 2],
    /// Matrices of a subgroup: rows and columns of them.
    matrices: [usize; 2],
    side: usize,
    lanes: usize,
}

impl Tile {
    /// 128×128 by matrices of 16×16: each is read from workgroup memory as seldom as registers allow.
    pub fn large(caps: &Caps) -> Option<Self> {
        Self::new([2, 2], [4, 4], caps)
    }

    /// 64×64: for what has few rows, or too few tiles to fill a GPU.
    pub fn small(caps: &Caps) -> Option<Self> {
        Self::new([2, 2], [2, 2], caps)
    }

    fn new(subgroups: [usize; 2], matrices: [usize; 2], caps: &Caps) -> Option<Self> {
        let (side, (_, most)) = (caps.cooperative? as usize, caps.subgroup?);
        let tile = Self { subgroups, matrices, side, lanes: subgroups[0] * subgroups[1] * most as usize };
        // All words of columns that an invocation brings lie in the same ones.
        (tile.lanes <= caps.invocations as usize && tile.columns() / 4 <= tile.lanes).then_some(tile)
    }

    /// Rows of the result.
    pub fn rows(&self) -> usize {
        self.subgroups[0] * self.matrices[0] * self.side
    }

    /// Columns of the result.
    pub fn columns(&self) -> usize {
        self.subgroups[1] * self.matrices[1] * self.side
    }

    /// Terms between two barriers.
    pub fn step(&self) -> usize {
        self.side
    }

    /// Whether a product of so many rows, columns and terms, in parts of pairs of steps, leaves nothing to check: nothing
    /// ends within a tile, and every invocation brings as many words.
    pub fn holds(&self, [rows, columns, terms]: [usize; 3]) -> bool {
        rows.is_multiple_of(self.rows())
            && columns.is_multiple_of(self.columns())
            && terms.is_multiple_of(2 * self.step())
            && [self.rows(), self.columns()].iter().all(|extent| (extent * self.step() / 4).is_multiple_of(self.lanes))
    }

    /// The kernel for these tiles, which checks nothing where told that they hold what there is ([`Tile::holds`]), and
    /// stores matrices as they are where told so.
    pub fn kernel(&self, source: Source, [a, b]: [Layout; 2], [whole, direct]: [bool; 2], l: &Lowering<'_>) -> Kernel {
        // Rows of a tile in workgroup memory, and words of one.
        let rows_and_words = |layout: Layout, extent: usize| match layout.k_innermost {
            true => (extent, self.step() / 4),
            false => (self.step(), extent / 4),
        };
        let ((a_rows, a_words), (b_rows, b_words)) =
            (rows_and_words(a, self.rows()), rows_and_words(b, self.columns()));
        matrices(Kernel::new(source), self.side)
            .constant("SUBGROUP_ROWS", self.subgroups[0])
            .constant("SUBGROUP_COLUMNS", self.subgroups[1])
            .constant("ROWS", self.matrices[0])
            .constant("COLUMNS", self.matrices[1])
            .constant("M_TILE", self.rows())
            .constant("Q_TILE", self.columns())
            .constant("WG", self.lanes)
            .constant("A_K_INNERMOST", a.k_innermost)
            .constant("A_ACROSS", a.across)
            .constant("A_ROWS", a_rows)
            .constant("A_WORDS", a_words)
            .constant("A_PITCH", a_words + 2)
            .constant("A_EACH", (a_rows * a_words).div_ceil(self.lanes))
            .constant("B_K_INNERMOST", b.k_innermost)
            .constant("B_ROWS", b_rows)
            .constant("B_WORDS", b_words)
            .constant("B_PITCH", b_words + 2)
            .constant("B_EACH", (b_rows * b_words).div_ceil(self.lanes))
            .constant("WHOLE", whole)
            .constant("DIRECT", usize::from(direct))
            .constant("PATCHED", usize::from(!direct))
            .constant("Out", out(l))
    }
}

/// Gives a kernel the types of matrices of `side` × `side`.
pub(crate) fn matrices(kernel: Kernel, side: usize) -> Kernel {
    let [a, b, c] = match side {
        8 => ["coop_mat8x8<f16, A>", "coop_mat8x8<f16, B>", "coop_mat8x8<f32, C>"],
        _ => ["coop_mat16x16<f16, A>", "coop_mat16x16<f16, B>", "coop_mat16x16<f32, C>"],
    };
    kernel.constant("CoopA", a).constant("CoopB", b).constant("CoopC", c).constant("SIDE", side)
}

/// The element type that a last pass stores.
pub(super) fn out(l: &Lowering<'_>) -> &'static str {
    match l.output.dtype {
        DType::F16 => "f16",
        DType::F32 | DType::U32 => "f32",
    }
}

/// The lowering of a pass whose sums a last one adds up: f32, and no epilogue.
pub(super) fn partial<'a>(l: &Lowering<'a>, sums: &'a crate::tensor::TensorType) -> Lowering<'a> {
    Lowering { output: sums, epilogue: None, ..*l }
}
