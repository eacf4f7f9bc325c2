//! `girih train`: a run from its settings to its checkpoint, and what it reports and writes while it goes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use girih::data::{Root, RootSource, Split};
use girih::gpu::GpuError;
use girih::nn::PARAMETERS;
use girih::optim::Schedule;
use girih::plan::{PlanOptions, Tuning, TuningProfile};
use girih::tensor::HostTensor;
use girih::train::{Checkpoint, Metrics, Setup, Trainer, TrainerOptions, TreeTask};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::eval_trees::Shares;
use crate::args::{Global, Train, TuningFile};
use crate::config::Config;
use crate::dataset;
use crate::engine::{self, failed};
use crate::error::told;
use crate::interrupt::Interrupt;
use crate::metrics::{Epoch, Speed};
use crate::output::Output;
use crate::progress::{Running, TrainBar};
use crate::run_folder::RunFolder;
use crate::task::{self, Description, Kind, Subject};
use crate::trained::other_model;
use crate::tuning;

/// Runs `girih train`. The data and the adapter are looked at first: what fails there leaves no run folder.
///
/// # Errors
/// The data, the adapter or the run folder cannot be used, or the loss is no number any more.
pub fn run(flags: &Train, global: &Global, output: Output) -> Result<()> {
    let data = flags.data.as_deref().map(dataset::remembered).transpose()?;
    let flags = Train { data, ..flags.clone() };
    let root = Root::find(global.data_root.as_deref());
    let (place, config) = Place::of(&flags, || default_data(&root, output))?;

    config.check()?;
    let Subject { task, trees, description, train_count, test_count } = task::load(&root, &config)?;
    let device = engine::open_for(global, config.precision)?;
    let precision = engine::precision(&device, config.precision, output)?;
    let tuner = flags.tune.then(|| Arc::new(tuning::tuner(output, tuning::SECONDS)));
    let tuned = TuningFile { tuning: flags.tuning.clone() };
    let plan = match &tuner {
        Some(tuner) => PlanOptions { tuning: Tuning::Measure(Arc::clone(tuner)), ..PlanOptions::default() },
        None => tuning::options(&tuned, place.old(), &device),
    };
    let plan = PlanOptions { precision, ..plan };
    let by = plan.tuning.clone();
    let mut options = TrainerOptions { plan, ..engine::options(&config, description.image_width()) };
    let setup = Setup { split: Split::Train, batch: config.batch as usize, caps: device.caps(), options: &options };
    let steps = task.step_count(&setup).map_err(failed)?;
    options.schedule = engine::schedule(config.schedule, u64::from(config.epochs) * u64::from(steps));
    let schedule = options.schedule.clone();
    let mut trainer = Trainer::new(&device, task, options).map_err(failed)?;
    let choices = match by {
        Tuning::Measure(tuner) => Some(tuner.choices()),
        Tuning::Profile(choices) => Some((*choices).clone()),
        Tuning::Heuristic | Tuning::Named(_) => None,
    };
    if let Place::Old { folder, checkpoint: Some(checkpoint) } = &place {
        restore(&mut trainer, folder, checkpoint, &description)?;
    }

    let interrupt = Interrupt::install("this step (or evaluation)")?;
    tuning::warn(trainer.learner().session().plan());
    let is_new = place.old().is_none();
    let folder = place.settle(&config)?;
    if let Some(choices) = choices.filter(|_| is_new) {
        // What chose the run's strategies chooses them when it goes on, and when it is used.
        let mut profile = TuningProfile::default();
        profile.add(&device, choices);
        profile.save(&folder.tuning()).map_err(told)?;
    }
    let facts = Facts {
        adapter: device.name().to_owned(),
        precision: precision.to_string(),
        parameters: parameter_count(&trainer),
        unit: trainer.task().unit(),
        train_count: train_count as u64,
        test_count: test_count as u64,
    };
    let reporter = Reporter::begin(output, folder, &config, &facts, trainer.progress().epoch)?;
    Run { trainer, trees, schedule, config, description, reporter, interrupt }.go()
}

/// The data set where none is asked for, with a remark that says which.
fn default_data(root: &Root, output: Output) -> Result<String> {
    let name = root.default_set();
    let place = root.path().display();
    output.remark(match (name, root.source()) {
        ("synthetic", RootSource::Argument | RootSource::Environment) => {
            format!("CIFAR-10 is not in {place}: taking the procedural set. `girih data fetch cifar10` downloads it.")
        }
        ("synthetic", _) => {
            "CIFAR-10 is not here: taking the procedural set. `girih data fetch cifar10` downloads it.".to_owned()
        }
        _ => format!("Taking CIFAR-10, which is in {place}."),
    })?;
    Ok(name.to_owned())
}

/// Where a run is kept.
enum Place {
    /// A folder to be made.
    New { path: PathBuf, overwrite: bool },
    /// A run to go on with, and its checkpoint, if it got so far.
    Old { folder: RunFolder, checkpoint: Option<Checkpoint> },
}

impl Place {
    /// The place and the settings that the flags ask for. Writes nothing.
    fn of(flags: &Train, data: impl FnOnce() -> Result<String>) -> Result<(Self, Config)> {
        match &flags.out {
            Some(out) if flags.resume => {
                let (folder, config) = RunFolder::open(out)?;
                let config = config.resumed(flags)?;
                let checkpoint = folder.read_checkpoint()?;
                Ok((Self::Old { folder, checkpoint }, config))
            }
            out => {
                let path = out.clone().unwrap_or_else(RunFolder::first_free);
                RunFolder::check_free(&path, flags.overwrite)?;
                let trees = flags.model.is_some_and(|model| Kind::of(model) == Kind::Trees);
                let data = match &flags.data {
                    Some(data) => data.clone(),
                    None if trees => "sst".to_owned(),
                    None => data()?,
                };
                Ok((Self::New { path, overwrite: flags.overwrite }, Config::new(flags, data)))
            }
        }
    }

    /// The folder of a run to go on with.
    fn old(&self) -> Option<&Path> {
        match self {
            Self::New { .. } => None,
            Self::Old { folder, .. } => Some(folder.path()),
        }
    }

    /// The folder, with these settings written to it.
    fn settle(self, config: &Config) -> Result<RunFolder> {
        match self {
            Self::New { path, overwrite } => RunFolder::create(&path, config, overwrite),
            Self::Old { folder, .. } => folder.write_config(config).map(|()| folder),
        }
    }
}

/// Puts a run where its checkpoint left it.
fn restore(
    trainer: &mut Trainer,
    folder: &RunFolder,
    checkpoint: &Checkpoint,
    description: &Description,
) -> Result<()> {
    let path = folder.checkpoint();
    let place = || format!("checkpoint {}", path.display());
    let saved = Description::of(checkpoint).with_context(place)?;
    if let Err(why) = description.check_resumed(&saved) {
        bail!("{} {why}", place());
    }
    if checkpoint.progress.step >= trainer.steps_per_epoch() {
        bail!("{} is at step {} of an epoch of {}", place(), checkpoint.progress.step, trainer.steps_per_epoch());
    }
    match trainer.restore(checkpoint) {
        Err(girih::Error::Plan(error)) => Err(other_model(&path, description, &error)),
        restored => restored.map_err(failed),
    }
}

/// Trained numbers in the model.
fn parameter_count(trainer: &Trainer) -> u64 {
    let plan = trainer.learner().session().plan();
    let trained = plan.variables.iter().filter(|(bank, _)| bank == PARAMETERS || bank.starts_with("parameters."));
    trained.map(|(_, variable)| variable.ty.count() as u64).sum()
}

/// A run under way.
struct Run {
    trainer: Trainer,
    trees: Option<Arc<TreeTask>>,
    schedule: Schedule,
    config: Config,
    description: Description,
    reporter: Reporter,
    interrupt: Interrupt,
}

impl Run {
    fn go(mut self) -> Result<()> {
        while self.trainer.progress().epoch < self.config.epochs {
            match self.epoch() {
                Ok(()) if !self.interrupt.is_set() => {}
                Ok(()) => {
                    let unfinished = self.trainer.progress().epoch < self.config.epochs;
                    return self.reporter.end(unfinished);
                }
                Err(error) => return Err(self.with_way_on(error)),
            }
        }
        self.reporter.end(false)
    }

    /// The rest of an epoch: all of it, or up to an interruption, which is saved.
    fn epoch(&mut self) -> Result<()> {
        let from = self.trainer.progress();
        let step_count = self.trainer.steps_per_epoch();
        // Sums that an interruption left behind belong to the time before it.
        let before = match from.step {
            0 => 0,
            _ => self.trainer.training_metrics_blocking().map_err(failed)?.count,
        };
        let unit = self.trainer.task().unit();
        let start = Instant::now();
        let speed = |count: u64| Speed {
            unit: unit.to_owned(),
            per_s: count.saturating_sub(before) as f64 / start.elapsed().as_secs_f64(),
        };
        self.reporter.epoch_begins(from.epoch + 1, step_count.into(), from.step.into());
        for step in from.step + 1..=step_count {
            self.trainer.step_blocking().map_err(failed)?;
            let running = self.trainer.running();
            self.check(running, from.epoch)?;
            self.reporter.step(step.into(), &Running::new(running, speed(running.count)));
            if self.interrupt.is_set() && step < step_count {
                return self.save();
            }
        }
        let train = self.trainer.training_metrics_blocking().map_err(failed)?;
        self.check(train, from.epoch)?;
        let speed = speed(train.count);
        let (test, shares) = self.evaluate()?;
        let last_step = u64::from(self.trainer.progress().total_steps - 1);
        // Metrics first: a run that dies between the two goes on from the older checkpoint, and drops them.
        self.reporter.epoch_ends(Epoch {
            epoch: from.epoch + 1,
            train_loss: train.loss,
            train_accuracy: train.accuracy,
            test_loss: test.loss,
            test_accuracy: test.accuracy,
            shares,
            learning_rate: self.schedule.rate(f64::from(self.config.lr), last_step) as f32,
            speed,
            seconds: start.elapsed().as_secs_f64(),
        })?;
        self.save()
    }

    /// Loss and accuracy on the data to be judged by; of trees, how well roots are told too.
    fn evaluate(&mut self) -> Result<(Metrics, Option<Shares>)> {
        let Some(task) = &self.trees else {
            return Ok((self.trainer.evaluate_blocking().map_err(failed)?, None));
        };
        let mut tally = task.tally(&self.trainer.evaluation_setup()).map_err(failed)?;
        let add = |logits: &HostTensor| tally.add(logits.as_f32().unwrap_or_default());
        let metrics = self.trainer.evaluate_with_logits_blocking(add).map_err(failed)?;
        Ok((metrics, Some(tally.scores().into())))
    }

    /// A loss that is not finite never gets finite again.
    fn check(&self, metrics: Metrics, epoch: u32) -> Result<()> {
        if metrics.loss.is_finite() {
            return Ok(());
        }
        bail!(
            "the loss is {} in epoch {}: the run has diverged; try a lower --lr than {}, or --clip-norm",
            metrics.loss,
            epoch + 1,
            self.config.lr
        )
    }

    fn save(&self) -> Result<()> {
        let checkpoint = self.trainer.checkpoint_blocking().map_err(failed)?;
        self.reporter.folder().write_checkpoint(checkpoint, &self.description)
    }

    /// Adds to a lost device how the run goes on.
    fn with_way_on(&self, error: anyhow::Error) -> anyhow::Error {
        let lost = matches!(self.trainer.learner().device().lost(), Err(GpuError::Lost(_)));
        let folder = self.reporter.folder();
        if lost && folder.checkpoint().exists() {
            let run = folder.path().display();
            return anyhow::anyhow!("{error:#}; `girih train --out {run} --resume` goes on from the last checkpoint");
        }
        error
    }
}

#[derive(Serialize)]
#[serde(tag = "event", rename = "start")]
struct Start<'a> {
    run: String,
    config: &'a Config,
    adapter: &'a str,
    /// What the run computes in, which may be less than its settings ask for.
    precision: &'a str,
    parameters: u64,
    #[serde(flatten)]
    sizes: Sizes,
    /// The epochs a run to go on with has done.
    epochs_done: u32,
}

/// How many examples there are. Their keys name what is counted: `train_images`, `test_images`.
struct Sizes {
    unit: &'static str,
    train: u64,
    test: u64,
}

impl Serialize for Sizes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry(&format!("train_{}", self.unit), &self.train)?;
        map.serialize_entry(&format!("test_{}", self.unit), &self.test)?;
        map.end()
    }
}

#[derive(Serialize)]
#[serde(tag = "event", rename = "done")]
struct Done {
    run: String,
    /// Absent when the run was stopped before its first epoch ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    test_accuracy: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    test_loss: Option<f32>,
    epochs: u32,
    /// Ctrl-C ended it; `--resume` goes on.
    interrupted: bool,
    seconds: f64,
}

/// What a run is about, for its first line.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The adapter's name.
    pub adapter: String,
    /// What products are computed in.
    pub precision: String,
    /// Trained numbers in the model.
    pub parameters: u64,
    /// What the task counts, such as `images`.
    pub unit: &'static str,
    /// Examples to learn from.
    pub train_count: u64,
    /// Examples to be judged by.
    pub test_count: u64,
}

/// Tells of a run as it goes, and keeps its metrics in the run folder.
#[derive(Debug)]
pub struct Reporter {
    output: Output,
    folder: RunFolder,
    epochs: u32,
    metrics: Vec<Epoch>,
    bar: Option<TrainBar>,
    start: Instant,
}

impl Reporter {
    /// Begins to report a run that has `epochs_done` epochs behind it; metrics of later epochs,
    /// which a checkpoint does not cover, are dropped.
    ///
    /// # Errors
    /// Metrics of the earlier epochs do not read, or standard output cannot be written.
    pub fn begin(output: Output, folder: RunFolder, config: &Config, facts: &Facts, epochs_done: u32) -> Result<Self> {
        let mut metrics = folder.read_metrics()?;
        metrics.retain(|epoch| epoch.epoch <= epochs_done);
        output.json(&Start {
            run: folder.path().display().to_string(),
            config,
            adapter: &facts.adapter,
            precision: &facts.precision,
            parameters: facts.parameters,
            sizes: Sizes { unit: facts.unit, train: facts.train_count, test: facts.test_count },
            epochs_done,
        })?;
        let count = crate::table::count;
        output.text(format!(
            "Training {} ({} parameters) on {}: {} {}, {} to test, on {}.",
            crate::args::name_of(config.model),
            count(facts.parameters),
            config.data,
            count(facts.train_count),
            facts.unit,
            count(facts.test_count),
            facts.adapter
        ))?;
        if epochs_done > 0 {
            output.text(format!("Going on after epoch {epochs_done}."))?;
        }
        Ok(Self { output, folder, epochs: config.epochs, metrics, bar: None, start: Instant::now() })
    }

    /// Where the run is kept.
    #[must_use]
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// Epoch `epoch`, from 1, begins with `step_count` steps ahead, of which `done` are done.
    pub fn epoch_begins(&mut self, epoch: u32, step_count: u64, done: u64) {
        let bar = TrainBar::new(self.output, epoch, self.epochs, step_count);
        bar.at(done, &Running::default());
        self.bar = Some(bar);
    }

    /// `step` steps of the epoch are done.
    pub fn step(&self, step: u64, running: &Running) {
        if let Some(bar) = &self.bar {
            bar.at(step, running);
        }
    }

    /// An epoch is over: its figures go to the run folder and to the user.
    ///
    /// # Errors
    /// The run folder or standard output cannot be written.
    pub fn epoch_ends(&mut self, epoch: Epoch) -> Result<()> {
        self.metrics.push(epoch.clone());
        self.folder.write_metrics(&self.metrics)?;
        self.bar = None;
        self.output.json(&epoch)?;
        self.output.text(epoch.text(self.epochs))
    }

    /// The run is over, or Ctrl-C stopped it.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn end(mut self, interrupted: bool) -> Result<()> {
        self.bar = None;
        let last = self.metrics.last();
        let run = self.folder.path().display().to_string();
        self.output.json(&Done {
            run: run.clone(),
            test_accuracy: last.map(|epoch| epoch.test_accuracy),
            test_loss: last.map(|epoch| epoch.test_loss),
            epochs: last.map_or(0, |epoch| epoch.epoch),
            interrupted,
            seconds: self.start.elapsed().as_secs_f64(),
        })?;
        if interrupted {
            return self.output.text(format!("Stopped and saved. `girih train --out {run} --resume` goes on."));
        }
        let accuracy = last.map_or(0.0, |epoch| 100.0 * epoch.test_accuracy);
        let shares = last.and_then(|epoch| epoch.shares).map(|shares| format!(": {}", shares.text()));
        let shares = shares.unwrap_or_default();
        self.output
            .text(format!("Test accuracy {accuracy:.2} %{shares}. The run is in {run}: curves.svg shows its course."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::images::ImageDescription;
    use girih::data::synth::synthetic;
    use girih::nn::models::Model;
    use girih::train::ImageTask;

    /// The device is taken away after the first epoch, as a driver's crash would.
    #[test]
    fn a_lost_device_is_an_error_that_says_how_to_go_on() {
        let place = tempfile::tempdir().unwrap();
        let model = Some(crate::args::Model::Linear);
        let flags = Train { model, batch: Some(10), epochs: Some(2), ..Train::default() };
        let config = Config::new(&flags, "synthetic".into());
        let splits = synthetic(1, 50, 10).unwrap();
        let description = ImageDescription::new(Model::Linear, &config.data, &splits.train);
        let global = Global { adapter: std::env::var("GIRIH_ADAPTER").ok(), ..Global::default() };
        let device = engine::open(&global).unwrap();
        let task = Arc::new(ImageTask::new(description.image_model(), splits));
        let trainer = Trainer::new(&device, task, engine::options(&config, 32)).unwrap();
        let description = Description::Images(description);
        let folder = RunFolder::create(&place.path().join("run"), &config, false).unwrap();
        let facts = Facts {
            adapter: String::new(),
            precision: String::new(),
            parameters: 0,
            unit: "images",
            train_count: 50,
            test_count: 10,
        };
        let reporter = Reporter::begin(Output::Json, folder.clone(), &config, &facts, 0).unwrap();
        let (schedule, interrupt) = (Schedule::Constant, Interrupt::default());
        let mut run = Run { trainer, trees: None, schedule, config, description, reporter, interrupt };
        run.epoch().unwrap();
        device.wgpu().destroy();
        let error = run.go().unwrap_err().to_string();
        assert!(error.contains("the device was lost") && error.contains("--resume"), "{error}");
        let saved = folder.read_checkpoint().unwrap().unwrap();
        assert_eq!(saved.progress.epoch, 1);
    }
}
