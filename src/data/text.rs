//! Plain text as characters.

use super::{DataError, KNOWN_SETS, Root, SetStatus};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The characters a model of text knows, in order: a character's number is its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary(Vec<char>);

impl Vocabulary {
    /// The characters of `text`, each once, in Unicode's order.
    pub fn of(text: &str) -> Self {
        Self(text.chars().collect::<BTreeSet<char>>().into_iter().collect())
    }

    /// The characters of `text` in the order they come, as [`Vocabulary::text`] writes them.
    ///
    /// # Errors
    /// [`DataError::Set`] when there are none, or one comes twice.
    pub fn from_text(text: &str) -> Result<Self, DataError> {
        let characters: Vec<char> = text.chars().collect();
        let distinct: BTreeSet<char> = characters.iter().copied().collect();
        if characters.is_empty() || distinct.len() != characters.len() {
            let problem = "its characters are none, or one of them comes twice".to_owned();
            return Err(DataError::Set { name: "the vocabulary".to_owned(), problem });
        }
        Ok(Self(characters))
    }

    /// All characters, one after another.
    pub fn text(&self) -> String {
        self.0.iter().collect()
    }

    /// How many characters there are: at least one.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The character of this number.
    pub fn character(&self, number: u32) -> Option<char> {
        self.0.get(number as usize).copied()
    }

    /// The numbers of the characters of `text`.
    ///
    /// # Errors
    /// [`DataError::Character`] names the first character that is not among these, and where it is.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, DataError> {
        let numbers: BTreeMap<char, u32> = self.0.iter().copied().zip(0..).collect();
        let number = |(at, character)| {
            let unknown = DataError::Character { character, at, known: self.0.len() };
            numbers.get(&character).copied().ok_or(unknown)
        };
        text.chars().enumerate().map(number).collect()
    }
}

/// A text, cut into what is learnt and what is judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextSet {
    /// The characters there are.
    pub vocabulary: Vocabulary,
    /// The first nine tenths, as numbers.
    pub train: Vec<u32>,
    /// The last tenth.
    pub test: Vec<u32>,
}

/// What part of a text is judged by: one in so many.
const TEST_SHARE: usize = 10;

impl TextSet {
    /// Of a text; its last tenth is the test part.
    ///
    /// # Errors
    /// [`DataError::Set`] when the text is too short to have two parts with a character and one to follow it each.
    pub fn new(name: &str, text: &str) -> Result<Self, DataError> {
        Self::with_vocabulary(name, text, Vocabulary::of(text))
    }

    /// Of a text for a model that knows the characters of `vocabulary`.
    ///
    /// # Errors
    /// [`DataError::Character`] when the text has another one, or as [`TextSet::new`].
    pub fn with_vocabulary(name: &str, text: &str, vocabulary: Vocabulary) -> Result<Self, DataError> {
        let numbers = vocabulary.encode(text)?;
        let test_count = numbers.len() / TEST_SHARE;
        if test_count < 2 {
            let problem = format!("{} characters, {} or more wanted", numbers.len(), 2 * TEST_SHARE);
            return Err(DataError::Set { name: name.to_owned(), problem });
        }
        let (train, test) = numbers.split_at(numbers.len() - test_count);
        Ok(Self { vocabulary, train: train.to_vec(), test: test.to_vec() })
    }

    /// Reads a file of UTF-8; for a model that knows `vocabulary`, or else all that is in it.
    ///
    /// # Errors
    /// [`DataError::Io`] when it does not read, [`DataError::Line`] when it is not UTF-8, or as
    /// [`TextSet::with_vocabulary`].
    pub fn read(path: &Path, vocabulary: Option<&Vocabulary>) -> Result<Self, DataError> {
        let bytes = fs::read(path).map_err(DataError::io("read", path))?;
        let text = utf8(path, &bytes)?;
        let vocabulary = vocabulary.cloned().unwrap_or_else(|| Vocabulary::of(text));
        Self::with_vocabulary(&path.display().to_string(), text, vocabulary).map_err(|error| match error {
            DataError::Character { character, at, known } => {
                let line = text.chars().take(at).filter(|&c| c == '\n').count() + 1;
                let problem = format!("{character:?} is none of the {known} characters that the model knows");
                DataError::Line { path: path.to_owned(), line, problem }
            }
            error => error,
        })
    }
}

/// The text of a file, without the mark that some editors begin one with.
pub(super) fn utf8<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a str, DataError> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count() + 1;
        DataError::Line { path: path.to_owned(), line, problem: "it is not UTF-8".to_owned() }
    })
}

impl Root {
    /// The file of a text: `text:` and a known set's name, such as `text:tinyshakespeare`, or a path.
    ///
    /// # Errors
    /// [`DataError::Absent`] or [`DataError::Damaged`] of a known set, else [`DataError::UnknownSet`] when `spec` does
    /// not begin with `text:`.
    pub fn text_file(&self, spec: &str) -> Result<PathBuf, DataError> {
        if let Some(set) = KNOWN_SETS.iter().find(|set| set.name == spec) {
            return match set.status(self.path()) {
                SetStatus::Whole { folder, .. } => Ok(folder.join("input.txt")),
                SetStatus::Damaged { folder, problem } => Err(DataError::Damaged { set: set.name, folder, problem }),
                SetStatus::Absent => Err(DataError::Absent { set: set.name, looked_in: set.folders(self.path()) }),
            };
        }
        spec.strip_prefix("text:").map(PathBuf::from).ok_or_else(|| DataError::UnknownSet { spec: spec.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::scratch::Scratch;

    #[test]
    fn characters_are_numbered_in_order() {
        let vocabulary = Vocabulary::of("bañb船a");
        assert_eq!((vocabulary.text().as_str(), vocabulary.len()), ("abñ船", 4));
        assert_eq!(vocabulary.encode("船ab").unwrap(), [3, 0, 1]);
        assert_eq!((vocabulary.character(2), vocabulary.character(4)), (Some('ñ'), None));
        assert_eq!(Vocabulary::from_text("ba").unwrap().encode("ab").unwrap(), [1, 0]);
        for text in ["", "aba"] {
            assert!(Vocabulary::from_text(text).is_err());
        }
        let error = vocabulary.encode("ab?").unwrap_err().to_string();
        assert_eq!(error, "character 3, '?', is none of the 4 that the model knows");
    }

    #[test]
    fn the_last_tenth_is_the_test() {
        let set = TextSet::new("t", &"abcdefghij".repeat(3)).unwrap();
        assert_eq!((set.train.len(), set.test.as_slice()), (27, &[7, 8, 9][..]));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let scratch = Scratch::new("text");
        for (bytes, words) in [
            (&b""[..], "0 characters, 20 or more wanted"),
            (b"nineteen characters", "19 characters"),
            (b"one\ntwo\xff", "line 2: it is not UTF-8"),
        ] {
            let error = TextSet::read(&scratch.write("t.txt", bytes), None).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("t.txt"), "{error}");
        }
        assert!(matches!(TextSet::read(&scratch.path().join("none"), None), Err(DataError::Io { .. })));
        let root = Root::find(Some(scratch.path()));
        assert_eq!(root.text_file("text:a.txt").unwrap(), PathBuf::from("a.txt"));
        assert!(matches!(root.text_file("text:tinyshakespeare"), Err(DataError::Absent { .. })));
        assert!(matches!(root.text_file("cifar11"), Err(DataError::UnknownSet { .. })));
    }
}
