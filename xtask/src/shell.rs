//! Running other programs: section headers, timings, and output shown as it comes.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// What a step returns; the message is one line for the user.
pub type Outcome<T = ()> = Result<T, String>;

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository's root")
}

/// The cargo that runs this program, working in the repository's root.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    // `cargo run` sets these for xtask itself; handed on, they would make build scripts that
    // watch them (ring's does) run again, and all that depends on them compile again.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    command
}

/// Prints the header of a section.
pub fn header(title: &str) {
    println!("\n== {title} ==");
    // The programs that follow write to the same terminal by themselves.
    let _ = std::io::stdout().flush();
}

/// `12.3 s` or `2 min 05 s`.
pub fn seconds(time: Duration) -> String {
    let all = time.as_secs_f64();
    if all < 60.0 {
        format!("{all:.1} s")
    } else {
        let whole = all.round() as u64;
        format!("{} min {:02} s", whole / 60, whole % 60)
    }
}

/// The command as one would type it, for messages.
fn typed(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_stem().unwrap_or(program.as_os_str());
    std::iter::once(name).chain(command.get_args()).map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Prints a command as typed and runs it on this terminal.
pub fn run(command: &mut Command) -> Outcome {
    println!("$ {}", typed(command));
    let _ = std::io::stdout().flush();
    let status = command.status().map_err(|e| format!("cannot start `{}`: {e}", typed(command)))?;
    if status.success() { Ok(()) } else { Err(format!("`{}` failed ({status})", typed(command))) }
}

/// Runs a command on this terminal, hands each line of its standard output to `seen` as well, and
/// says whether it succeeded.
pub fn run_watched(command: &mut Command, mut seen: impl FnMut(&str)) -> Outcome<bool> {
    println!("$ {}", typed(command));
    let fault = |e: std::io::Error, command: &Command| format!("`{}`: {e}", typed(command));
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|e| fault(e, command))?;
    let output = child.stdout.take().expect("standard output is piped");
    let mut stdout = std::io::stdout();
    for line in BufReader::new(output).split(b'\n') {
        let line = line.map_err(|e| fault(e, command))?;
        let line = String::from_utf8_lossy(&line);
        // Who reads our output may have gone; the checks still decide the exit code.
        let _ = writeln!(stdout, "{line}");
        let _ = stdout.flush();
        seen(&line);
    }
    Ok(child.wait().map_err(|e| fault(e, command))?.success())
}

/// Runs a command without showing it; says whether it started and succeeded.
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Where cargo puts the `girih` binary of a profile (`debug` or `release`).
pub fn girih_binary(profile: &str) -> Outcome<PathBuf> {
    // Asked of cargo, as `CARGO_TARGET_DIR` or a user's configuration may move it.
    let output = cargo(&["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("cannot start cargo: {e}"))?;
    let metadata = String::from_utf8_lossy(&output.stdout);
    let folder = json_text(&metadata, "target_directory").ok_or("cargo metadata did not name the target directory")?;
    Ok(Path::new(&folder).join(profile).join(format!("girih{}", std::env::consts::EXE_SUFFIX)))
}

/// The first text value of `key` in JSON written without spaces around its colons, as cargo and
/// girih write it. Enough for the two outputs read here, and it spares xtask a parser.
pub fn json_text(json: &str, key: &str) -> Option<String> {
    let start = json.find(&format!("\"{key}\":\""))? + key.len() + 4;
    let mut text = String::new();
    let mut characters = json[start..].chars();
    loop {
        match characters.next()? {
            '"' => return Some(text),
            '\\' => text.push(match characters.next()? {
                'n' => '\n',
                't' => '\t',
                other => other,
            }),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_text_reads_escapes_and_misses() {
        let json = r#"{"a":1,"name":"C:\\x \"y\"","kind":"cpu"}"#;
        assert_eq!(json_text(json, "name").as_deref(), Some(r#"C:\x "y""#));
        assert_eq!(json_text(json, "kind").as_deref(), Some("cpu"));
        assert_eq!(json_text(json, "a"), None);
        assert_eq!(json_text("{\"name\":\"cut", "name"), None);
    }

    #[test]
    fn long_times_are_in_minutes() {
        assert_eq!(seconds(Duration::from_millis(1230)), "1.2 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 05 s");
    }
}
