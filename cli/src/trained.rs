//! A run folder that has a trained model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use girih::plan::Variables;
use girih::tensor::HostTensor;
use girih::train::Checkpoint;

use crate::config::Config;
use crate::error::{told, usage};
use crate::run_folder::RunFolder;
use crate::task::Description;
use crate::task::images::ImageDescription;

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
        let asked = crate::args::name_of(config.model);
        if description.model() != asked {
            bail!("checkpoint {} is of another model: a {}, not {asked}", path.display(), description.words());
        }
        Ok(Self { config, description, checkpoint, path })
    }

    /// The model as an image classifier.
    ///
    /// # Errors
    /// It is none.
    pub fn images(&self) -> Result<&ImageDescription> {
        match &self.description {
            Description::Images(images) => Ok(images),
            other => usage(format!("it is a {}, not a classifier of images", other.words())),
        }
    }

    /// The values of its variables.
    #[must_use]
    pub fn values(&self) -> &BTreeMap<String, HostTensor> {
        &self.checkpoint.variables
    }

    /// The checkpoint, as errors name it.
    #[must_use]
    pub fn place(&self) -> String {
        format!("checkpoint {}", self.path.display())
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
