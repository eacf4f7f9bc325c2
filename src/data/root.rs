//! Where data is looked for, and how a set is asked for.

use super::known::{KNOWN_SETS, KnownSet, SetStatus};
use super::names::{FASHION_MNIST_CLASSES, MNIST_CLASSES, read_names};
use super::{DataError, ImageSet, Split, Splits, cifar, idx, synth};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The folder that data sets lie in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    path: PathBuf,
    source: RootSource,
}

/// Who said where the root is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RootSource {
    /// An argument.
    Argument,
    /// The environment variable `GIRIH_DATA`.
    Environment,
    /// The platform's data folder.
    Platform,
    /// Nobody: the platform names no data folder, so it is `girih-data` in the current one.
    CurrentFolder,
}

impl Root {
    /// The root: `explicit` if given, else `GIRIH_DATA` if set, else `girih` in the platform's data folder
    /// (`XDG_DATA_HOME` or `~/.local/share` on Linux, `~/Library/Application Support` on macOS, `%APPDATA%` on
    /// Windows). It need not exist.
    pub fn find(explicit: Option<&Path>) -> Self {
        Self::resolve(explicit, std::env::consts::OS, |name| std::env::var_os(name))
    }

    fn resolve(explicit: Option<&Path>, os: &str, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(path) = explicit {
            return Self { path: path.to_owned(), source: RootSource::Argument };
        }
        if let Some(path) = variable("GIRIH_DATA") {
            return Self { path, source: RootSource::Environment };
        }
        let platform = match os {
            "windows" => variable("APPDATA"),
            "macos" => variable("HOME").map(|home| home.join("Library/Application Support")),
            // The XDG specification has relative paths ignored.
            _ => variable("XDG_DATA_HOME")
                .filter(|path| path.is_absolute())
                .or_else(|| variable("HOME").map(|home| home.join(".local/share"))),
        };
        match platform {
            Some(path) => Self { path: path.join("girih"), source: RootSource::Platform },
            None => Self { path: PathBuf::from("girih-data"), source: RootSource::CurrentFolder },
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Who said so.
    pub fn source(&self) -> RootSource {
        self.source
    }

    /// Every known set with what there is of it, in the table's order. It reads sizes and headers only.
    pub fn list(&self) -> impl Iterator<Item = (&'static KnownSet, SetStatus)> {
        KNOWN_SETS.iter().map(|set| (set, set.status(&self.path)))
    }

    /// The set to use when none is asked for: `cifar10` if there is anything of it (a damaged one should be heard
    /// of), else `synthetic`.
    pub fn default_set(&self) -> &'static str {
        let cifar10 = KNOWN_SETS.iter().find(|set| set.name == "cifar10");
        match cifar10.map(|set| set.status(&self.path)) {
            None | Some(SetStatus::Absent) => "synthetic",
            Some(_) => "cifar10",
        }
    }

    /// Loads a set of images: a known one by name, `synthetic` (the procedural set of the default seed and size), or
    /// the path of a folder as [`load_folder`] reads it. A known name wins; `./cifar10` is a path.
    ///
    /// # Errors
    /// [`DataError::UnknownSet`] when `spec` is none of these, else what loading it gives.
    pub fn load(&self, spec: &str) -> Result<Splits, DataError> {
        Splits::both(|split| self.load_split(spec, split))
    }

    /// Loads one part of what [`Root::load`] loads. The other part is not read: a test image costs no training image.
    ///
    /// # Errors
    /// As [`Root::load`].
    pub fn load_split(&self, spec: &str, split: Split) -> Result<ImageSet, DataError> {
        if spec == "synthetic" {
            return synth::default_split(split);
        }
        if let Some(set) = KNOWN_SETS.iter().find(|set| set.name == spec) {
            return set.load(&self.path, split);
        }
        let path = Path::new(spec);
        if path.is_dir() { load_folder(path, split) } else { Err(DataError::UnknownSet { spec: spec.to_owned() }) }
    }
}

/// Reads one part of a folder in CIFAR-10's, CIFAR-100's or IDX format, told apart by the files in it or in the folder
/// that their archive unpacks to. The set takes the folder's name.
///
/// Class names: for CIFAR as [`cifar::read_cifar10`] and [`cifar::read_cifar100`] say; for IDX, `classes.txt` (one
/// a line) where there is one, else Fashion-MNIST's when the path says `fashion`, else the ten digits.
///
/// # Errors
/// [`DataError::Unrecognised`] when it holds files of no format, else what reading them gives.
pub fn load_folder(folder: &Path, split: Split) -> Result<ImageSet, DataError> {
    let named = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name = named.file_name().map_or_else(|| "folder".to_owned(), |name| name.to_string_lossy().into_owned());
    let has = |folder: &Path, files: &[&str]| files.iter().any(|file| folder.join(file).is_file());
    for inner in ["", "cifar-10-batches-bin", "cifar-100-binary", "raw", "MNIST/raw", "FashionMNIST/raw"] {
        let folder = if inner.is_empty() { folder.to_owned() } else { folder.join(inner) };
        // Any of a format's files decides, so that a missing one is named.
        if has(&folder, &cifar::CIFAR10_TRAIN) || has(&folder, &[cifar::CIFAR10_TEST]) {
            return cifar::read_cifar10(&folder, &name, split);
        }
        if has(&folder, &[cifar::CIFAR100_TRAIN, cifar::CIFAR100_TEST]) {
            return cifar::read_cifar100(&folder, &name, split);
        }
        if [idx::TRAIN_IMAGES, idx::TRAIN_LABELS, idx::TEST_IMAGES, idx::TEST_LABELS].iter().any(|f| has(&folder, f)) {
            let is_fashion = named.join(inner).to_string_lossy().to_lowercase().contains("fashion");
            let standard = if is_fashion { &FASHION_MNIST_CLASSES } else { &MNIST_CLASSES };
            let classes = read_names(&folder.join("classes.txt"), standard)?;
            let classes: Vec<&str> = classes.iter().map(String::as_str).collect();
            return idx::read_idx(&folder, &name, &classes, split);
        }
    }
    let is_pickled = has(folder, &["data_batch_1", "test_batch"]) || folder.join("cifar-10-batches-py").is_dir();
    let hint = if is_pickled {
        "these are CIFAR's Python pickles; the binary version is wanted"
    } else {
        "expected data_batch_1.bin, train.bin or train-images-idx3-ubyte[.gz] and those that go with it"
    };
    Err(DataError::Unrecognised { folder: folder.to_owned(), hint })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::scratch::Scratch;

    fn resolve(explicit: Option<&str>, os: &str, variables: &[(&str, &str)]) -> (String, RootSource) {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        let root = Root::resolve(explicit.map(Path::new), os, find);
        (root.path.to_string_lossy().replace('\\', "/"), root.source)
    }

    #[test]
    #[cfg(unix)]
    fn the_root_is_the_first_that_is_named() {
        use RootSource::*;
        let all = [("GIRIH_DATA", "/d"), ("XDG_DATA_HOME", "/x"), ("HOME", "/h"), ("APPDATA", "C:/a")];
        assert_eq!(resolve(Some("/e"), "linux", &all), ("/e".into(), Argument));
        assert_eq!(resolve(None, "linux", &all), ("/d".into(), Environment));
        assert_eq!(resolve(None, "linux", &all[1..]), ("/x/girih".into(), Platform));
        assert_eq!(resolve(None, "linux", &all[2..]), ("/h/.local/share/girih".into(), Platform));
        assert_eq!(resolve(None, "macos", &all[1..]), ("/h/Library/Application Support/girih".into(), Platform));
        assert_eq!(resolve(None, "windows", &all[1..]), ("C:/a/girih".into(), Platform));
        assert_eq!(resolve(None, "linux", &[("GIRIH_DATA", "")]), ("girih-data".into(), CurrentFolder));
        let relative = [("XDG_DATA_HOME", "x"), ("HOME", "/h")];
        assert_eq!(resolve(None, "linux", &relative), ("/h/.local/share/girih".into(), Platform));
    }

    #[test]
    fn a_spec_is_a_name_or_a_folder() {
        let scratch = Scratch::new("root");
        let root = Root::find(Some(scratch.path()));
        assert_eq!(root.default_set(), "synthetic");
        assert!(root.list().all(|(set, status)| set.name == "fashion-mnist" || status == SetStatus::Absent));
        assert!(matches!(root.load("cifar10"), Err(DataError::Absent { set: "cifar10", .. })));
        let error = root.load("cifar11").unwrap_err().to_string();
        assert_eq!(
            error,
            "`cifar11` is neither a folder nor one of cifar10, cifar100, mnist, fashion-mnist, synthetic (a text is text:FILE)"
        );

        scratch.write("cifar10/test_batch.bin", b"");
        assert_eq!(root.default_set(), "cifar10");
        assert!(matches!(root.load("cifar10"), Err(DataError::Damaged { .. })));
    }

    #[test]
    fn one_part_is_the_same_alone() {
        let scratch = Scratch::new("root-part");
        synth::write_synthetic(&scratch.path().join("set"), 4, 12, 6).unwrap();
        let root = Root::find(Some(scratch.path()));
        let folder = scratch.path().join("set");
        for spec in ["synthetic", folder.to_str().unwrap()] {
            let whole = root.load(spec).unwrap();
            assert_eq!(root.load_split(spec, Split::Train).unwrap(), whole.train);
            assert_eq!(root.load_split(spec, Split::Test).unwrap(), whole.test);
        }
    }

    #[test]
    fn folders_are_told_apart_by_their_files() {
        let scratch = Scratch::new("folder");
        let path = |name: &str| scratch.path().join(name);
        synth::write_synthetic(&path("own/cifar-10-batches-bin"), 1, 5, 1).unwrap();
        let own = load_folder(&path("own"), Split::Train).unwrap();
        assert_eq!((own.name(), own.len()), ("own", 5));

        scratch.write("hundred/train.bin", &[0; 3074]);
        scratch.write("hundred/test.bin", &[0; 3074]);
        assert_eq!(load_folder(&path("hundred"), Split::Train).unwrap().classes().len(), 100);

        for (folder, classes) in [("digits", None), ("my-fashion", None), ("letters", Some("a\nb\n"))] {
            for part in ["train", "t10k"] {
                scratch.write(
                    &format!("{folder}/{part}-images-idx3-ubyte"),
                    b"\0\0\x08\x03\0\0\0\x01\0\0\0\x01\0\0\0\x01x",
                );
                scratch.write(&format!("{folder}/{part}-labels-idx1-ubyte"), b"\0\0\x08\x01\0\0\0\x01\x01");
            }
            if let Some(classes) = classes {
                scratch.write(&format!("{folder}/classes.txt"), classes.as_bytes());
            }
        }
        for (folder, class) in [("digits", "1"), ("my-fashion", "trouser"), ("letters", "b")] {
            assert_eq!(load_folder(&path(folder), Split::Test).unwrap().class_name(1), Some(class));
        }
    }

    #[test]
    fn a_folder_of_nothing_known_gets_a_hint() {
        let scratch = Scratch::new("folder-unknown");
        let error = || load_folder(scratch.path(), Split::Train).unwrap_err().to_string();
        assert!(error().contains("expected data_batch_1.bin"), "{}", error());
        scratch.write("data_batch_1", b"");
        assert!(error().contains("pickles"), "{}", error());
        scratch.write("data_batch_2.bin", b"");
        assert!(error().contains("data_batch_1.bin is missing"), "{}", error());
    }
}
