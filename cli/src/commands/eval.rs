//! `girih eval`: a trained model measured on test images.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use girih::data::{ImageSet, Root, Split, TextSet};
use girih::train::{Evaluator, ImageTask, Task, TrainerOptions};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::eval_trees;
use crate::args::{self, Global};
use crate::engine::{self, failed};
use crate::error::told;
use crate::metrics::Speed;
use crate::output::Output;
use crate::progress::work_bar;
use crate::table::{Score, score_bars};
use crate::task::Description;
use crate::trained::Trained;
use crate::tuning;

/// Runs `girih eval`.
///
/// # Errors
/// The run, the data or the adapter cannot be used, or the images do not fit the model.
pub fn run(flags: &args::Eval, global: &Global, output: Output) -> Result<()> {
    let trained = Trained::open(&flags.run)?;
    let data = flags.data.as_deref().unwrap_or(&trained.config.data);
    let root = Root::find(global.data_root.as_deref());
    match &trained.description {
        Description::Images(_) => {}
        Description::Trees(trees) => return eval_trees::run(flags, &trained, trees, global, output),
        Description::Text(description) => {
            let vocabulary = Some(&description.vocabulary);
            let text = root.text_file(data).and_then(|path| TextSet::read(&path, vocabulary)).map_err(told)?;
            let task = Arc::new(description.task(text, &trained.config)?);
            return whole(&trained, task, data, trained.config.batch, flags, global, output);
        }
        Description::Series(description) => {
            let test = Arc::new(root.load_series(data, Split::Test).map_err(told)?);
            let task = Arc::new(description.task(Arc::clone(&test), test)?);
            return whole(&trained, task, data, flags.batch, flags, global, output);
        }
    }
    let set = Arc::new(root.load_split(data, Split::Test).map_err(told)?);
    let description = trained.images()?;
    description.check(&set)?;

    let device = engine::open(global)?;
    let task = Arc::new(ImageTask::to_test(description.image_model(), Arc::clone(&set)));
    let (batch, options) = (flags.batch as usize, engine::options(&trained.config, description.shape[2]));
    let variables = Evaluator::variables(&device, &*task, batch, &options).map_err(failed)?;
    trained.restore(&variables)?;
    let options = TrainerOptions { plan: tuning::options(&flags.tuning, Some(&flags.run), &device), ..options };
    let mut evaluator = Evaluator::new(&device, task, batch, &options, &variables).map_err(failed)?;
    tuning::warn(evaluator.session().plan());

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
        count: Count { unit: "images".to_owned(), count: metrics.count },
        test_loss: metrics.loss,
        test_accuracy: metrics.accuracy,
        classes: tally.classes(),
        speed: Speed { unit: "images".to_owned(), per_s: metrics.count as f64 / seconds },
        seconds,
    };
    show(&evaluation, output)
}

/// Measures any task, without its classes.
fn whole(
    trained: &Trained,
    task: Arc<dyn Task>,
    data: &str,
    batch: u32,
    flags: &args::Eval,
    global: &Global,
    output: Output,
) -> Result<()> {
    let device = engine::open(global)?;
    let (batch, options) = (batch as usize, engine::options(&trained.config, 0));
    let variables = Evaluator::variables(&device, &*task, batch, &options).map_err(failed)?;
    trained.restore(&variables)?;
    let unit = task.unit().to_owned();
    let options = TrainerOptions { plan: tuning::options(&flags.tuning, Some(&flags.run), &device), ..options };
    let mut evaluator = Evaluator::new(&device, task, batch, &options, &variables).map_err(failed)?;
    tuning::warn(evaluator.session().plan());
    let start = Instant::now();
    let metrics = evaluator.run_blocking(&variables).map_err(failed)?;
    let seconds = start.elapsed().as_secs_f64();
    let evaluation = Evaluation {
        run: flags.run.display().to_string(),
        data: data.to_owned(),
        count: Count { unit: unit.clone(), count: metrics.count },
        test_loss: metrics.loss,
        test_accuracy: metrics.accuracy,
        classes: Vec::new(),
        speed: Speed { unit, per_s: metrics.count as f64 / seconds },
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
    /// How many there are to be judged by.
    #[serde(flatten)]
    pub count: Count,
    /// Mean loss over them.
    pub test_loss: f32,
    /// Share of right answers.
    pub test_accuracy: f32,
    /// The same, class by class; empty of what has none.
    pub classes: Vec<ClassAccuracy>,
    /// How many a second.
    #[serde(flatten)]
    pub speed: Speed,
    /// Seconds it took, reading left out.
    pub seconds: f64,
}

/// How many test examples there are. In JSON its key names what is counted: `images`.
#[derive(Clone, Debug)]
pub struct Count {
    /// What is counted.
    pub unit: String,
    /// How many there are.
    pub count: u64,
}

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(&self.unit, &self.count)?;
        map.end()
    }
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
    let Count { unit, count } = &evaluation.count;
    let bars: Vec<Score> =
        evaluation.classes.iter().map(|class| Score { class: class.class.clone(), score: class.accuracy }).collect();
    output.text(format!(
        "{}: {:.2} % of {} test {unit} right, loss {:.4}  ({:.0} {unit}/s)",
        evaluation.data,
        100.0 * evaluation.test_accuracy,
        count,
        evaluation.test_loss,
        evaluation.speed.per_s
    ))?;
    if bars.is_empty() {
        return Ok(());
    }
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
