//! Words by number.

use super::Tree;
use std::collections::{BTreeMap, HashMap};

/// The words that a model knows, in lower case, from number 1 on. Number 0 stands for all others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vocabulary {
    words: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Vocabulary {
    /// The number of a word that is not known.
    pub const UNKNOWN: u32 = 0;

    /// The words that `trees` have at least `least` times, the most frequent first. Rarer ones are left unknown, so that
    /// training meets unknown words too.
    pub fn of_trees(trees: &[Tree], least: u32) -> Self {
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        for word in trees.iter().flat_map(Tree::words) {
            *counts.entry(word.to_lowercase()).or_default() += 1;
        }
        let mut words: Vec<(String, u32)> = counts.into_iter().filter(|(_, count)| *count >= least).collect();
        words.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Self::new(words.into_iter().map(|(word, _)| word).collect())
    }

    /// Of these words, numbered from 1 on.
    pub fn new(words: Vec<String>) -> Self {
        let numbers = words.iter().cloned().zip(1..).collect();
        Self { words, numbers }
    }

    /// The words, number 1 first.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// How many numbers there are, that of unknown words included.
    pub fn size(&self) -> usize {
        self.words.len() + 1
    }

    /// The number of a word.
    pub fn number(&self, word: &str) -> u32 {
        self.numbers.get(&word.to_lowercase()).copied().unwrap_or(Self::UNKNOWN)
    }

    /// How many of the words of `trees` are unknown, and how many there are.
    pub fn count_unknown<'a>(&self, trees: impl IntoIterator<Item = &'a Tree>) -> (u64, u64) {
        let words = trees.into_iter().flat_map(Tree::words);
        words.fold((0, 0), |(unknown, all), word| (unknown + u64::from(self.number(word) == Self::UNKNOWN), all + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_words_are_unknown_and_counted() {
        let trees = ["The cat the dog", "the Cat sat"].map(|text| Tree::branching_right(text).unwrap());
        let vocabulary = Vocabulary::of_trees(&trees, 2);
        assert_eq!(vocabulary.words(), ["the", "cat"]);
        assert_eq!(vocabulary.size(), 3);
        assert_eq!(["THE", "cat", "sat"].map(|word| vocabulary.number(word)), [1, 2, Vocabulary::UNKNOWN]);
        assert_eq!(vocabulary.count_unknown(&trees), (2, 7));
        assert_eq!(Vocabulary::new(vocabulary.words().to_vec()), vocabulary);
    }
}
