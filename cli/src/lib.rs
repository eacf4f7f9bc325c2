//! What the `girih` command is made of. The command itself is in `main.rs`; this library exists so
//! that tests reach its parts.

pub mod args;
pub mod commands;
pub mod config;
pub mod curves;
pub mod error;
pub mod fetch;
pub mod image_file;
pub mod interrupt;
pub mod metrics;
pub mod output;
pub mod progress;
pub mod run_folder;
pub mod sheet;
pub mod table;

use std::process::ExitCode;

use clap::Parser;

/// Parses the command line, runs it, and turns its outcome into an exit code: 0 done, 1 the run
/// failed, 2 the command line is wrong.
#[must_use]
pub fn main() -> ExitCode {
    // clap prints its own errors and help, and exits with 2 or 0.
    let arguments = args::Arguments::parse();
    match commands::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has enough of it.
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            if error.is::<error::Usage>() {
                ExitCode::from(2)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}
