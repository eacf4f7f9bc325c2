//! `cargo xtask test`: every check of the project, each in its section.

use std::process::Command;
use std::time::Instant;

use crate::adapter;
use crate::shell::{self, Outcome, cargo};

/// Tests that passed and failed, summed over all runners.
#[derive(Default, Clone, Copy, PartialEq, Eq, Debug)]
struct Tally {
    passed: u64,
    failed: u64,
}

impl Tally {
    /// Adds a runner's `test result: ok. 5 passed; 0 failed; …`.
    fn add_line(&mut self, line: &str) {
        if !line.starts_with("test result:") {
            return;
        }
        let words: Vec<&str> = line.split([' ', ';']).filter(|w| !w.is_empty()).collect();
        for pair in words.windows(2) {
            if let Ok(count) = pair[0].parse::<u64>() {
                match pair[1] {
                    "passed" => self.passed += count,
                    "failed" => self.failed += count,
                    _ => {}
                }
            }
        }
    }
}

/// The sections run so far, with how each ended.
#[derive(Default)]
struct Sections {
    lines: Vec<String>,
    failed: u64,
}

impl Sections {
    /// Runs one section and prints its time. A failing section does not stop the next: one run
    /// shows everything there is to mend.
    fn run(&mut self, title: &str, work: impl FnOnce() -> Outcome) {
        shell::header(title);
        let start = Instant::now();
        let outcome = work();
        let time = shell::seconds(start.elapsed());
        let word = if outcome.is_ok() { "ok" } else { "FAILED" };
        if let Err(message) = outcome {
            eprintln!("error: {message}");
            self.failed += 1;
        }
        println!("-- {title}: {word}, {time}");
        self.lines.push(format!("{title:<28} {word:<6} {time:>12}"));
    }
}

/// All tests: unit, integration and documentation tests. The profile
/// `dev`, which tests inherit, is optimised in Cargo.toml.
const TEST: &str = "test --workspace --all-features --no-fail-fast";

/// Runs the set-up and all checks; says whether all passed.
pub fn run() -> bool {
    let mut sections = Sections::default();
    sections.run("formatting", || shell::run(&mut cargo(&["fmt", "--all", "--check"])));
    sections.run("lints", || {
        let arguments = "clippy --workspace --all-targets --all-features -- -D warnings";
        shell::run(&mut words(arguments))
    });
    // The binary asks for both: without it, each must bring what it needs.
    sections.run("the library's features", || {
        for feature in ["safetensors", "toml"] {
            shell::run(&mut words(&format!("check --package girih --features {feature}")))?;
        }
        Ok(())
    });
    sections.run("documentation", || {
        let arguments = "doc --workspace --all-features --no-deps";
        shell::run(words(arguments).env("RUSTDOCFLAGS", "-D warnings"))
    });

    // Building the tests builds the binary too, with the same features: nothing compiles twice.
    let mut ready = false;
    sections.run("build", || {
        shell::run(&mut words(&format!("{TEST} --no-run")))?;
        ready = true;
        Ok(())
    });
    if ready {
        ready = false;
        sections.run("set-up", || {
            adapter::set_up(&shell::girih_binary("debug")?)?;
            ready = true;
            Ok(())
        });
    }
    let mut tally = Tally::default();
    if ready {
        sections.run("tests", || tests(&mut tally));
    }

    shell::header("summary");
    for line in &sections.lines {
        println!("{line}");
    }
    // A section that failed without a failing test (a lint, a compile error) is a failure too.
    let test_sections_failed = u64::from(tally.failed > 0);
    tally.failed += sections.failed - test_sections_failed.min(sections.failed);
    println!("\n{} passed, {} failed", tally.passed, tally.failed);
    sections.failed == 0
}

/// Runs all tests and adds up their results.
fn tests(tally: &mut Tally) -> Outcome {
    if shell::run_watched(&mut words(TEST), |line| tally.add_line(line))? {
        Ok(())
    } else {
        Err("some tests failed or did not compile".into())
    }
}

fn words(arguments: &str) -> Command {
    cargo(&arguments.split(' ').collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_summed_over_runners() {
        let mut tally = Tally::default();
        for line in [
            "running 7 tests",
            "test result: ok. 5 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test a::b ... ok, 9 passed; 9 failed",
            "test result: FAILED. 3 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.25s",
        ] {
            tally.add_line(line);
        }
        assert_eq!(tally, Tally { passed: 8, failed: 4 });
    }
}
