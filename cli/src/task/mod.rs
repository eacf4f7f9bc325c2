//! What is trained, as the command line knows it: how its data is loaded, and what a checkpoint says of it. A file a
//! kind.

pub mod images;

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use girih::data::Root;
use girih::train::{Checkpoint, Task};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::args::Model;
use crate::config::Config;
use images::ImageDescription;

/// A task, loaded.
pub struct Subject {
    /// The task.
    pub task: Arc<dyn Task>,
    /// What a checkpoint says of its model.
    pub description: Description,
    /// Examples to learn from, in the task's unit.
    pub train_count: usize,
    /// Examples to be judged by.
    pub test_count: usize,
}

/// Loads what a run is about.
///
/// # Errors
/// The data is not there, is damaged, or is of another kind than the model's.
pub fn load(root: &Root, config: &Config) -> Result<Subject> {
    match Kind::of(config.model) {
        Kind::Images => images::load(root, config),
    }
}

/// What a model learns from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Labelled images.
    Images,
}

impl Kind {
    /// The kind of a model.
    #[must_use]
    pub fn of(model: Model) -> Self {
        match model {
            Model::Linear | Model::Mlp | Model::Cnn | Model::Resnet9 => Self::Images,
        }
    }
}

/// What must be known of a model beside its weights, to use it without its data set. A checkpoint carries it.
#[derive(Clone, Debug, PartialEq)]
pub enum Description {
    /// An image classifier.
    Images(ImageDescription),
}

const MODEL: &str = "model";
const DATA: &str = "data";

impl Description {
    /// As a checkpoint carries it.
    ///
    /// # Errors
    /// None is known.
    pub fn metadata(&self) -> Result<BTreeMap<String, String>> {
        match self {
            Self::Images(images) => images.metadata(),
        }
    }

    /// What a checkpoint says of itself.
    ///
    /// # Errors
    /// It says too little, or what cannot be.
    pub fn of(checkpoint: &Checkpoint) -> Result<Self> {
        let entries = Entries(&checkpoint.metadata);
        let name = entries.text(MODEL)?;
        let model = <Model as clap::ValueEnum>::from_str(name, false).ok();
        match Kind::of(model.with_context(|| format!("it is of an unknown model, {name}"))?) {
            Kind::Images => ImageDescription::of(&entries).map(Self::Images),
        }
    }

    /// The model's name.
    #[must_use]
    pub fn model(&self) -> &'static str {
        match self {
            Self::Images(images) => images.model.name(),
        }
    }

    /// The model and its interface in words: `cnn for 3×32×32 images in 10 classes`.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Images(images) => images.words(),
        }
    }

    /// The width of the images it is for; 0 where it is for none.
    #[must_use]
    pub fn image_width(&self) -> usize {
        match self {
            Self::Images(images) => images.shape[2],
        }
    }

    /// Whether a run with this description can go on from a checkpoint that has `saved`.
    ///
    /// # Errors
    /// It is another model, or it learnt from other data.
    pub fn check_resumed(&self, saved: &Self) -> Result<()> {
        match (self, saved) {
            (Self::Images(own), Self::Images(saved)) => own.check_resumed(saved),
        }
    }
}

/// What a checkpoint's metadata says, entry by entry.
pub struct Entries<'a>(&'a BTreeMap<String, String>);

impl<'a> Entries<'a> {
    fn text(&self, key: &str) -> Result<&'a str> {
        self.0.get(key).map(String::as_str).with_context(|| format!("it does not say its {key}"))
    }

    fn json<T: DeserializeOwned>(&self, key: &str) -> Result<T> {
        serde_json::from_str(self.text(key)?).with_context(|| format!("its entry {key} does not read"))
    }
}

/// A value as metadata holds it.
fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).context("the model cannot be described")
}

/// The error of two descriptions of one kind whose models differ.
fn check_same_model(saved: &str, own: &str, is_same: bool) -> Result<()> {
    if is_same { Ok(()) } else { bail!("is of another model: {saved}, not {own}") }
}
