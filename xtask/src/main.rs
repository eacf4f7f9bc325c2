//! Set-up and checks of the girih repository.
//!
//! `cargo xtask demo` builds the `girih` command in release, sees to it that there is an adapter to
//! run on, trains a small network, evaluates it and shows its class scores.
//! `cargo xtask test` does the same set-up and runs every check of the project.
//!
//! This crate has no dependencies and does not link the engine: it starts in seconds, and it asks
//! the built `girih devices --json` what the machine offers.

mod adapter;
mod demo;
mod shell;
mod suite;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask <COMMAND>

Commands:
  demo          Build in release, set up, train a small network and show its class scores
  demo --fetch  The same, on CIFAR-10, downloading it first where it is missing
  test          Set up and run every check: formatting, lints, docs, and all tests";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["demo"] => demo::run(demo::Fetch::No),
        ["demo", "--fetch"] => demo::run(demo::Fetch::Yes),
        // Its last line is its sum: nothing follows that.
        ["test"] => {
            return if suite::run() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
