//! Errors that decide the exit code. Everything else is an [`anyhow::Error`] and exits with 1.

use std::fmt;

/// The command line is wrong in a way that only shows once it is understood; exits with 2.
#[derive(Debug)]
pub struct Usage(pub String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// `Err` of a usage error, to end a function with.
///
/// # Errors
/// Always.
pub fn usage<T>(message: impl Into<String>) -> anyhow::Result<T> {
    Err(Usage(message.into()).into())
}

/// A library error as its message alone: the library's messages hold their causes already, which
/// anyhow would print a second time.
pub fn told(error: impl std::error::Error) -> anyhow::Error {
    anyhow::Error::msg(error.to_string())
}
