//! What the `girih` command is made of. The command itself is in `main.rs`; this library exists so
//! that tests reach its parts.

pub mod args;
pub mod commands;
pub mod config;
pub mod curves;
pub mod dataset;
pub mod engine;
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
pub mod target_file;
pub mod task;
pub mod trained;
pub mod tree_drawing;
pub mod tuning;

use std::process::ExitCode;

use clap::Parser;

/// Parses the command line, runs it, and turns its outcome into an exit code: 0 done, 1 the run
/// failed, 2 the command line is wrong.
#[must_use]
pub fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    quiet_driver();
    // clap prints its own errors and help, and exits with 2 or 0.
    let arguments = args::Arguments::parse();
    match commands::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has enough of it.
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            if error.is::<error::Usage>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

/// Mesa's device-select layer asks a Wayland server which adapter it uses, and where there is no session to have one, as
/// on a server or in a container, an error is printed with every command. There the layer has nothing to find out: it is
/// told to stay away, unless it was given an adapter to select.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn quiet_driver() {
    const OFF: &str = "NODEVICE_SELECT";
    let is_set = |name| std::env::var_os(name).is_some();
    if !["XDG_RUNTIME_DIR", "MESA_VK_DEVICE_SELECT", OFF].into_iter().any(is_set) {
        // SAFETY: nothing else runs yet: `main` calls this before it does anything.
        unsafe { std::env::set_var(OFF, "1") };
    }
}
