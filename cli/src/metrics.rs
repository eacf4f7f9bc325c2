//! What training measures, one record an epoch, as files and JSON lines carry it.

use serde::{Deserialize, Deserializer, Serialize};

/// The figures of one epoch. As JSON it is the `epoch` event of `girih train` and a line of
/// `metrics.jsonl`.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq)]
#[serde(tag = "event", rename = "epoch")]
pub struct Epoch {
    /// The epoch, from 1.
    pub epoch: u32,
    /// Mean loss over the training images, as they were when each was seen.
    #[serde(deserialize_with = "null_is_nan")]
    pub train_loss: f32,
    /// Share of training images classified rightly, likewise.
    pub train_accuracy: f32,
    /// Mean loss over the test images.
    #[serde(deserialize_with = "null_is_nan")]
    pub test_loss: f32,
    /// Share of test images classified rightly.
    pub test_accuracy: f32,
    /// Learning rate of the epoch's last step.
    pub learning_rate: f32,
    /// Training images a second, evaluation left out.
    pub images_per_s: f64,
    /// Seconds the epoch took, evaluation included; of an epoch that was resumed, since then.
    pub seconds: f64,
}

/// JSON has no NaN: a loss that is not finite is written as `null`, and a run that diverged must
/// still be read.
fn null_is_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f32::NAN))
}

impl Epoch {
    /// The epoch as a line for people.
    #[must_use]
    pub fn text(&self, epochs: u32) -> String {
        format!(
            "epoch {}/{epochs}  train loss {:.3}, accuracy {:.1} %  test loss {:.3}, accuracy \
             {:.1} %  {:.0} images/s  {:.1} s",
            self.epoch,
            self.train_loss,
            100.0 * self.train_accuracy,
            self.test_loss,
            100.0 * self.test_accuracy,
            self.images_per_s,
            self.seconds
        )
    }
}
