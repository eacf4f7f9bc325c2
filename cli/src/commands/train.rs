//! `girih train`: what a run reports and writes while it goes.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use serde::Serialize;

use crate::args::Train;
use crate::config::Config;
use crate::metrics::Epoch;
use crate::output::Output;
use crate::progress::{Running, TrainBar};
use crate::run_folder::RunFolder;

/// The run folder and the settings that the flags ask for, new or gone on with.
///
/// # Errors
/// The folder cannot be made or read, or flags differ from the run to go on with.
pub fn open_run(
    flags: &Train,
    data: impl FnOnce() -> Result<String>,
) -> Result<(RunFolder, Config)> {
    match &flags.out {
        Some(out) if flags.resume => {
            let (folder, config) = RunFolder::open(out)?;
            Ok((folder, config.resumed(flags)?))
        }
        out => {
            let out: PathBuf = out.clone().unwrap_or_else(RunFolder::first_free);
            let config = Config::new(flags, data()?);
            let folder = RunFolder::create(&out, &config, flags.overwrite)?;
            Ok((folder, config))
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "event", rename = "start")]
struct Start<'a> {
    run: String,
    config: &'a Config,
    adapter: &'a str,
    parameters: u64,
    train_images: u64,
    test_images: u64,
    /// The epochs a run to go on with has done.
    epochs_done: u32,
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
    /// Trained numbers in the model.
    pub parameters: u64,
    /// Training images an epoch.
    pub train_images: u64,
    /// Test images.
    pub test_images: u64,
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
    pub fn begin(
        output: Output,
        folder: RunFolder,
        config: &Config,
        facts: &Facts,
        epochs_done: u32,
    ) -> Result<Self> {
        let mut metrics = folder.read_metrics()?;
        metrics.retain(|epoch| epoch.epoch <= epochs_done);
        output.json(&Start {
            run: folder.path().display().to_string(),
            config,
            adapter: &facts.adapter,
            parameters: facts.parameters,
            train_images: facts.train_images,
            test_images: facts.test_images,
            epochs_done,
        })?;
        let count = crate::table::count;
        output.text(format!(
            "Training {} ({} parameters) on {}: {} images, {} to test, on {}.",
            crate::args::name_of(config.model),
            count(facts.parameters),
            config.data,
            count(facts.train_images),
            count(facts.test_images),
            facts.adapter
        ))?;
        if epochs_done > 0 {
            output.text(format!("Going on after epoch {epochs_done}."))?;
        }
        Ok(Self {
            output,
            folder,
            epochs: config.epochs,
            metrics,
            bar: None,
            start: Instant::now(),
        })
    }

    /// Epoch `epoch`, from 1, begins with `step_count` steps ahead, of which `done` are done.
    pub fn epoch_begins(&mut self, epoch: u32, step_count: u64, done: u64) {
        let bar = TrainBar::new(self.output, epoch, self.epochs, step_count);
        bar.at(done, Running::default());
        self.bar = Some(bar);
    }

    /// `step` steps of the epoch are done.
    pub fn step(&self, step: u64, running: Running) {
        if let Some(bar) = &self.bar {
            bar.at(step, running);
        }
    }

    /// An epoch is over: its figures go to the run folder and to the user.
    ///
    /// # Errors
    /// The run folder or standard output cannot be written.
    pub fn epoch_ends(&mut self, epoch: Epoch) -> Result<()> {
        self.metrics.push(epoch);
        self.folder.write_metrics(&self.metrics)?;
        self.clear_bar();
        self.output.json(&epoch)?;
        self.output.text(epoch.text(self.epochs))
    }

    /// The run is over, or Ctrl-C stopped it.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn end(mut self, interrupted: bool) -> Result<()> {
        self.clear_bar();
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
            return self.output.text(format!(
                "Stopped and saved. `girih train --out {run} --resume` goes on."
            ));
        }
        let accuracy = last.map_or(0.0, |epoch| 100.0 * epoch.test_accuracy);
        self.output.text(format!(
            "Test accuracy {accuracy:.2} %. The run is in {run}: curves.svg shows its course."
        ))
    }

    fn clear_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.clear();
        }
    }
}
