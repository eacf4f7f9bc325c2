//! `girih data list` and `synth`, as a user runs them.

use std::path::Path;
use std::process::{Command, Output};

fn girih(root: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_girih")).arg("data").args(arguments).env("GIRIH_DATA", root).output().unwrap()
}

fn lines(output: &Output) -> Vec<serde_json::Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn sets_are_absent_damaged_or_whole() {
    let root = tempfile::tempdir().unwrap();
    let cifar10 = || {
        let output = girih(root.path(), &["list", "--json"]);
        assert_eq!(output.status.code(), Some(0));
        lines(&output).into_iter().find(|set| set["name"] == "cifar10").unwrap()
    };
    let set = cifar10();
    assert_eq!((&set["whole"], set["path"].is_null()), (&false.into(), true));

    let folder = root.path().join("cifar-10-batches-bin");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("test_batch.bin"), "short").unwrap();
    let set = cifar10();
    assert_eq!(set["whole"], false);
    assert!(set["problem"].as_str().unwrap().contains(".bin"), "{set}");

    let files = (1..=5).map(|i| format!("data_batch_{i}.bin"));
    for name in files.chain(["test_batch.bin".to_owned()]) {
        // The lengths are right; listing does not read them. Nor does a fetch ask for more.
        let file = std::fs::File::create(folder.join(name)).unwrap();
        file.set_len(30_730_000).unwrap();
    }
    let set = cifar10();
    assert_eq!(set["whole"], true);
    let output = girih(root.path(), &["fetch", "cifar10", "--json"]);
    assert_eq!(lines(&output)[0]["downloaded"], false);
}

#[test]
fn the_procedural_set_is_written_once() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("set");
    let arguments = ["synth", dir.to_str().unwrap(), "--train", "50", "--test", "20"];
    let output = girih(place.path(), &arguments);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(dir.join("test_batch.bin").exists());
    // What is there is not written over.
    let output = girih(place.path(), &arguments);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("is there already"), "{error}");
    assert_eq!(error.lines().count(), 1);
}
