//! `cargo xtask demo`: from a clone to class scores.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::adapter;
use crate::shell::{self, Outcome, cargo, header};

/// Whether to download CIFAR-10 where it is missing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fetch {
    /// Use what there is.
    No,
    /// Download it first.
    Yes,
}

/// Builds, sets up, trains, evaluates and predicts.
pub fn run(fetch: Fetch) -> Outcome {
    header("build");
    shell::run(&mut cargo(&["build", "--release", "--package", "girih-cli"]))?;
    let binary = shell::girih_binary("release")?;
    let girih = |words: &str| {
        let mut command = Command::new(&binary);
        command.args(words.split(' ')).current_dir(shell::root());
        command
    };

    header("set-up");
    let adapter = adapter::set_up(&binary)?;

    header("data");
    if fetch == Fetch::Yes {
        shell::run(&mut girih("data fetch cifar10"))?;
    }
    let data = if has_cifar10(&binary) {
        println!("CIFAR-10 is here.");
        "cifar10"
    } else {
        println!("CIFAR-10 is not here; this demo draws its own ten classes of images.");
        println!("`cargo xtask demo --fetch` downloads CIFAR-10 (162 MiB) and trains on it.");
        "synthetic"
    };

    header("train");
    // A real GPU takes the whole set; two cores under a software driver, what they do in a minute
    // or two.
    let amount = match (adapter.software, data) {
        (true, "cifar10") => "--epochs 2 --limit 10000",
        (true, _) => "--epochs 2 --limit 5000",
        (false, _) => "--epochs 5",
    };
    let out = "target/demo";
    let run = format!(
        "train --data {data} --model cnn {amount} --batch 64 --schedule one-cycle --seed 1 --out {out} --overwrite"
    );
    shell::run(&mut girih(&run))?;

    header("evaluate");
    shell::run(&mut girih(&format!("eval {out}")))?;

    header("predict");
    let images: Vec<String> = [0, 1, 2, 3].map(|index| format!("{data}:test:{index}")).into();
    let images = images.join(" ");
    shell::run(&mut girih(&format!("predict {out} {images} --top 5 --sheet {out}/sheet.png")))?;
    println!("\nThe run lies in {out}: curves.svg shows its course, sheet.png the images above.");
    Ok(())
}

/// Whether the binary finds a whole CIFAR-10.
fn has_cifar10(binary: &Path) -> bool {
    Command::new(binary).args(["data", "list", "--json"]).stdin(Stdio::null()).output().is_ok_and(|output| {
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .any(|line| line.contains("\"name\":\"cifar10\"") && line.contains("\"whole\":true"))
    })
}
