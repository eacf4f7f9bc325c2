//! Classifiers of series.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Result, bail};
use girih::data::{Root, SeriesSet, Split};
use girih::nn::models::SeriesClassifier;
use girih::ops::recurrent::Cell;
use girih::train::SeriesTask;

use super::{DATA, Description, Entries, MODEL, Size, Subject, check_same_model, json};
use crate::args::{Model, name_of};
use crate::config::Config;
use crate::error::told;

/// What must be known of a classifier of series beside its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesDescription {
    /// Its name on the command line.
    pub model: Model,
    /// The data set it learnt from.
    pub data: String,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// The mean of each dimension.
    pub mean: Vec<f32>,
    /// The deviation of each dimension.
    pub deviation: Vec<f32>,
    /// Its extents.
    pub size: Size,
}

const CLASSES: &str = "classes";
const MEAN: &str = "mean";
const DEVIATION: &str = "std";

/// Loads the series a run is about.
///
/// # Errors
/// They are not there or damaged.
pub fn load(root: &Root, config: &Config) -> Result<Subject> {
    let mut train = root.load_series(&config.data, Split::Train).map_err(told)?;
    let test = root.load_series(&config.data, Split::Test).map_err(told)?;
    if let Some(limit) = config.limit {
        train.series.truncate(limit as usize);
        train.labels.truncate(limit as usize);
    }
    let (mean, deviation) = train.stats();
    let description = SeriesDescription {
        model: config.model,
        data: config.data.clone(),
        classes: train.classes.clone(),
        mean,
        deviation,
        size: Size::of(config),
    };
    let (train_count, test_count) = (train.len(), test.len());
    let task = Arc::new(description.task(Arc::new(train), Arc::new(test))?);
    Ok(Subject { task, trees: None, description: Description::Series(description), train_count, test_count })
}

impl SeriesDescription {
    /// Learning from `train`, being judged by `test`.
    ///
    /// # Errors
    /// They do not fit each other or the model.
    pub fn task(&self, train: Arc<SeriesSet>, test: Arc<SeriesSet>) -> Result<SeriesTask> {
        if test.classes.len() != self.classes.len() || test.dimensions != self.mean.len() {
            let (dimensions, classes) = (test.dimensions, test.classes.len());
            bail!(
                "{} has {dimensions} dimensions and {classes} classes, but the model is a {}",
                test.name,
                self.words()
            );
        }
        if test.classes != self.classes {
            let [found, known] = [&test.classes, &self.classes].map(|names| names.join(", "));
            bail!("the classes of {} are {found}, but the model's are {known}", test.name);
        }
        let Size { hidden, layers, dropout } = self.size;
        let classes = self.classes.len();
        let model = SeriesClassifier { cell: Cell::GruResetAfter, classes, hidden, layers, dropout };
        SeriesTask::new(model, train, test, (self.mean.clone(), self.deviation.clone())).map_err(told)
    }

    /// As a checkpoint carries it.
    ///
    /// # Errors
    /// None is known.
    pub fn metadata(&self) -> Result<BTreeMap<String, String>> {
        let mut entries = BTreeMap::from([
            (MODEL.to_owned(), name_of(self.model)),
            (DATA.to_owned(), self.data.clone()),
            (CLASSES.to_owned(), json(&self.classes)?),
            (MEAN.to_owned(), json(&self.mean)?),
            (DEVIATION.to_owned(), json(&self.deviation)?),
        ]);
        self.size.describe(&mut entries);
        Ok(entries)
    }

    /// What a checkpoint says of itself.
    ///
    /// # Errors
    /// It says too little, or what cannot be.
    pub fn of(model: Model, entries: &Entries<'_>) -> Result<Self> {
        let description = Self {
            model,
            data: entries.text(DATA)?.to_owned(),
            classes: entries.json(CLASSES)?,
            mean: entries.json(MEAN)?,
            deviation: entries.json(DEVIATION)?,
            size: Size::described(entries)?,
        };
        let (mean, deviation) = (description.mean.len(), description.deviation.len());
        if mean != deviation {
            bail!("it normalises {mean} dimensions by {deviation} deviations");
        }
        Ok(description)
    }

    /// The network and its interface in words.
    #[must_use]
    pub fn words(&self) -> String {
        let (dimensions, classes) = (self.mean.len(), self.classes.len());
        format!("{} of {} for {dimensions} dimensions in {classes} classes", name_of(self.model), self.size)
    }

    /// Whether a run can go on from a checkpoint that has `saved`.
    ///
    /// # Errors
    /// It is another model, or it learnt from other series.
    pub fn check_resumed(&self, saved: &Self) -> Result<()> {
        let interface = |d: &Self| (d.model, d.size, d.classes.len(), d.mean.len());
        check_same_model(&saved.words(), &self.words(), interface(saved) == interface(self))?;
        if (&saved.classes, &saved.mean, &saved.deviation) != (&self.classes, &self.mean, &self.deviation) {
            bail!("was trained on other series: {} has changed since", self.data);
        }
        Ok(())
    }
}
