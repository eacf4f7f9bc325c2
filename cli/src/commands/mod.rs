//! The commands: each reads its arguments, asks the library, and shows the answer.

pub mod data;
pub mod devices;
pub mod eval;
pub mod inspect;
pub mod predict;
pub mod train;

use anyhow::{Result, bail};

use crate::args::{Arguments, Command};
use crate::output::Output;

/// Does what the arguments say.
///
/// # Errors
/// Whatever the user has to know; the message is one line.
pub fn run(arguments: &Arguments) -> Result<()> {
    let output = Output::new(arguments.global.json);
    let name = match &arguments.command {
        Command::Data(command) => return data::run(command, &arguments.global, output),
        Command::Devices => "devices",
        Command::Train(_) => "train",
        Command::Eval(_) => "eval",
        Command::Predict(_) => "predict",
        Command::Inspect(_) => "inspect",
    };
    bail!("`girih {name}` does not reach the library yet")
}
