//! Standard output: text for people or JSON lines for programs, never both.

use std::io::{self, Write};

use anyhow::{Context, Result};
use serde::Serialize;

/// What standard output carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Text, tables and bars.
    Human,
    /// One JSON object a line.
    Json,
}

impl Output {
    /// The output that the `--json` flag asks for.
    #[must_use]
    pub fn new(json: bool) -> Self {
        if json { Self::Json } else { Self::Human }
    }

    /// Whether people read it.
    #[must_use]
    pub fn is_human(self) -> bool {
        self == Self::Human
    }

    /// Prints text for people; nothing in JSON mode.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn text(self, text: impl std::fmt::Display) -> Result<()> {
        match self {
            Self::Human => print(&format!("{text}\n")),
            Self::Json => Ok(()),
        }
    }

    /// Prints a piece of a line for people, at once; nothing in JSON mode.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn piece(self, text: impl std::fmt::Display) -> Result<()> {
        match self {
            Self::Human => print(&text.to_string()),
            Self::Json => Ok(()),
        }
    }

    /// Prints one JSON line; nothing in text mode.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn json(self, event: &impl Serialize) -> Result<()> {
        match self {
            Self::Human => Ok(()),
            Self::Json => {
                let line = serde_json::to_string(event).context("an event is not valid JSON")?;
                print(&format!("{line}\n"))
            }
        }
    }

    /// A remark that is no part of the result (what was assumed, what is being done): standard
    /// output for people, standard error beside JSON.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn remark(self, text: impl std::fmt::Display) -> Result<()> {
        match self {
            Self::Human => self.text(text),
            Self::Json => {
                eprintln!("{text}");
                Ok(())
            }
        }
    }

    /// The width to lay text out for: the terminal's, or 100 columns where there is none.
    #[must_use]
    pub fn width(self) -> usize {
        let terminal = console::Term::stdout();
        terminal.size_checked().map_or(100, |(_, columns)| usize::from(columns))
    }

    /// The width of tables of measurements: a file gets every name whole.
    #[must_use]
    pub fn table_width(self) -> usize {
        if console::user_attended() { self.width() } else { usize::MAX }
    }
}

/// Writes a whole line at once, so that a reader never sees half of one.
fn print(line: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush()).context("cannot write to standard output")
}

/// Whether an error only says that the reader of standard output went away, as `head` does.
#[must_use]
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe))
}
