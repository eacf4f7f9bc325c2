//! Classifiers of the nodes of trees.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Result, bail};
use girih::data::Root;
use girih::data::trees::{Part, SENTIMENTS, Tree, Vocabulary};
use girih::nn::models::TreeNet;
use girih::ops::tree::Cell;
use girih::train::TreeTask;

use super::{DATA, Description, Entries, MODEL, Subject, check_same_model, json};
use crate::args::{Model, name_of};
use crate::config::Config;
use crate::engine::failed;
use crate::error::told;

/// Words that training meets less often are unknown ones.
const LEAST: u32 = 2;

/// Loads the trees a run is about.
///
/// # Errors
/// They are not there, do not read, or have nodes with more children than the model takes.
pub fn load(root: &Root, config: &Config) -> Result<Subject> {
    let part = |part| root.load_trees(&config.data, part).map_err(told);
    let (mut train, test) = (part(Part::Train)?, part(Part::Test)?);
    if let Some(limit) = config.limit {
        train.truncate(limit as usize);
    }
    let vocabulary = Vocabulary::of_trees(&train, LEAST);
    // A sum over children takes as many as there are; the other cells are for two.
    let arity = match config.model {
        Model::ChildSumTreeLstm => most_children(&train).max(most_children(&test)).max(2),
        _ => 2,
    };
    let description =
        TreeDescription { model: config.model, data: config.data.clone(), arity, words: vocabulary.words().to_vec() };
    let nodes = |trees: &[Tree]| trees.iter().map(|tree| tree.nodes().len()).sum();
    let (train_count, test_count) = (nodes(&train), nodes(&test));
    let task = Arc::new(TreeTask::new(description.net(), vocabulary, train, test).map_err(failed)?);
    let trees = Some(Arc::clone(&task));
    Ok(Subject { task, trees, description: Description::Trees(description), train_count, test_count })
}

fn most_children(trees: &[Tree]) -> usize {
    trees.iter().map(Tree::arity).max().unwrap_or(0)
}

/// What must be known of a classifier of trees beside its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeDescription {
    /// The network.
    pub model: Model,
    /// The data set it learnt from.
    pub data: String,
    /// The most children of a node.
    pub arity: usize,
    /// The words it knows.
    pub words: Vec<String>,
}

const ARITY: &str = "arity";
const WORDS: &str = "words";

impl TreeDescription {
    /// As a checkpoint carries it.
    ///
    /// # Errors
    /// None is known.
    pub fn metadata(&self) -> Result<BTreeMap<String, String>> {
        Ok(BTreeMap::from([
            (MODEL.to_owned(), name_of(self.model)),
            (DATA.to_owned(), self.data.clone()),
            (ARITY.to_owned(), self.arity.to_string()),
            (WORDS.to_owned(), json(&self.words)?),
        ]))
    }

    /// What a checkpoint says of itself.
    ///
    /// # Errors
    /// It says too little, or what cannot be.
    pub fn of(model: Model, entries: &Entries<'_>) -> Result<Self> {
        let arity = entries.json(ARITY)?;
        Ok(Self { model, data: entries.text(DATA)?.to_owned(), arity, words: entries.json(WORDS)? })
    }

    /// The words by number.
    #[must_use]
    pub fn vocabulary(&self) -> Vocabulary {
        Vocabulary::new(self.words.clone())
    }

    /// The network itself.
    #[must_use]
    pub fn net(&self) -> TreeNet {
        self.net_for(&[])
    }

    /// The network for these trees: a sum over children has the same weights for any number of them.
    #[must_use]
    pub fn net_for(&self, trees: &[Tree]) -> TreeNet {
        let arity = match self.model {
            Model::ChildSumTreeLstm => most_children(trees).max(self.arity),
            _ => self.arity,
        };
        let (cell, hidden, embedding, dropout) = match self.model {
            Model::Rntn => (Cell::Tensor, 28, 28, 0.0),
            Model::ChildSumTreeLstm => (Cell::ChildSumLstm, 100, 100, 0.5),
            _ => (Cell::NaryLstm, 100, 100, 0.5),
        };
        let (vocabulary, classes) = (self.words.len() + 1, SENTIMENTS.len());
        TreeNet { cell, arity, vocabulary, embedding, hidden, classes, dropout }
    }

    /// The network and its interface in words: `tree-lstm for trees of 8,216 words in 5 classes`.
    #[must_use]
    pub fn words(&self) -> String {
        let words = crate::table::count(self.words.len() as u64);
        format!("{} for trees of {words} words in {} classes", name_of(self.model), SENTIMENTS.len())
    }

    /// Whether a run can go on from a checkpoint that has `saved`.
    ///
    /// # Errors
    /// It is another model, or it learnt from other trees.
    pub fn check_resumed(&self, saved: &Self) -> Result<()> {
        let interface = |d: &Self| (d.model, d.arity, d.words.len());
        check_same_model(&saved.words(), &self.words(), interface(saved) == interface(self))?;
        if saved.words != self.words {
            bail!("was trained on other trees: {} has changed since", self.data);
        }
        Ok(())
    }
}
