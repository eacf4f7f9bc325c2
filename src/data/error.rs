//! What can be wrong with data, in words a person can act on.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// An error of the data room. Each names the file or the argument, what was expected and what was found.
#[derive(Debug)]
#[non_exhaustive]
pub enum DataError {
    /// The operating system refused.
    Io {
        /// What was tried, as in "could not *read*".
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// Its answer.
        source: io::Error,
    },
    /// A file that the format needs is not there.
    Missing {
        /// The file, under its first spelling.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// The folder holds none of the formats known here.
    Unrecognised {
        /// The folder.
        folder: PathBuf,
        /// What might help.
        hint: &'static str,
    },
    /// A file has the wrong length.
    Length {
        /// The file.
        path: PathBuf,
        /// The length it should have, in words.
        expected: String,
        /// Its length in bytes (decompressed, for a `.gz`).
        found_bytes: u64,
    },
    /// A file does not start as its format does.
    Magic {
        /// The file.
        path: PathBuf,
        /// The first four bytes it should have, big-endian.
        expected: u32,
        /// The first four bytes it has.
        found: u32,
    },
    /// A label names no class.
    Label {
        /// The file.
        path: PathBuf,
        /// The number of the record in the file, from 0.
        record: usize,
        /// The label.
        label: u32,
        /// How many classes there are.
        class_count: usize,
    },
    /// An image file and its label file disagree.
    Count {
        /// The image file.
        images: PathBuf,
        /// How many images it holds.
        image_count: usize,
        /// The label file.
        labels: PathBuf,
        /// How many labels it holds.
        label_count: usize,
    },
    /// A file of class names cannot be used.
    Names {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// A data set does not hold together.
    Set {
        /// Its name.
        name: String,
        /// Why.
        problem: String,
    },
    /// A known set is not where it was looked for.
    Absent {
        /// Its name.
        set: &'static str,
        /// Every folder that was looked in.
        looked_in: Vec<PathBuf>,
    },
    /// A known set is there, but not whole.
    Damaged {
        /// Its name.
        set: &'static str,
        /// Where it is.
        folder: PathBuf,
        /// Which file, and what is wrong with it.
        problem: String,
    },
    /// A set that holds no images was asked for as images.
    NotImages {
        /// Its name.
        set: &'static str,
    },
    /// A text does not keep to its format.
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The character in the line, from 1.
        column: usize,
        /// What is wrong there.
        problem: String,
    },
    /// What was asked for as trees is neither a known set of them nor a folder.
    UnknownTrees {
        /// What was asked for.
        spec: String,
    },
    /// What was asked for is neither a known set nor a folder.
    UnknownSet {
        /// What was asked for.
        spec: String,
    },
    /// A folder to be written is there already.
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// A line of a text file is not as its format has it.
    Line {
        /// The file.
        path: PathBuf,
        /// The number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A character that a model of text does not know.
    Character {
        /// The character.
        character: char,
        /// Its place in the text, from 0.
        at: usize,
        /// How many characters the model knows.
        known: usize,
    },
    /// An argument out of range.
    Argument {
        /// Which.
        what: &'static str,
        /// What it is and what it may be.
        problem: String,
    },
    /// A thread could not start, or died.
    Thread {
        /// Which.
        what: &'static str,
        /// What it said.
        problem: String,
    },
}

impl DataError {
    /// For `map_err`: an input or output error of `action` ("read", "write") on `path`.
    pub(super) fn io<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { action, path, source } => write!(f, "could not {action} {}: {source}", path.display()),
            Self::Missing { path, what } => write!(f, "{} is missing: it should hold {what}", path.display()),
            Self::Unrecognised { folder, hint } => {
                write!(f, "{} holds neither CIFAR binary files nor IDX files: {hint}", folder.display())
            }
            Self::Length { path, expected, found_bytes } => {
                write!(f, "{} has {found_bytes} bytes, expected {expected}", path.display())
            }
            Self::Magic { path, expected, found } => {
                write!(f, "{} starts with {found:#010x}, expected {expected:#010x}", path.display())
            }
            Self::Label { path, record, label, class_count } => {
                let last = class_count.saturating_sub(1);
                write!(f, "{}, record {record}: label {label}, expected 0 to {last}", path.display())
            }
            Self::Count { images, image_count, labels, label_count } => {
                let (images, labels) = (images.display(), labels.display());
                write!(f, "{images} holds {image_count} images, but {labels} holds {label_count} labels")
            }
            Self::Names { path, problem } => write!(f, "{}: {problem}", path.display()),
            Self::Set { name, problem } => write!(f, "data set {name}: {problem}"),
            Self::Absent { set, looked_in } => {
                write!(f, "{set} is not there; looked in")?;
                for (number, folder) in looked_in.iter().enumerate() {
                    write!(f, "{} {}", if number == 0 { "" } else { "," }, folder.display())?;
                }
                Ok(())
            }
            Self::Damaged { set, folder, problem } => {
                write!(
                    f,
                    "{set} in {} is not whole: {problem} (to use it as it is, give that folder as a path)",
                    folder.display()
                )
            }
            Self::NotImages { set } => write!(f, "{set} is not a set of images"),
            Self::Syntax { path, line, column, problem } => {
                write!(f, "{}, line {line}, column {column}: {problem}", path.display())
            }
            Self::UnknownTrees { spec } => write!(f, "`{spec}` is neither a folder nor a set of trees: sst"),
            Self::UnknownSet { spec } => {
                let names = super::known::image_set_names().join(", ");
                write!(f, "`{spec}` is neither a folder nor one of {names}, synthetic (a text is text:FILE)")
            }
            Self::Exists { path } => write!(f, "{} is there already and not an empty folder", path.display()),
            Self::Line { path, line, problem } => write!(f, "{}, line {line}: {problem}", path.display()),
            Self::Character { character, at, known } => {
                write!(f, "character {}, {character:?}, is none of the {known} that the model knows", at + 1)
            }
            Self::Argument { what, problem } => write!(f, "{what}: {problem}"),
            Self::Thread { what, problem } => write!(f, "the {what} thread stopped: {problem}"),
        }
    }
}

impl Error for DataError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
