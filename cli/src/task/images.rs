//! A trained model: what a checkpoint says of itself, and a run folder that has one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use girih::data::{ChannelStats, ImageSet};
use girih::nn::models::Model;
use girih::plan::Variables;
use girih::train::{Checkpoint, ImageModel};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::Config;
use crate::error::told;
use crate::run_folder::RunFolder;

/// What must be known of a model beside its weights, to use it without its data set. A checkpoint carries it.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// The network.
    pub model: Model,
    /// The data set it learnt from.
    pub data: String,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// `[C, H, W]` of an image.
    pub shape: [usize; 3],
    /// How images are normalised.
    pub stats: ChannelStats,
}

const MODEL: &str = "model";
const DATA: &str = "data";
const CLASSES: &str = "classes";
const SHAPE: &str = "shape";
const MEAN: &str = "mean";
const STD: &str = "std";

impl Description {
    /// Of a model that is to learn from `set`.
    #[must_use]
    pub fn new(model: Model, data: &str, set: &ImageSet) -> Self {
        Self {
            model,
            data: data.to_owned(),
            classes: set.classes().to_vec(),
            shape: set.shape(),
            stats: set.channel_stats(),
        }
    }

    /// As a checkpoint carries it.
    ///
    /// # Errors
    /// None is known.
    pub fn metadata(&self) -> Result<BTreeMap<String, String>> {
        fn json(value: &impl Serialize) -> Result<String> {
            serde_json::to_string(value).context("the model cannot be described")
        }
        Ok(BTreeMap::from([
            (MODEL.to_owned(), self.model.name().to_owned()),
            (DATA.to_owned(), self.data.clone()),
            (CLASSES.to_owned(), json(&self.classes)?),
            (SHAPE.to_owned(), json(&self.shape)?),
            (MEAN.to_owned(), json(&self.stats.mean)?),
            (STD.to_owned(), json(&self.stats.std)?),
        ]))
    }

    /// What a checkpoint says of itself.
    ///
    /// # Errors
    /// It says too little, or what cannot be.
    pub fn of(checkpoint: &Checkpoint) -> Result<Self> {
        let metadata = &checkpoint.metadata;
        let text = |key: &str| metadata.get(key).with_context(|| format!("it does not say its {key}"));
        fn json<T: DeserializeOwned>(key: &str, text: &str) -> Result<T> {
            serde_json::from_str(text).with_context(|| format!("its entry {key} does not read"))
        }
        let name = text(MODEL)?;
        let description = Self {
            model: Model::named(name).with_context(|| format!("it is of an unknown model, {name}"))?,
            data: text(DATA)?.clone(),
            classes: json(CLASSES, text(CLASSES)?)?,
            shape: json(SHAPE, text(SHAPE)?)?,
            stats: ChannelStats { mean: json(MEAN, text(MEAN)?)?, std: json(STD, text(STD)?)? },
        };
        let [channels, ..] = description.shape;
        let stats = &description.stats;
        if stats.mean.len() != channels || stats.std.len() != channels {
            bail!("it normalises {} channels of {channels}", stats.mean.len());
        }
        Ok(description)
    }

    /// The network itself.
    #[must_use]
    pub fn image_model(&self) -> ImageModel {
        let classes = self.classes.len();
        ImageModel { layers: self.model.layers(classes), shape: self.shape, classes, stats: self.stats.clone() }
    }

    /// The network and its interface in words: `cnn for 3×32×32 images in 10 classes`.
    #[must_use]
    pub fn words(&self) -> String {
        let [c, h, w] = self.shape;
        format!("{} for {c}×{h}×{w} images in {} classes", self.model.name(), self.classes.len())
    }

    /// Whether the model can be judged by the images of `set`.
    ///
    /// # Errors
    /// They are of another size, or of another number of classes.
    pub fn check(&self, set: &ImageSet) -> Result<()> {
        let ([c, h, w], classes) = (set.shape(), set.classes().len());
        if set.shape() != self.shape || classes != self.classes.len() {
            bail!("{} has {c}×{h}×{w} images in {classes} classes, but the model is a {}", set.name(), self.words());
        }
        Ok(())
    }
}

/// A run folder's model.
#[derive(Debug)]
pub struct Trained {
    /// The settings of the run.
    pub config: Config,
    /// The model.
    pub description: Description,
    checkpoint: Checkpoint,
    path: PathBuf,
}

impl Trained {
    /// Reads the run folder `run`.
    ///
    /// # Errors
    /// It is none, or its checkpoint is missing or damaged.
    pub fn open(run: &Path) -> Result<Self> {
        let (folder, config) = RunFolder::open(run)?;
        let path = folder.checkpoint();
        let Some(checkpoint) = folder.read_checkpoint()? else {
            bail!("{} has no checkpoint: training stopped before it saved one", run.display());
        };
        let description = Description::of(&checkpoint).with_context(|| format!("checkpoint {}", path.display()))?;
        if description.model != config.model.into() {
            let asked = crate::args::name_of(config.model);
            bail!("checkpoint {} is of another model: a {}, not {asked}", path.display(), description.words());
        }
        Ok(Self { config, description, checkpoint, path })
    }

    /// Gives `variables` the values of the checkpoint.
    ///
    /// # Errors
    /// The checkpoint is of another model.
    pub fn restore(&self, variables: &Variables) -> Result<()> {
        variables.restore(&self.checkpoint.variables).map_err(|e| other_model(&self.path, &self.description, &e))
    }
}

/// The error of weights that do not fit their description.
#[must_use]
pub fn other_model(checkpoint: &Path, description: &Description, why: &girih::plan::PlanError) -> anyhow::Error {
    anyhow!("checkpoint {}: not the weights of a {}: {why}", checkpoint.display(), description.words())
}

impl RunFolder {
    /// The run's checkpoint; none before the first was saved.
    ///
    /// # Errors
    /// It does not read.
    pub fn read_checkpoint(&self) -> Result<Option<Checkpoint>> {
        let path = self.checkpoint();
        // A link to nowhere is a checkpoint that does not read.
        if path.symlink_metadata().is_err() {
            return Ok(None);
        }
        Checkpoint::load(&path).map(Some).map_err(told)
    }

    /// Writes the run's checkpoint, whole or not at all.
    ///
    /// # Errors
    /// The folder cannot be written or the disk is full.
    pub fn write_checkpoint(&self, mut checkpoint: Checkpoint, description: &Description) -> Result<()> {
        checkpoint.metadata = description.metadata()?;
        checkpoint.save(&self.checkpoint()).map_err(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description() -> Description {
        Description {
            model: Model::Cnn,
            data: "a set".into(),
            classes: vec!["a \"cat\"".into(), "船".into()],
            shape: [2, 8, 9],
            stats: ChannelStats { mean: vec![0.1, 1.0 / 3.0], std: vec![f32::MIN_POSITIVE, 0.25] },
        }
    }

    #[test]
    fn a_checkpoint_describes_its_model() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("c.safetensors");
        let checkpoint = Checkpoint { metadata: description().metadata().unwrap(), ..Checkpoint::default() };
        checkpoint.save(&path).unwrap();
        assert_eq!(Description::of(&Checkpoint::load(&path).unwrap()).unwrap(), description());
    }

    #[test]
    fn a_description_that_cannot_be_is_refused() {
        for (key, value, words) in [
            (MODEL, "vgg", "unknown model"),
            (SHAPE, "[1, 2]", "entry shape does not read"),
            (MEAN, "[0.5]", "1 channels of 2"),
            (CLASSES, "", "entry classes does not read"),
        ] {
            let mut checkpoint = Checkpoint { metadata: description().metadata().unwrap(), ..Checkpoint::default() };
            checkpoint.metadata.insert(key.into(), value.into());
            let error = format!("{:#}", Description::of(&checkpoint).unwrap_err());
            assert!(error.contains(words), "{error}");
            checkpoint.metadata.remove(key);
            assert!(Description::of(&checkpoint).unwrap_err().to_string().contains(key));
        }
    }
}
