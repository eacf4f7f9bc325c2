//! Models of text.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Result, bail};
use girih::data::{Root, TextSet, Vocabulary};
use girih::nn::models::CharModel;
use girih::ops::recurrent::Cell;
use girih::train::TextTask;

use super::{DATA, Description, Entries, MODEL, Size, Subject, check_same_model};
use crate::args::{Model, name_of};
use crate::config::Config;
use crate::error::told;

/// What must be known of a model of text beside its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct TextDescription {
    /// Its name on the command line.
    pub model: Model,
    /// The text it learnt from.
    pub data: String,
    /// The characters it knows.
    pub vocabulary: Vocabulary,
    /// Its extents.
    pub size: Size,
}

const VOCABULARY: &str = "vocabulary";

/// Loads the text a run is about.
///
/// # Errors
/// It is not there, is no UTF-8 or too short.
pub fn load(root: &Root, config: &Config) -> Result<Subject> {
    let mut text = root.text_file(&config.data).and_then(|path| TextSet::read(&path, None)).map_err(told)?;
    if let Some(limit) = config.limit {
        text.train.truncate(limit.max(2) as usize);
    }
    let size = Size::of(config);
    let description =
        TextDescription { model: config.model, data: config.data.clone(), vocabulary: text.vocabulary.clone(), size };
    let (train_count, test_count) = (text.train.len(), text.test.len());
    let task = Arc::new(description.task(text, config)?);
    Ok(Subject { task, trees: None, description: Description::Text(description), train_count, test_count })
}

impl TextDescription {
    /// As a checkpoint carries it.
    ///
    /// # Errors
    /// None is known.
    pub fn metadata(&self) -> Result<BTreeMap<String, String>> {
        let mut entries = BTreeMap::from([
            (MODEL.to_owned(), name_of(self.model)),
            (DATA.to_owned(), self.data.clone()),
            (VOCABULARY.to_owned(), self.vocabulary.text()),
        ]);
        self.size.describe(&mut entries);
        Ok(entries)
    }

    /// What a checkpoint says of itself.
    ///
    /// # Errors
    /// It says too little, or what cannot be.
    pub fn of(model: Model, entries: &Entries<'_>) -> Result<Self> {
        let vocabulary = Vocabulary::from_text(entries.text(VOCABULARY)?).map_err(told)?;
        Ok(Self { model, data: entries.text(DATA)?.to_owned(), vocabulary, size: Size::described(entries)? })
    }

    /// The network itself.
    ///
    /// # Errors
    /// The model is none of text.
    pub fn char_model(&self) -> Result<CharModel> {
        let cell = match self.model {
            Model::CharRnn => Cell::RnnTanh,
            Model::CharLstm => Cell::Lstm,
            Model::CharGru => Cell::GruResetAfter,
            other => bail!("{} is no model of text", name_of(other)),
        };
        let Size { hidden, layers, dropout } = self.size;
        Ok(CharModel { cell, characters: self.vocabulary.len(), hidden, layers, dropout })
    }

    /// Learning from `text`, as many characters a step as `config` has.
    ///
    /// # Errors
    /// The model is none of text.
    pub fn task(&self, text: TextSet, config: &Config) -> Result<TextTask> {
        Ok(TextTask::new(self.char_model()?, Arc::new(text), config.unroll.unwrap_or(1) as usize))
    }

    /// The network and its interface in words.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{} of {} for {} characters", name_of(self.model), self.size, self.vocabulary.len())
    }

    /// Whether a run can go on from a checkpoint that has `saved`.
    ///
    /// # Errors
    /// It is another model, or it learnt from another text.
    pub fn check_resumed(&self, saved: &Self) -> Result<()> {
        let interface = |d: &Self| (d.model, d.size, d.vocabulary.len());
        check_same_model(&saved.words(), &self.words(), interface(saved) == interface(self))?;
        if saved.vocabulary != self.vocabulary {
            bail!("was trained on other characters: {} has changed since", self.data);
        }
        Ok(())
    }
}
