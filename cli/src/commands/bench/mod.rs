//! `girih bench`: what the adapter can do, and how near the kernels come to it.

pub mod args;
mod blas;
mod cases;
mod csv;
mod diff;
mod gap;
mod model;
mod peak;
mod picture;
mod plot;
mod profile;
mod recurrent;
mod shapes;
mod trees;

use anyhow::Result;
use girih::bench::Spread;

use crate::args::Global;
use crate::output::Output;
use args::{Bench, What};
use shapes::Family;

/// Runs `girih bench`.
///
/// # Errors
/// A file cannot be read or written, the device fails, or a strategy computed wrong results.
pub fn run(flags: &Bench, global: &Global, output: Output) -> Result<()> {
    match &flags.what {
        None => cases::run(&Family::ALL, &flags.all, global, output),
        Some(What::Peak) => peak::run(global, output),
        Some(What::Matmul(cases)) => cases::run(&[Family::Matmul], cases, global, output),
        Some(What::Conv(cases)) => cases::run(&[Family::Conv], cases, global, output),
        Some(What::Pool(cases)) => cases::run(&[Family::Pool], cases, global, output),
        Some(What::Reduce(cases)) => cases::run(&[Family::Reduce], cases, global, output),
        Some(What::Softmax(cases)) => cases::run(&[Family::Softmax], cases, global, output),
        Some(What::BatchNorm(cases)) => cases::run(&[Family::BatchNorm], cases, global, output),
        Some(What::Pointwise(cases)) => cases::run(&[Family::Pointwise], cases, global, output),
        Some(What::Rnn(cases)) => cases::run(&[Family::Rnn], cases, global, output),
        Some(What::CrossEntropy(cases)) => cases::run(&[Family::CrossEntropy], cases, global, output),
        Some(What::Gather(cases)) => cases::run(&[Family::Gather], cases, global, output),
        Some(What::Transpose(cases)) => cases::run(&[Family::Transpose], cases, global, output),
        Some(What::Dropout(cases)) => cases::run(&[Family::Dropout], cases, global, output),
        Some(What::Model(model)) => model::run(model, global, output),
        Some(What::Recurrent(layer)) => recurrent::run(layer, global, output),
        Some(What::Trees(flags)) => trees::run(flags, global, output),
        Some(What::Diff(files)) => diff::run(files, output),
    }
}

/// A number with three digits that count, or as many as stand before its point, and four decimals at most.
fn digits(value: f64) -> String {
    let whole = if value > 0.0 { value.log10().floor() as i32 + 1 } else { 1 };
    let decimals = usize::try_from(3 - whole).unwrap_or_default().min(4);
    format!("{value:.decimals$}")
}

/// The quartiles, as `1.20–1.31`.
fn quartiles(spread: &Spread) -> String {
    format!("{}–{}", digits(spread.low), digits(spread.high))
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn three_digits_count() {
        for (value, text) in [(1234.5, "1234"), (12.345, "12.3"), (0.012345, "0.0123"), (0.0, "0.00"), (9.999, "10.00")]
        {
            assert_eq!(digits(value), text);
        }
    }
}
