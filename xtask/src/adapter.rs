//! The set-up: is there an adapter, and if not, can the software Vulkan driver be installed?

use std::path::Path;
use std::process::{Command, Stdio};

use crate::shell::{self, Outcome};

/// The adapter that girih would run on.
pub struct Adapter {
    /// As the driver names it.
    pub name: String,
    /// A software driver: it runs on the processor's cores.
    pub software: bool,
}

/// What `girih devices --json` found.
enum Found {
    Chosen(Adapter),
    /// Nothing; with what the command said to that.
    None(String),
}

/// Finds the adapter that `girih` would use, installing the software Vulkan driver where there is
/// none and this user may install it.
pub fn set_up(girih: &Path) -> Outcome<Adapter> {
    set_up_with(girih, install_driver)
}

/// [`set_up`] with a way to install the driver, which is not taken where there is an adapter: it may need a network.
fn set_up_with(girih: &Path, install: impl FnOnce() -> Outcome) -> Outcome<Adapter> {
    let adapter = match look(girih)? {
        Found::Chosen(adapter) => adapter,
        Found::None(told) => {
            println!("`girih devices`: {told}");
            install()?;
            match look(girih)? {
                Found::Chosen(adapter) => adapter,
                Found::None(_) => {
                    return Err("the software Vulkan driver is installed, but girih still finds no adapter; \
                                `vulkaninfo --summary` (package vulkan-tools) may tell why"
                        .into());
                }
            }
        }
    };
    println!("Adapter: {}{}", adapter.name, if adapter.software { " (software)" } else { "" });
    Ok(adapter)
}

/// Asks `girih devices --json`: one line an adapter, exit code 1 when there is none.
fn look(girih: &Path) -> Outcome<Found> {
    let output = Command::new(girih)
        .args(["devices", "--json"])
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("cannot start {}: {e}", girih.display()))?;
    let lines = String::from_utf8_lossy(&output.stdout);
    let told = String::from_utf8_lossy(&output.stderr);
    let told = told.trim().trim_start_matches("error: ");
    let chosen = lines.lines().find(|line| line.contains("\"chosen\":true"));
    match (output.status.code(), chosen) {
        (Some(0), Some(line)) => Ok(Found::Chosen(Adapter {
            name: shell::json_text(line, "name").unwrap_or_default(),
            software: shell::json_text(line, "kind").as_deref() == Some("software"),
        })),
        // A failure with adapters at hand (an unknown GIRIH_ADAPTER, say) is not ours to mend.
        (Some(1), None) if lines.trim().is_empty() => Ok(Found::None(told.to_owned())),
        _ => Err(format!("`girih devices` failed: {told}")),
    }
}

/// The distribution's package manager, as far as the set-up knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Packages {
    Apt,
    Dnf,
    Pacman,
    Zypper,
    Apk,
    Unknown,
}

impl Packages {
    fn of_this_machine() -> Self {
        let programs = [
            ("apt-get", Self::Apt),
            ("dnf", Self::Dnf),
            ("pacman", Self::Pacman),
            ("zypper", Self::Zypper),
            ("apk", Self::Apk),
        ];
        programs
            .into_iter()
            .find(|(program, _)| shell::succeeds(Command::new(program).arg("--version")))
            .map_or(Self::Unknown, |(_, packages)| packages)
    }

    /// The one line to type.
    fn line(self) -> &'static str {
        match self {
            Self::Apt => "sudo apt-get update && sudo apt-get install -y mesa-vulkan-drivers",
            Self::Dnf => "sudo dnf install mesa-vulkan-drivers vulkan-loader",
            Self::Pacman => "sudo pacman -S vulkan-swrast vulkan-icd-loader",
            Self::Zypper => "sudo zypper install Mesa-vulkan-device-select libvulkan_lvp libvulkan1",
            Self::Apk => "sudo apk add mesa-vulkan-swrast vulkan-loader",
            Self::Unknown => "install Mesa's software Vulkan driver (lavapipe) and the Vulkan loader",
        }
    }
}

/// Installs the software Vulkan driver, or says what to type.
fn install_driver() -> Outcome {
    if !cfg!(target_os = "linux") {
        return Err("this machine offers no adapter: update its graphics driver".into());
    }
    let packages = Packages::of_this_machine();
    let prefix = administrator();
    let (Packages::Apt, Some(prefix)) = (packages, prefix) else {
        return Err(format!(
            "no adapter; install the software Vulkan driver and run this again:\n\n    {}\n",
            packages.line()
        ));
    };
    println!(
        "Installing Mesa's software Vulkan driver (mesa-vulkan-drivers) with apt-get, {}.",
        if prefix.is_empty() { "as root" } else { "through sudo" }
    );
    // The package lists of a fresh image are missing or stale: try, refresh, try again.
    let install = ["install", "-y", "--no-install-recommends", "mesa-vulkan-drivers"];
    if shell::run(&mut apt_get(prefix, &install)).is_ok() {
        return Ok(());
    }
    shell::run(&mut apt_get(prefix, &["update"])).and_then(|()| shell::run(&mut apt_get(prefix, &install))).map_err(
        |e| format!("{e}; install the software Vulkan driver and run this again:\n\n    {}\n", packages.line()),
    )
}

/// The words that make a command run as root: none for root, `sudo -n` where no password is asked.
fn administrator() -> Option<&'static [&'static str]> {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    if root {
        Some(&[])
    } else if shell::succeeds(Command::new("sudo").args(["-n", "true"])) {
        Some(&["sudo", "-n"])
    } else {
        None
    }
}

/// A non-interactive apt-get that waits for another one to finish. `env` carries the variable
/// through sudo, which drops the caller's.
fn apt_get(prefix: &[&str], arguments: &[&str]) -> Command {
    let words: Vec<&str> = prefix
        .iter()
        .copied()
        .chain(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"])
        .chain(["-o", "DPkg::Lock::Timeout=120"])
        .chain(arguments.iter().copied())
        .collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::{Mutex, PoisonError};

    /// What `work` makes of a stand-in for `girih` that prints `stdout` and exits with `code`.
    fn with_girih<T>(name: &str, stdout: &str, code: i32, work: impl FnOnce(&Path) -> T) -> T {
        // A script that another test's child still holds open for writing cannot be run.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        work(&girih(name, stdout, code))
    }

    fn looked(name: &str, stdout: &str, code: i32) -> Result<Found, String> {
        with_girih(name, stdout, code, look)
    }

    fn girih(name: &str, stdout: &str, code: i32) -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("girih-xtask-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        let script = format!("#!/bin/sh\necho trouble >&2\nprintf '%s' '{stdout}'\nexit {code}\n");
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn the_chosen_adapter_is_read() {
        let lines = "{\"name\":\"Other\",\"kind\":\"discrete\",\"chosen\":false}\n\
                     {\"name\":\"llvmpipe\",\"kind\":\"software\",\"chosen\":true}\n";
        let Ok(Found::Chosen(adapter)) = looked("chosen", lines, 0) else {
            panic!("not found");
        };
        assert_eq!(adapter.name, "llvmpipe");
        assert!(adapter.software);
    }

    #[test]
    fn only_a_missing_adapter_is_a_reason_to_install() {
        let line = "{\"name\":\"llvmpipe\",\"kind\":\"software\",\"chosen\":true}\n";
        let found = with_girih("at-hand", line, 0, |girih| set_up_with(girih, || Err("no network".into())));
        assert_eq!(found.map(|adapter| adapter.name).as_deref(), Ok("llvmpipe"));
        let none = with_girih("absent", "", 1, |girih| set_up_with(girih, || Err("no network".into())));
        assert_eq!(none.err().as_deref(), Some("no network"));
        let none = with_girih("still-absent", "", 1, |girih| set_up_with(girih, || Ok(())));
        assert!(none.is_err_and(|message| message.contains("still finds no adapter")));
    }

    #[test]
    fn no_lines_and_code_1_mean_no_adapter() {
        assert!(matches!(looked("none", "", 1), Ok(Found::None(told)) if told == "trouble"));
    }

    #[test]
    fn any_other_failure_is_passed_on() {
        let lines = "{\"name\":\"llvmpipe\",\"chosen\":false}";
        for (name, stdout, code) in [("unknown", lines, 1), ("crash", "", 101)] {
            let message = looked(name, stdout, code).err().unwrap();
            assert!(message.contains("trouble"), "{message}");
        }
    }
}
