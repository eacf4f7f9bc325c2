//! How commands come to their strategies: by a profile in a file or in a run folder, or by measuring.

use std::path::{Path, PathBuf};
use std::time::Duration;

use girih::gpu::Device;
use girih::plan::{Plan, PlanOptions, ProfileError, TuneProgress, Tuner, Tuning};

use crate::args::TuningFile;
use crate::output::Output;
use crate::progress::work_bar;
use crate::run_folder::RunFolder;

/// What measuring may take unless told otherwise.
pub const SECONDS: f32 = 9.0;

/// The profile that the flag names, else that of the run folder `run`, if it has one.
#[must_use]
pub fn file(flag: &TuningFile, run: Option<&Path>) -> Option<PathBuf> {
    let of_run = run.map(|run| run.join(RunFolder::TUNING)).filter(|path| path.exists());
    flag.tuning.clone().or(of_run)
}

/// How plans are made with the profile that [`file()`] finds.
#[must_use]
pub fn options(flag: &TuningFile, run: Option<&Path>, device: &Device) -> PlanOptions {
    file(flag, run).map_or_else(PlanOptions::default, |file| by(&file, device))
}

/// How plans are made with the profile in a file.
#[must_use]
pub fn by(file: &Path, device: &Device) -> PlanOptions {
    PlanOptions { tuning: load(file, device), ..PlanOptions::default() }
}

/// The profile in a file; one that is of no use is ignored with a warning.
fn load(path: &Path, device: &Device) -> Tuning {
    let (tuning, why) = Tuning::load(path, device);
    if let Some(why) = why {
        // Only this one does not name the file.
        let file = match why {
            ProfileError::OtherAdapter { .. } => format!("{}: ", path.display()),
            _ => String::new(),
        };
        eprintln!("warning: {file}{why}; strategies are chosen without it");
    }
    tuning
}

/// Says what of its profile a plan could not take.
pub fn warn(plan: &Plan) {
    plan.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
}

/// Seconds of a day: more is as good as no bound.
const DAY: f32 = 86_400.0;

/// A tuner that shows a bar.
#[must_use]
pub fn tuner(output: Output, seconds: f32) -> Tuner {
    let bar = work_bar(output, "tuning", 0);
    let show = move |&TuneProgress { done, count, op: _ }: &TuneProgress<'_>| {
        bar.set_length(count as u64);
        bar.set_position(done as u64);
        if done == count {
            bar.finish_and_clear();
        }
    };
    Tuner::new(Duration::from_secs_f32(seconds.min(DAY))).on_progress(show)
}
