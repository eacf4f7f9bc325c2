//! The fit loop.

use std::sync::Arc;

use super::checkpoint::Checkpoint;
use super::evaluator::Evaluator;
use super::graphs::{Hyperparameters, TrainingGraph, training_step};
use super::learner::Learner;
use super::limits::explain_task;
use super::metrics::Metrics;
use super::task::{Setup, Steps, Task};
use crate::Error;
use crate::data::{Position, Split};
use crate::gpu::{Caps, Device};
use crate::optim::Schedule;
use crate::plan::{PlanOptions, Variables};
#[cfg(not(target_arch = "wasm32"))]
use crate::tensor::HostTensor;

/// How a run goes.
#[derive(Clone, Debug)]
pub struct TrainerOptions {
    /// What shapes a step.
    pub hyper: Hyperparameters,
    /// The highest learning rate.
    pub learning_rate: f64,
    /// How the learning rate goes.
    pub schedule: Schedule,
    /// Passes over the training data.
    pub epochs: u32,
    /// The seed of weights, order, augmentation and dropout.
    pub seed: u32,
    /// Data that fits this many bytes stays on the device.
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

/// A run: a task, and where it stands. Everything it will do follows from the options and the data, so that a run that
/// goes on from a checkpoint ends in the same bits as one that never stopped.
pub struct Trainer {
    learner: Learner,
    evaluator: Evaluator,
    task: Arc<dyn Task>,
    steps: Option<Steps>,
    steps_per_epoch: u32,
    options: TrainerOptions,
    progress: Progress,
}

/// Examples at a time in evaluation: bounded, so that evaluation needs no more memory than training.
const EVALUATION_BATCH: usize = 256;

impl Trainer {
    /// Plans training and evaluation and initialises the weights.
    ///
    /// # Errors
    /// When the data does not fit the model; when the batch exceeds the data or the device, with the largest batch that
    /// fits.
    pub fn new(device: &Device, task: Arc<dyn Task>, options: TrainerOptions) -> Result<Self, Error> {
        let setup = training_setup(device.caps(), &options);
        let steps_per_epoch = task.step_count(&setup)?;
        let graph = graph(&*task, &setup, 0)?;
        let learner = Learner::new(device, &graph, options.hyper.optimizer, options.seed, &options.plan)
            .map_err(|e| explain_task(e, &*task, &setup, 0))?;
        for (name, value) in task.resident(&setup) {
            learner.session().write(name, &value)?;
        }
        let batch = options.hyper.batch.clamp(1, EVALUATION_BATCH);
        let evaluator = Evaluator::new(device, Arc::clone(&task), batch, &options, learner.variables())?;
        let progress = Progress::default();
        Ok(Self { learner, evaluator, task, steps: None, steps_per_epoch, options, progress })
    }

    /// Steps an epoch has; what does not fill a batch is left to other epochs' orders.
    pub fn steps_per_epoch(&self) -> u32 {
        self.steps_per_epoch
    }

    /// Where the run stands.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// What is learnt.
    pub fn task(&self) -> &dyn Task {
        &*self.task
    }

    /// Parameters, statistics, optimiser state, what steps carry on, and sums.
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
        let step = match self.steps.as_mut().and_then(Iterator::next) {
            Some(step) => step?,
            None => {
                let setup = training_setup(self.learner.device().caps(), &self.options);
                let from = Position { epoch: self.progress.epoch, step: self.progress.step };
                let mut steps = self.task.steps(&setup, from)?;
                let first = steps.next().ok_or(Error::Finished)?;
                self.steps = Some(steps);
                first?
            }
        };
        if self.progress.step == 0 {
            self.learner.reset_metrics()?;
        }
        if self.learner.program(step.program).is_none() {
            self.add_program(step.program)?;
        }
        let done = u64::from(self.progress.total_steps);
        self.learner.play(&step, self.options.schedule.rate(self.options.learning_rate, done))?;
        self.progress.total_steps += 1;
        self.progress.step += 1;
        let ended = self.progress.step == self.steps_per_epoch;
        if ended {
            self.progress = Progress { epoch: self.progress.epoch + 1, step: 0, ..self.progress };
        }
        Ok(ended)
    }

    fn add_program(&mut self, program: u32) -> Result<(), Error> {
        let device = self.learner.device().clone();
        let setup = training_setup(device.caps(), &self.options);
        let graph = graph(&*self.task, &setup, program)?;
        let session = self.learner.add(program, &graph).map_err(|e| explain_task(e, &*self.task, &setup, program))?;
        for (name, value) in self.task.resident(&setup) {
            session.write(name, &value)?;
        }
        Ok(())
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

    /// Loss and accuracy on the data to be judged by. The training sums of the epoch, and what its steps carry on, are lost.
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

    /// [`Trainer::evaluate_blocking`] that hands on the logits of every step; see [`Evaluator::run_with_logits_blocking`].
    ///
    /// # Errors
    /// When the device was lost.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn evaluate_with_logits_blocking(&mut self, take: impl FnMut(&HostTensor)) -> Result<Metrics, Error> {
        self.evaluator.run_with_logits_blocking(self.learner.variables(), take)
    }

    /// What evaluation is made for.
    pub fn evaluation_setup(&self) -> Setup<'_> {
        self.evaluator.setup()
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
        self.steps = None;
        Ok(())
    }
}

fn training_setup<'a>(caps: &'a Caps, options: &'a TrainerOptions) -> Setup<'a> {
    Setup { split: Split::Train, batch: options.hyper.batch, caps, options }
}

fn graph(task: &dyn Task, setup: &Setup<'_>, program: u32) -> Result<TrainingGraph, Error> {
    Ok(training_step(&setup.options.hyper, |net| task.build(net, setup, program))?)
}
