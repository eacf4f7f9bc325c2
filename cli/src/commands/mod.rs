//! The commands: each reads its arguments, asks the library, and shows the answer.

pub mod bench;
pub mod data;
pub mod devices;
pub mod eval;
pub mod eval_trees;
pub mod generate;
pub mod inspect;
pub mod predict;
pub mod predict_trees;
pub mod train;
pub mod tune;

use anyhow::Result;

use crate::args::{Arguments, Command};
use crate::output::Output;

/// Does what the arguments say.
///
/// # Errors
/// Whatever the user has to know; the message is one line.
pub fn run(arguments: &Arguments) -> Result<()> {
    let output = Output::new(arguments.global.json);
    let global = &arguments.global;
    match &arguments.command {
        Command::Devices => devices::run(global, output),
        Command::Data(command) => data::run(command, global, output),
        Command::Train(flags) => train::run(flags, global, output),
        Command::Eval(flags) => eval::run(flags, global, output),
        Command::Predict(flags) => predict::run(flags, global, output),
        Command::Generate(flags) => generate::run(flags, global, output),
        Command::Inspect(flags) => inspect::run(flags, global, output),
        Command::Tune(flags) => tune::run(flags, global, output),
        Command::Bench(flags) => bench::run(flags, global, output),
    }
}
