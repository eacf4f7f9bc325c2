//! Labelled parse trees: reading them, their words by number, and batches of them as tables.

mod forest;
mod read;
mod vocabulary;

pub use forest::{Forest, Order, Room};
pub use read::{parse_trees, read_trees};
pub use vocabulary::Vocabulary;

use super::DataError;
use super::known::{KNOWN_SETS, SetStatus};
use super::root::Root;
use std::path::{Path, PathBuf};

/// A parse tree whose nodes have a label each.
///
/// Its nodes are numbered so that children come before their parents, from left to right; the root is the last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    nodes: Vec<Node>,
}

/// A node of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its class; none where the text has `?`.
    pub label: Option<u32>,
    /// What it is over.
    pub over: Over,
}

/// What a node is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Over {
    /// A word: a leaf.
    Word(String),
    /// Nodes, at least one, by number.
    Children(Vec<u32>),
}

impl Tree {
    /// The nodes, children before parents, the root last.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The number of the root.
    pub fn root(&self) -> usize {
        self.nodes.len().saturating_sub(1)
    }

    /// The words, from left to right.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().filter_map(|node| match &node.over {
            Over::Word(word) => Some(word.as_str()),
            Over::Children(_) => None,
        })
    }

    /// The most children of a node.
    pub fn arity(&self) -> usize {
        let children = |node: &Node| if let Over::Children(children) = &node.over { children.len() } else { 0 };
        self.nodes.iter().map(children).max().unwrap_or(0)
    }

    /// How far each node is above the lowest leaf below it on its longest way down; 0 for a leaf.
    pub fn heights(&self) -> Vec<u32> {
        let mut heights: Vec<u32> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            heights.push(match &node.over {
                Over::Word(_) => 0,
                Over::Children(children) => 1 + children.iter().map(|&c| heights[c as usize]).max().unwrap_or(0),
            });
        }
        heights
    }

    /// An unlabelled tree over the words of a sentence, each joined with all that follow it, as English mostly branches:
    /// for sentences that nobody has parsed. `None` when there are no words.
    pub fn branching_right(sentence: &str) -> Option<Self> {
        let leaf = |word: &str| Node { label: None, over: Over::Word(word.to_owned()) };
        let mut nodes: Vec<Node> = sentence.split_whitespace().map(leaf).collect();
        let count = nodes.len() as u32;
        for joined in 1..count {
            let right = if joined == 1 { count - 1 } else { count + joined - 2 };
            nodes.push(Node { label: None, over: Over::Children(vec![count - 1 - joined, right]) });
        }
        (count > 0).then_some(Self { nodes })
    }
}

/// A part of a set of trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// To learn from: `train.txt`.
    Train,
    /// To choose by: `dev.txt`.
    Dev,
    /// To be judged by: `test.txt`.
    Test,
}

impl Part {
    /// The name of its file, without the ending.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Dev => "dev",
            Self::Test => "test",
        }
    }

    /// The part of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Train, Self::Dev, Self::Test].into_iter().find(|part| part.name() == name)
    }
}

/// The classes of the Stanford Sentiment Treebank, whose labels are 0 to 4.
pub const SENTIMENTS: [&str; 5] = ["very negative", "negative", "neutral", "positive", "very positive"];

impl Root {
    /// Loads a part of a set of trees: `sst`, or the path of a folder with `train.txt`, `dev.txt` and `test.txt`, each
    /// of trees as [`read_trees`] takes them, labelled 0 to 4.
    ///
    /// # Errors
    /// [`DataError::UnknownTrees`] when `spec` is neither, else what finding and reading it gives.
    pub fn load_trees(&self, spec: &str, part: Part) -> Result<Vec<Tree>, DataError> {
        read_trees(&self.trees_folder(spec)?.join(part.name()).with_extension("txt"), SENTIMENTS.len() as u32)
    }

    fn trees_folder(&self, spec: &str) -> Result<PathBuf, DataError> {
        let known = KNOWN_SETS.iter().find(|set| set.name == spec && set.kind == super::SetKind::Trees);
        let Some(set) = known else {
            let path = Path::new(spec);
            let is_there = path.is_dir();
            return if is_there { Ok(path.to_owned()) } else { Err(DataError::UnknownTrees { spec: spec.to_owned() }) };
        };
        match set.status(self.path()) {
            SetStatus::Whole { folder, .. } => Ok(folder),
            SetStatus::Damaged { folder, problem } => Err(DataError::Damaged { set: set.name, folder, problem }),
            SetStatus::Absent => Err(DataError::Absent { set: set.name, looked_in: set.folders(self.path()) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::scratch::Scratch;

    #[test]
    fn a_sentence_branches_to_the_right() {
        let tree = Tree::branching_right(" a fine  film ").unwrap();
        assert_eq!(tree.words().collect::<Vec<_>>(), ["a", "fine", "film"]);
        let children: Vec<_> = tree.nodes()[3..].iter().map(|node| node.over.clone()).collect();
        assert_eq!(children, [Over::Children(vec![1, 2]), Over::Children(vec![0, 3])]);
        assert_eq!((tree.heights(), tree.arity(), tree.root()), (vec![0, 0, 0, 1, 2], 2, 4));
        assert_eq!(Tree::branching_right("one").unwrap().nodes().len(), 1);
        assert_eq!(Tree::branching_right(" \n"), None);
    }

    #[test]
    fn parts_are_found_by_name_or_folder() {
        let scratch = Scratch::new("trees");
        let root = Root::find(Some(scratch.path()));
        assert!(matches!(root.load_trees("sst", Part::Dev), Err(DataError::Absent { set: "sst", .. })));
        for part in ["train", "dev", "test"] {
            scratch.write(&format!("sst/{part}.txt"), format!("(3 (2 {part}) (4 good))\n").as_bytes());
        }
        let words = |tree: &Tree| tree.words().next().map(str::to_owned);
        assert_eq!(words(&root.load_trees("sst", Part::Dev).unwrap()[0]).unwrap(), "dev");
        let folder = scratch.path().join("sst");
        let trees = root.load_trees(folder.to_str().unwrap(), Part::Test).unwrap();
        assert_eq!(words(&trees[0]).unwrap(), "test");
        let error = root.load_trees("cifar10", Part::Test).unwrap_err().to_string();
        assert_eq!(error, "`cifar10` is neither a folder nor a set of trees: sst");
        scratch.write("sst/dev.txt", b"(3 (2 a) (9 b))");
        let error = root.load_trees("sst", Part::Dev).unwrap_err().to_string();
        assert!(error.ends_with("dev.txt, line 1, column 11: label 9, expected 0 to 4"), "{error}");
    }
}
