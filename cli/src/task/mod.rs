//! What is trained, as the command line knows it: how its data is loaded, and what a checkpoint says of it. A file a
//! kind.

pub mod images;
pub mod series;
pub mod text;
pub mod trees;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use girih::data::{Root, SetKind};
use girih::train::{Checkpoint, Task, TreeTask};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::args::{Model, name_of};
use crate::config::Config;
use crate::error::usage;
use images::ImageDescription;
use series::SeriesDescription;
use text::TextDescription;
use trees::TreeDescription;

/// A task, loaded.
pub struct Subject {
    /// The task.
    pub task: Arc<dyn Task>,
    /// The same, of trees: more is told of how they are judged.
    pub trees: Option<Arc<TreeTask>>,
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
    let kind = Kind::of(config.model);
    if let Some(other) = Kind::of_data(&config.data).filter(|&other| other != kind) {
        let (model, data) = (name_of(config.model), &config.data);
        return usage(format!("{model} learns from {kind}, but {data} is {other}"));
    }
    match kind {
        Kind::Images => images::load(root, config),
        Kind::Text => text::load(root, config),
        Kind::Series => series::load(root, config),
        Kind::Trees => trees::load(root, config),
    }
}

/// What a model learns from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Labelled images.
    Images,
    /// A text.
    Text,
    /// Labelled series of measurements.
    Series,
    /// Labelled trees.
    Trees,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Images => "images",
            Self::Text => "text",
            Self::Series => "series",
            Self::Trees => "trees",
        })
    }
}

impl Kind {
    /// The kind of a model.
    #[must_use]
    pub fn of(model: Model) -> Self {
        match model {
            Model::Linear | Model::Mlp | Model::Cnn | Model::Resnet9 => Self::Images,
            Model::CharRnn | Model::CharLstm | Model::CharGru => Self::Text,
            Model::GruClassifier => Self::Series,
            Model::TreeLstm | Model::ChildSumTreeLstm | Model::Rntn => Self::Trees,
        }
    }

    /// The kind of a data set, where its name tells; a folder's does not.
    #[must_use]
    pub fn of_data(data: &str) -> Option<Self> {
        if data.starts_with("text:") {
            return Some(Self::Text);
        }
        let known = girih::data::KNOWN_SETS.iter().find(|set| set.name == data)?;
        match known.kind {
            SetKind::Images => Some(Self::Images),
            SetKind::Series => Some(Self::Series),
            SetKind::Trees => Some(Self::Trees),
            _ => None,
        }
    }

    /// Whether its models are recurrent.
    #[must_use]
    pub fn is_recurrent(self) -> bool {
        matches!(self, Self::Text | Self::Series)
    }

    /// The model to take where none is asked for.
    #[must_use]
    pub fn default_model(self) -> Model {
        match self {
            Self::Images => Model::Cnn,
            Self::Text => Model::CharLstm,
            Self::Series => Model::GruClassifier,
            Self::Trees => Model::TreeLstm,
        }
    }
}

/// What must be known of a model beside its weights, to use it without its data set. A checkpoint carries it.
#[derive(Clone, Debug, PartialEq)]
pub enum Description {
    /// An image classifier.
    Images(ImageDescription),
    /// A model of text.
    Text(TextDescription),
    /// A classifier of series.
    Series(SeriesDescription),
    /// A classifier of the nodes of trees.
    Trees(TreeDescription),
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
            Self::Text(text) => text.metadata(),
            Self::Series(series) => series.metadata(),
            Self::Trees(trees) => trees.metadata(),
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
        let model = model.with_context(|| format!("it is of an unknown model, {name}"))?;
        match Kind::of(model) {
            Kind::Images => ImageDescription::of(&entries).map(Self::Images),
            Kind::Text => TextDescription::of(model, &entries).map(Self::Text),
            Kind::Series => SeriesDescription::of(model, &entries).map(Self::Series),
            Kind::Trees => TreeDescription::of(model, &entries).map(Self::Trees),
        }
    }

    /// The model's name.
    #[must_use]
    pub fn model(&self) -> String {
        match self {
            Self::Images(images) => images.model.name().to_owned(),
            Self::Text(text) => name_of(text.model),
            Self::Series(series) => name_of(series.model),
            Self::Trees(trees) => name_of(trees.model),
        }
    }

    /// The model and its interface in words: `cnn for 3×32×32 images in 10 classes`.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Images(images) => images.words(),
            Self::Text(text) => text.words(),
            Self::Series(series) => series.words(),
            Self::Trees(trees) => trees.words(),
        }
    }

    /// The width of the images it is for; 0 where it is for none.
    #[must_use]
    pub fn image_width(&self) -> usize {
        match self {
            Self::Images(images) => images.shape[2],
            Self::Text(_) | Self::Series(_) | Self::Trees(_) => 0,
        }
    }

    /// Whether a run with this description can go on from a checkpoint that has `saved`.
    ///
    /// # Errors
    /// It is another model, or it learnt from other data.
    pub fn check_resumed(&self, saved: &Self) -> Result<()> {
        match (self, saved) {
            (Self::Images(own), Self::Images(saved)) => own.check_resumed(saved),
            (Self::Text(own), Self::Text(saved)) => own.check_resumed(saved),
            (Self::Series(own), Self::Series(saved)) => own.check_resumed(saved),
            (Self::Trees(own), Self::Trees(saved)) => own.check_resumed(saved),
            _ => check_same_model(&saved.words(), &self.words(), false),
        }
    }
}

/// The extents of a recurrent model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// Units of a layer.
    pub hidden: usize,
    /// Layers.
    pub layers: usize,
    /// What is dropped between them in training.
    pub dropout: f32,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{} units", self.layers, self.hidden)
    }
}

const HIDDEN: &str = "hidden";
const LAYERS: &str = "layers";
const DROPOUT: &str = "dropout";

impl Size {
    /// Of a run's settings, which have all of it where the model is recurrent.
    fn of(config: &Config) -> Self {
        let count = |value: Option<u32>| value.unwrap_or(1) as usize;
        let dropout = config.dropout.unwrap_or(0.0);
        Self { hidden: count(config.hidden), layers: count(config.layers), dropout }
    }

    fn describe(self, entries: &mut BTreeMap<String, String>) {
        entries.insert(HIDDEN.to_owned(), self.hidden.to_string());
        entries.insert(LAYERS.to_owned(), self.layers.to_string());
        entries.insert(DROPOUT.to_owned(), self.dropout.to_string());
    }

    fn described(entries: &Entries<'_>) -> Result<Self> {
        let (hidden, layers, dropout) = (entries.json(HIDDEN)?, entries.json(LAYERS)?, entries.json(DROPOUT)?);
        Ok(Self { hidden, layers, dropout })
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
