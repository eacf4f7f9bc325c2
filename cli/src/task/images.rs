//! Image classifiers.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use girih::data::{ChannelStats, ImageSet, Root};
use girih::nn::models::Model;
use girih::train::{ImageModel, ImageTask};

use super::{DATA, Description, Entries, MODEL, Subject, check_same_model, json};
use crate::config::Config;
use crate::{dataset, engine};

/// Loads the images a run is about.
///
/// # Errors
/// They are not there or damaged.
pub fn load(root: &Root, config: &Config) -> Result<Subject> {
    let splits = dataset::load(root, &config.data, config.limit)?;
    let description = ImageDescription::new(engine::image_model(config.model)?, &config.data, &splits.train);
    let (train_count, test_count) = (splits.train.len(), splits.test.len());
    let task = Arc::new(ImageTask::new(description.image_model(), splits));
    Ok(Subject { task, trees: None, description: Description::Images(description), train_count, test_count })
}

/// What must be known of an image classifier beside its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageDescription {
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

const CLASSES: &str = "classes";
const SHAPE: &str = "shape";
const MEAN: &str = "mean";
const STD: &str = "std";

impl ImageDescription {
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
    pub fn of(entries: &Entries<'_>) -> Result<Self> {
        let name = entries.text(MODEL)?;
        let description = Self {
            model: Model::named(name).with_context(|| format!("it is of an unknown model, {name}"))?,
            data: entries.text(DATA)?.to_owned(),
            classes: entries.json(CLASSES)?,
            shape: entries.json(SHAPE)?,
            stats: ChannelStats { mean: entries.json(MEAN)?, std: entries.json(STD)? },
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

    /// Whether a run can go on from a checkpoint that has `saved`.
    ///
    /// # Errors
    /// It is another model, or it learnt from other images.
    pub fn check_resumed(&self, saved: &Self) -> Result<()> {
        let interface = |d: &Self| (d.model, d.shape, d.classes.len());
        check_same_model(&saved.words(), &self.words(), interface(saved) == interface(self))?;
        if (&saved.stats, &saved.classes) != (&self.stats, &self.classes) {
            bail!("was trained on other images: {} has changed since", self.data);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use girih::train::Checkpoint;

    fn description() -> ImageDescription {
        ImageDescription {
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
        assert_eq!(Description::of(&Checkpoint::load(&path).unwrap()).unwrap(), Description::Images(description()));
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
