//! Text laid out in columns, and numbers as bars.

use console::measure_text_width;

/// How a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Rows of cells under a header, each column as wide as its widest cell.
#[derive(Debug)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns and no rows.
    #[must_use]
    pub fn new(columns: &[(&str, Align)]) -> Self {
        Self { columns: columns.iter().map(|&(name, align)| (name.to_owned(), align)).collect(), rows: Vec::new() }
    }

    /// Adds a row; missing cells are empty.
    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        let mut row: Vec<String> = cells.into_iter().map(Into::into).collect();
        row.resize(self.columns.len(), String::new());
        self.rows.push(row);
    }

    /// The table as lines no wider than `width`: where it would be, the widest column of words is
    /// cut short.
    #[must_use]
    pub fn render(&self, width: usize) -> String {
        const GAP: usize = 2;
        let header: Vec<String> = self.columns.iter().map(|(name, _)| name.clone()).collect();
        let lines = || std::iter::once(&header).chain(&self.rows);
        let mut widths: Vec<usize> = (0..self.columns.len())
            .map(|i| lines().map(|row| measure_text_width(&row[i])).max())
            .map(Option::unwrap_or_default)
            .collect();
        let total = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        if total > width
            && let Some(widest) =
                (0..widths.len()).filter(|&i| self.columns[i].1 == Align::Left).max_by_key(|&i| widths[i])
        {
            widths[widest] = widths[widest].saturating_sub(total - width).max(8);
        }
        let mut text = String::new();
        for row in lines() {
            let mut line = String::new();
            for (i, cell) in row.iter().enumerate() {
                if i > 0 {
                    line.push_str(&" ".repeat(GAP));
                }
                let cell = console::truncate_str(cell, widths[i], "…");
                let space = " ".repeat(widths[i] - measure_text_width(&cell).min(widths[i]));
                match self.columns[i].1 {
                    Align::Left => line.extend([&*cell, &space]),
                    Align::Right => line.extend([&space, &*cell]),
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text.truncate(text.trim_end_matches('\n').len());
        text
    }
}

/// `value` of `0..=1` as a bar of at most `width` cells, in eighths of a cell.
#[must_use]
pub fn bar(value: f32, width: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let value = if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.0 };
    let eighths = (f64::from(value) * width as f64 * 8.0).round() as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

/// One class and its score.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Score {
    /// The class's name.
    pub class: String,
    /// Its probability.
    pub score: f32,
}

/// Scores as lines of name, percentage and bar, best first as given.
#[must_use]
pub fn score_bars(scores: &[Score], width: usize) -> String {
    let names = scores.iter().map(|score| measure_text_width(&score.class)).max().unwrap_or_default();
    // Two spaces in front, "  99.9 %  " between; a bar past 40 cells says nothing more.
    let room = width.saturating_sub(names + 13).clamp(8, 40);
    let lines: Vec<String> = scores
        .iter()
        .map(|Score { class, score }| {
            let space = " ".repeat(names - measure_text_width(class));
            let percent = 100.0 * score;
            let line = format!("  {class}{space}  {percent:5.1} %  {}", bar(*score, room));
            line.trim_end().to_owned()
        })
        .collect();
    lines.join("\n")
}

/// A count in groups of three digits: `1,234,567`.
#[must_use]
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes in binary units: `162.2 MiB`.
#[must_use]
pub fn bytes(value: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if value < 1024 {
        return format!("{value} B");
    }
    let mut amount = value as f64 / 1024.0;
    let mut unit = 0;
    while amount >= 1024.0 && unit + 1 < UNITS.len() {
        amount /= 1024.0;
        unit += 1;
    }
    format!("{amount:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_display_width() {
        let mut table = Table::new(&[("layer", Align::Left), ("parameters", Align::Right)]);
        table.row(["conv 3→32", "896"]);
        table.row(["linear", "524,544"]);
        assert_eq!(table.render(80), "layer      parameters\nconv 3→32         896\nlinear        524,544");
    }

    #[test]
    fn a_narrow_terminal_cuts_the_widest_words() {
        let mut table = Table::new(&[("name", Align::Left), ("n", Align::Right)]);
        table.row(["a name that is much too long", "12"]);
        let text = table.render(16);
        assert!(text.lines().all(|line| measure_text_width(line) <= 16));
        assert!(text.ends_with("12"), "{text}");
    }

    #[test]
    fn bars_grow_by_eighths() {
        assert_eq!(bar(0.0, 4), "");
        assert_eq!(bar(0.5, 4), "██");
        assert_eq!(bar(1.0, 4), "████");
        assert_eq!(bar(1.0 / 32.0, 4), "▏");
        assert_eq!(bar(f32::NAN, 4), "");
        assert_eq!(bar(7.0, 2), "██");
    }

    #[test]
    fn scores_stand_under_each_other() {
        let scores =
            [("cat", 0.75), ("aeroplane", 0.25)].map(|(class, score)| Score { class: class.to_owned(), score });
        assert_eq!(score_bars(&scores, 30), "  cat         75.0 %  ██████\n  aeroplane   25.0 %  ██");
    }

    #[test]
    fn numbers_are_grouped_and_scaled() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(170_052_171), "162.2 MiB");
        assert_eq!(bytes(5 << 40), "5.0 TiB");
    }
}
