//! How a long reduction is divided: into a fixed number of parts, each summed in a fixed order, whose partial results a
//! second pass combines. Nothing depends on timing, so results repeat bit for bit.

use crate::gpu::Caps;

/// Elements an invocation may walk: Mesa 22.3 stops a shader silently after 65,535 loop iterations, all of an
/// invocation's loops together.
pub(super) const WALK: usize = 16_384;
/// Those turns, with some to spare.
pub(super) const MOST_TURNS: usize = 65_000;

/// Whether an invocation may take so many turns of all its loops.
pub(super) fn may_turn(turns: usize, caps: &Caps) -> bool {
    !caps.is_software() || turns <= MOST_TURNS
}

/// What is enough to keep a machine busy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aim {
    /// Partial results worked on at once.
    pub parallel: usize,
    /// Elements below which another part costs more than it brings.
    pub least: usize,
    /// Elements above which a part must be divided.
    pub most: usize,
}

impl Aim {
    /// One invocation a part. In software another dispatch costs as much as some hundred loads; a GPU wants so many loads at
    /// once.
    pub fn lines(caps: &Caps) -> Self {
        let (parallel, least) = if caps.is_software() { (2048, 256) } else { (131_072, 32) };
        Self { parallel, least, most: WALK }
    }

    /// One workgroup a part, or on GPUs a part of one, which each want several times as many as they run at once: the last
    /// ones run alone.
    pub fn tree(caps: &Caps) -> Self {
        let (parallel, least) = if caps.is_software() { (1024, 1024) } else { (4096, 2048) };
        Self { parallel, least, most: 1 << 20 }
    }
}

/// A reduction over `rows` runs of `run` elements, divided into `row_parts` × `run_parts` rectangles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Split {
    /// Rows of all parts but the last.
    pub rows_each: usize,
    /// Run elements of all parts but the last.
    pub run_each: usize,
    /// Parts along the rows.
    pub row_parts: usize,
    /// Parts along the run.
    pub run_parts: usize,
}

impl Split {
    /// Divides a reduction to `outputs` results.
    pub fn new(outputs: usize, rows: usize, run: usize, aim: Aim) -> Self {
        let elements = rows * run;
        let useful = (aim.parallel / outputs.max(1)).min(elements / aim.least);
        let parts = useful.max(elements.div_ceil(aim.most)).max(1);
        let rows_each = rows.div_ceil(parts.min(rows));
        let row_parts = rows.div_ceil(rows_each);
        let run_each = run.div_ceil(parts.div_ceil(row_parts).min(run));
        Self { rows_each, run_each, row_parts, run_parts: run.div_ceil(run_each) }
    }

    /// All parts.
    pub fn parts(&self) -> usize {
        self.row_parts * self.run_parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_everything_and_stay_walkable() {
        let aim = Aim { parallel: 1024, least: 32, most: WALK };
        for (outputs, rows, run) in
            [(1, 1, 5_000_000), (32, 64, 1024), (256, 1, 64), (7, 3, 5), (100_000, 1, 9), (1, 70_000, 1)]
        {
            let split = Split::new(outputs, rows, run, aim);
            assert!(split.rows_each * split.row_parts >= rows && split.run_each * split.run_parts >= run, "{split:?}");
            assert!(split.rows_each * (split.row_parts - 1) < rows && split.run_each * (split.run_parts - 1) < run);
            assert!(split.rows_each * split.run_each <= WALK, "{split:?}");
        }
        assert_eq!(Split::new(32, 64, 1024, aim).parts(), 32);
        assert_eq!(Split::new(4096, 1, 64, aim).parts(), 1);
    }
}
