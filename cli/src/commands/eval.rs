//! `girih eval`: a trained model measured on test images.

use anyhow::Result;
use serde::Serialize;

use crate::output::Output;
use crate::table::{Score, score_bars};

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
    let bars: Vec<Score> = evaluation
        .classes
        .iter()
        .map(|class| Score {
            class: class.class.clone(),
            score: class.accuracy,
        })
        .collect();
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
