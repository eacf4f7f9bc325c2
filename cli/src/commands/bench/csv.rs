//! Comma-separated values (RFC 4180).

/// One line of cells, quoted where they must be.
pub fn line<T: AsRef<str>>(cells: impl IntoIterator<Item = T>) -> String {
    let quoted = |cell: &str| match cell.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    };
    let mut line = cells.into_iter().map(|cell| quoted(cell.as_ref())).collect::<Vec<_>>().join(",");
    line.push_str("\r\n");
    line
}

#[cfg(test)]
mod tests {
    #[test]
    fn commas_and_quotes_are_quoted() {
        assert_eq!(super::line(["a", "b, c", "d\"e"]), "a,\"b, c\",\"d\"\"e\"\r\n");
    }
}
