//! Where in an output the wrong results lie.

/// Cells of a map at most.
const MOST_ROWS: usize = 24;
const MOST_COLUMNS: usize = 64;

/// The share of wrong results in each cell of a grid over those looked at: all axes but the last one are its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorMap {
    /// From 0 to 1, row by row.
    pub cells: Vec<Vec<f32>>,
}

impl ErrorMap {
    /// Of results in rows of `columns`, each right or `true`.
    pub(super) fn new(wrong: &[bool], columns: usize) -> Self {
        let columns = columns.max(1);
        let rows = wrong.len() / columns;
        let bounds = |count: usize, most: usize| {
            let cells = count.min(most);
            (0..cells).map(move |i| i * count / cells..(i + 1) * count / cells)
        };
        let share = |rows: std::ops::Range<usize>, span: std::ops::Range<usize>| {
            let of_row = |row: usize| wrong[row * columns..][span.clone()].iter().filter(|&&wrong| wrong).count();
            rows.clone().map(of_row).sum::<usize>() as f32 / (rows.len() * span.len()) as f32
        };
        let row = |rows: std::ops::Range<usize>| {
            bounds(columns, MOST_COLUMNS).map(|span| share(rows.clone(), span)).collect()
        };
        Self { cells: bounds(rows, MOST_ROWS).map(row).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorMap;

    #[test]
    fn small_outputs_have_a_cell_a_result() {
        let map = ErrorMap::new(&[false, true, true, false, false, true], 3);
        assert_eq!(map.cells, [[0.0, 1.0, 1.0], [0.0, 0.0, 1.0]]);
    }

    #[test]
    fn large_ones_are_shared_out_whole() {
        // The last of 100 columns is wrong.
        let wrong: Vec<bool> = (0..50 * 100).map(|i| i % 100 == 99).collect();
        let map = ErrorMap::new(&wrong, 100);
        assert_eq!((map.cells.len(), map.cells[0].len()), (24, 64));
        assert!(map.cells.iter().all(|row| row[62] == 0.0 && row[63] == 0.5));
        assert_eq!(ErrorMap::new(&[], 7).cells.len(), 0);
    }
}
