//! What several test files share: a folder that goes when the test ends, small data sets in it, and the built command
//! run there.

#![allow(dead_code, reason = "each test file uses a part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A folder to run the command in. Data sets are looked for there, too.
pub struct Place(tempfile::TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, contents: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    /// A place with the procedural set in `set`.
    pub fn with_set(train: u32, test: u32) -> Self {
        let place = Self::new();
        place.lines(&format!("data synth set --train {train} --test {test} --json"));
        place
    }

    /// The command with these words, which are separated by spaces.
    pub fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_girih"));
        command.args(words.split_whitespace()).current_dir(self.0.path()).env("GIRIH_DATA", self.0.path());
        command.stdin(Stdio::null());
        command
    }

    pub fn run(&self, words: &str) -> Output {
        self.command(words).output().unwrap()
    }

    /// The JSON lines of a command that succeeds.
    pub fn lines(&self, words: &str) -> Vec<Value> {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(0), "{words}: {}", String::from_utf8_lossy(&output.stderr));
        lines(&output)
    }

    /// The text of a command that succeeds.
    pub fn text(&self, words: &str) -> String {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(0), "{words}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Checks that a command fails with exit code 1 and one error that has these words.
    pub fn fails(&self, command: &str, words: &[&str]) -> Output {
        failed(self.run(command), 1, words)
    }

    /// The names of the files in a folder.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub fn copy(&self, from: &str, to: &str) {
        fs::create_dir_all(self.path(to)).unwrap();
        for name in self.names(from) {
            fs::copy(self.path(from).join(&name), self.path(to).join(&name)).unwrap();
        }
    }

    /// A picture of this size.
    pub fn picture(&self, name: &str, width: u32, height: u32) {
        let image = image::RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 90]));
        image.save(self.path(name)).unwrap();
    }
}

/// Checks an exit code, and that standard error has one error and these words.
pub fn failed(output: Output, code: i32, words: &[&str]) -> Output {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{error}");
    let errors: Vec<&str> = error.lines().filter(|line| line.starts_with("error:")).collect();
    assert_eq!(errors.len(), 1, "{error}");
    assert!(!error.contains("panicked"), "{error}");
    for words in words {
        assert!(errors[0].contains(words), "{words:?} wanted: {error}");
    }
    output
}

pub fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A safetensors file: its header and its data.
pub fn tensors(path: &Path) -> (Value, Vec<u8>) {
    let bytes = fs::read(path).unwrap();
    let (length, rest) = bytes.split_at(8);
    let (header, data) = rest.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
    (serde_json::from_slice(header).unwrap(), data.to_vec())
}

/// The set of CIFAR-10's format with `count` black training images (a multiple of five) and one to test.
pub fn black_set(place: &Place, name: &str, count: usize) {
    for file in 1..=5 {
        place.write(&format!("{name}/data_batch_{file}.bin"), &vec![0; count / 5 * 3073]);
    }
    place.write(&format!("{name}/test_batch.bin"), &[0; 3073]);
}
