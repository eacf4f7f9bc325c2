//! `girih eval`: a trained model measured on test images.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use girih::data::{ImageSet, Root, Split};
use girih::train::{Evaluator, ImageTask};
use serde::Serialize;

use crate::args::{self, Global};
use crate::engine::{self, failed};
use crate::error::told;
use crate::output::Output;
use crate::progress::work_bar;
use crate::table::{Score, score_bars};
use crate::trained::Trained;

/// Runs `girih eval`.
///
/// # Errors
/// The run, the data or the adapter cannot be used, or the images do not fit the model.
pub fn run(flags: &args::Eval, global: &Global, output: Output) -> Result<()> {
    let trained = Trained::open(&flags.run)?;
    let data = flags.data.as_deref().unwrap_or(&trained.config.data);
    let root = Root::find(global.data_root.as_deref());
    let set = Arc::new(root.load_split(data, Split::Test).map_err(told)?);
    let description = trained.images()?;
    description.check(&set)?;

    let device = engine::open(global)?;
    let task = Arc::new(ImageTask::to_test(description.image_model(), Arc::clone(&set)));
    let (batch, options) = (flags.batch as usize, engine::options(&trained.config, description.shape[2]));
    let variables = Evaluator::variables(&device, &*task, batch, &options).map_err(failed)?;
    trained.restore(&variables)?;
    let mut evaluator = Evaluator::new(&device, task, batch, &options, &variables).map_err(failed)?;

    let mut tally = Tally::new(&set);
    let bar = work_bar(output, "images", set.len() as u64);
    let start = Instant::now();
    let metrics = evaluator.run_with_logits_blocking(&variables, |logits| {
        tally.add(logits.as_f32().unwrap_or_default());
        bar.set_position(tally.seen as u64);
    });
    let seconds = start.elapsed().as_secs_f64();
    bar.finish_and_clear();
    let metrics = metrics.map_err(failed)?;
    let evaluation = Evaluation {
        run: flags.run.display().to_string(),
        data: data.to_owned(),
        images: metrics.count,
        test_loss: metrics.loss,
        test_accuracy: metrics.accuracy,
        classes: tally.classes(),
        images_per_s: metrics.count as f64 / seconds,
        seconds,
    };
    show(&evaluation, output)
}

/// Right answers, class by class.
struct Tally<'a> {
    set: &'a ImageSet,
    seen: usize,
    /// Of each class: its images, and those classified rightly.
    counts: Vec<(u64, u64)>,
}

impl<'a> Tally<'a> {
    fn new(set: &'a ImageSet) -> Self {
        Self { set, seen: 0, counts: vec![(0, 0); set.classes().len()] }
    }

    /// Counts the next images by their logits, a row each; rows past the last image are padding.
    fn add(&mut self, logits: &[f32]) {
        let rows = logits.chunks_exact(self.counts.len());
        for (row, &label) in rows.zip(&self.set.labels()[self.seen..]) {
            let best = (0u32..).zip(row).reduce(|best, next| if next.1 > best.1 { next } else { best });
            let (images, right) = &mut self.counts[label as usize];
            *images += 1;
            *right += u64::from(best.is_some_and(|(class, _)| class == label));
            self.seen += 1;
        }
    }

    /// The classes that have images.
    fn classes(&self) -> Vec<ClassAccuracy> {
        let classes = self.set.classes().iter().zip(&self.counts).filter(|(_, (images, _))| *images > 0);
        classes
            .map(|(class, &(images, right))| ClassAccuracy {
                class: class.clone(),
                images,
                accuracy: right as f32 / images as f32,
            })
            .collect()
    }
}

/// What an evaluation measured: the JSON line of `girih eval`.
#[derive(Serialize, Clone, Debug)]
#[serde(tag = "event", rename = "eval")]
pub struct Evaluation {
    /// The run folder.
    pub run: String,
    /// The data set.
    pub data: String,
    /// How many test images.
    pub images: u64,
    /// Mean loss over them.
    pub test_loss: f32,
    /// Share of them classified rightly.
    pub test_accuracy: f32,
    /// The same, class by class.
    pub classes: Vec<ClassAccuracy>,
    /// Images a second.
    pub images_per_s: f64,
    /// Seconds it took, reading left out.
    pub seconds: f64,
}

/// How well one class is recognised.
#[derive(Serialize, Clone, Debug)]
pub struct ClassAccuracy {
    /// The class's name.
    pub class: String,
    /// How many test images it has.
    pub images: u64,
    /// Share of them classified rightly.
    pub accuracy: f32,
}

/// Shows an evaluation.
///
/// # Errors
/// Standard output cannot be written.
pub fn show(evaluation: &Evaluation, output: Output) -> Result<()> {
    output.json(evaluation)?;
    let bars: Vec<Score> =
        evaluation.classes.iter().map(|class| Score { class: class.class.clone(), score: class.accuracy }).collect();
    output.text(format!(
        "{}: {:.2} % of {} test images right, loss {:.4}  ({:.0} images/s)",
        evaluation.data,
        100.0 * evaluation.test_accuracy,
        evaluation.images,
        evaluation.test_loss,
        evaluation.images_per_s
    ))?;
    output.text(score_bars(&bars, output.width()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_and_absent_classes_are_left_out() {
        let names = ["a", "b", "c"].map(str::to_owned).to_vec();
        let set = ImageSet::new("t", [1, 1, 1], names, vec![0; 3], vec![2, 0, 2]).unwrap();
        let mut tally = Tally::new(&set);
        tally.add(&[0.0, 1.0, 2.0, 5.0, 5.0, 0.0]);
        tally.add(&[3.0, 0.0, 1.0, 9.0, 9.0, 9.0]);
        let classes = tally.classes();
        let counts: Vec<_> = classes.iter().map(|c| (c.class.as_str(), c.images, c.accuracy)).collect();
        assert_eq!(counts, [("a", 1, 1.0), ("c", 2, 0.5)]);
    }
}
