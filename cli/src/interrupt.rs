//! Ctrl-C: the first asks for an orderly end, the second ends at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};

/// Set once the user (or a `SIGTERM`) asks for an end.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Takes over the signals of the whole process; call it once. `after` is what ends in order first.
    ///
    /// # Errors
    /// The system refuses the handler.
    pub fn install(after: &'static str) -> Result<Self> {
        let interrupt = Self::default();
        let flag = Arc::clone(&interrupt.0);
        ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::Relaxed) {
                // What shells report of a program that Ctrl-C killed.
                std::process::exit(130);
            }
            eprintln!("\nstopping after {after}; Ctrl-C again stops at once, unsaved");
        })
        .context("cannot catch Ctrl-C")?;
        Ok(interrupt)
    }

    /// Whether an end was asked for.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
