//! The fit loop over a data set.

use std::sync::Arc;

use super::checkpoint::Checkpoint;
use super::evaluator::Evaluator;
use super::graphs::{Hyperparameters, ImageModel, Images};
use super::learner::Learner;
use super::limits::explain_training;
use super::metrics::Metrics;
use super::pictures::{feed, images_for, send_batch, send_set};
use crate::Error;
use crate::data::{Batches, ImageSet, Loader, Order, Position, Splits, Tail};
use crate::gpu::Device;
use crate::optim::Schedule;
use crate::plan::{PlanOptions, Variables};

/// How a run goes.
#[derive(Clone, Debug)]
pub struct TrainerOptions {
    /// What shapes a step.
    pub hyper: Hyperparameters,
    /// The highest learning rate.
    pub learning_rate: f64,
    /// How the learning rate goes.
    pub schedule: Schedule,
    /// Passes over the training images.
    pub epochs: u32,
    /// The seed of weights, order, augmentation and dropout.
    pub seed: u32,
    /// Images that fit this many bytes stay on the device.
    pub resident_bytes: u64,
    /// How plans are made.
    pub plan: PlanOptions,
}

impl Default for TrainerOptions {
    /// Ten epochs at a constant rate of 0.01, seed 0; sets of up to 1 GiB stay on the device.
    fn default() -> Self {
        Self {
            hyper: Hyperparameters::default(),
            learning_rate: 0.01,
            schedule: Schedule::Constant,
            epochs: 10,
            seed: 0,
            resident_bytes: 1 << 30,
            plan: PlanOptions::default(),
        }
    }
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Whole epochs done.
    pub epoch: u32,
    /// Steps of the next one done.
    pub step: u32,
    /// Steps done in all.
    pub total_steps: u32,
}

/// A run: a model, its data, and where it stands. Everything it will do follows from the options and the data, so that
/// a run that goes on from a checkpoint ends in the same bits as one that never stopped.
pub struct Trainer {
    learner: Learner,
    evaluator: Evaluator,
    train: Arc<ImageSet>,
    images: Images,
    batches: Batches,
    loader: Option<Loader>,
    options: TrainerOptions,
    progress: Progress,
}

/// Batches made ahead of the one in use.
const PREFETCH: usize = 4;
/// Images at a time in evaluation: bounded, so that evaluation needs no more memory than training.
const EVALUATION_BATCH: usize = 256;

impl Trainer {
    /// Plans training and evaluation and initialises the weights.
    ///
    /// # Errors
    /// When the data does not fit the model; when the batch exceeds the data set or the device, with the largest batch
    /// that fits.
    pub fn new(device: &Device, model: &ImageModel, data: Splits, options: TrainerOptions) -> Result<Self, Error> {
        let (train, test) = (Arc::new(data.train), Arc::new(data.test));
        let order = Order::Shuffled { seed: options.seed };
        let batches = Batches::new(train.len(), options.hyper.batch, order, Tail::Drop)?;
        let images = images_for(&train, device.caps(), options.resident_bytes);
        let learner = Learner::new(device, model, images, &options.hyper, options.seed, &options.plan)
            .map_err(|e| explain_training(e, model, &options.hyper, device.caps()))?;
        send_set(learner.session(), &train, images)?;
        let batch = options.hyper.batch.clamp(1, EVALUATION_BATCH);
        let (budget, variables) = (options.resident_bytes, learner.variables());
        let evaluator = Evaluator::new(device, model, test, batch, budget, variables, &options.plan)?;
        let progress = Progress::default();
        Ok(Self { learner, evaluator, train, images, batches, loader: None, options, progress })
    }

    /// Steps an epoch has; images that do not fill a batch are left to other epochs' orders.
    pub fn steps_per_epoch(&self) -> u32 {
        self.batches.step_count()
    }

    /// Where the run stands.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// Parameters, statistics, optimiser state and sums.
    pub fn variables(&self) -> &Variables {
        self.learner.variables()
    }

    /// The recorded training step.
    pub fn learner(&self) -> &Learner {
        &self.learner
    }

    /// The next step. Returns whether it ended an epoch. Waits when the device is some steps behind.
    ///
    /// # Errors
    /// When the run is over, the loader failed or the device was lost.
    pub async fn step(&mut self) -> Result<bool, Error> {
        let ended = self.submit_step()?;
        self.learner.settle().await?;
        Ok(ended)
    }

    /// [`Trainer::step`], blocking.
    ///
    /// # Errors
    /// As [`Trainer::step`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn step_blocking(&mut self) -> Result<bool, Error> {
        let ended = self.submit_step()?;
        self.learner.settle_blocking()?;
        Ok(ended)
    }

    fn submit_step(&mut self) -> Result<bool, Error> {
        let batch = match self.loader.as_mut().and_then(Iterator::next) {
            Some(batch) => batch?,
            None => {
                let mut loader = self.open_loader()?;
                let first = loader.next().ok_or(Error::Finished)?;
                self.loader = Some(loader);
                first?
            }
        };
        if self.progress.step == 0 {
            self.learner.reset_metrics()?;
        }
        send_batch(self.learner.session(), &batch, self.images)?;
        let step = u64::from(self.progress.total_steps);
        self.learner.step(self.options.schedule.rate(self.options.learning_rate, step))?;
        self.progress.total_steps += 1;
        self.progress.step += 1;
        let ended = self.progress.step == self.steps_per_epoch();
        if ended {
            self.progress = Progress { epoch: self.progress.epoch + 1, step: 0, ..self.progress };
        }
        Ok(ended)
    }

    fn open_loader(&self) -> Result<Loader, Error> {
        let from = Position { epoch: self.progress.epoch, step: self.progress.step };
        let ahead = if cfg!(target_arch = "wasm32") { 0 } else { PREFETCH };
        let (train, batches) = (Arc::clone(&self.train), self.batches.clone());
        Ok(Loader::start(train, batches, from, self.options.epochs, feed(self.images), ahead)?)
    }

    /// The training sums of this epoch that have come to the host, some steps old.
    pub fn running(&self) -> Metrics {
        self.learner.running()
    }

    /// The training sums of this epoch.
    ///
    /// # Errors
    /// When the device was lost.
    pub async fn training_metrics(&self) -> Result<Metrics, Error> {
        self.learner.metrics().await
    }

    /// [`Trainer::training_metrics`], blocking.
    ///
    /// # Errors
    /// When the device was lost.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn training_metrics_blocking(&self) -> Result<Metrics, Error> {
        self.learner.metrics_blocking()
    }

    /// Loss and accuracy on the test images. The training sums of the epoch are lost.
    ///
    /// # Errors
    /// When the device was lost.
    pub async fn evaluate(&mut self) -> Result<Metrics, Error> {
        self.evaluator.run(self.learner.variables()).await
    }

    /// [`Trainer::evaluate`], blocking.
    ///
    /// # Errors
    /// When the device was lost.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn evaluate_blocking(&mut self) -> Result<Metrics, Error> {
        self.evaluator.run_blocking(self.learner.variables())
    }

    /// The run's state.
    ///
    /// # Errors
    /// When the device was lost.
    pub async fn checkpoint(&self) -> Result<Checkpoint, Error> {
        let variables = self.learner.variables().snapshot().await?;
        Ok(Checkpoint { variables, progress: self.progress, ..Checkpoint::default() })
    }

    /// [`Trainer::checkpoint`], blocking.
    ///
    /// # Errors
    /// When the device was lost.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn checkpoint_blocking(&self) -> Result<Checkpoint, Error> {
        let variables = self.learner.variables().snapshot_blocking()?;
        Ok(Checkpoint { variables, progress: self.progress, ..Checkpoint::default() })
    }

    /// Goes on from a checkpoint of the same model.
    ///
    /// # Errors
    /// When the checkpoint is of another model; then nothing is changed.
    pub fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), Error> {
        self.learner.variables().restore(&checkpoint.variables)?;
        self.learner.set_step_count(checkpoint.progress.total_steps);
        self.progress = checkpoint.progress;
        self.loader = None;
        Ok(())
    }
}
