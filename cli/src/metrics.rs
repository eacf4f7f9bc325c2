//! What training measures, one record an epoch, as files and JSON lines carry it.

use std::fmt;

use crate::commands::eval_trees::Shares;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The figures of one epoch. As JSON it is the `epoch` event of `girih train` and a line of
/// `metrics.jsonl`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(tag = "event", rename = "epoch")]
pub struct Epoch {
    /// The epoch, from 1.
    pub epoch: u32,
    /// Mean loss over the training data, as the model was when each example was seen.
    #[serde(deserialize_with = "null_is_nan")]
    pub train_loss: f32,
    /// Share of right answers, likewise.
    pub train_accuracy: f32,
    /// Mean loss over the test data.
    #[serde(deserialize_with = "null_is_nan")]
    pub test_loss: f32,
    /// Share of right answers there.
    pub test_accuracy: f32,
    /// Of trees: shares of right answers at roots and all nodes.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub shares: Option<Shares>,
    /// Learning rate of the epoch's last step.
    pub learning_rate: f32,
    /// Training examples a second, evaluation left out.
    #[serde(flatten)]
    pub speed: Speed,
    /// Seconds the epoch took, evaluation included; of an epoch that was resumed, since then.
    pub seconds: f64,
}

/// Examples a second. In JSON its key names what is counted: `images_per_s`.
#[derive(Clone, Debug, PartialEq)]
pub struct Speed {
    /// What is counted, such as `images`.
    pub unit: String,
    /// How many a second.
    pub per_s: f64,
}

const PER_SECOND: &str = "_per_s";

impl Serialize for Speed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(&format!("{}{PER_SECOND}", self.unit), &self.per_s)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Speed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Speed;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a key that ends in {PER_SECOND}")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Speed, A::Error> {
                let mut speed = None;
                while let Some(key) = map.next_key::<String>()? {
                    match key.strip_suffix(PER_SECOND) {
                        Some(unit) => speed = Some(Speed { unit: unit.to_owned(), per_s: map.next_value()? }),
                        None => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                speed.ok_or_else(|| serde::de::Error::missing_field("images_per_s"))
            }
        }
        deserializer.deserialize_map(Keys)
    }
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
        let shares = self.shares.map(|shares| format!("\n    {}", shares.text())).unwrap_or_default();
        format!(
            "epoch {}/{epochs}  train loss {:.3}, accuracy {:.1} %  test loss {:.3}, accuracy \
             {:.1} %  {:.0} {}/s  {:.1} s{shares}",
            self.epoch,
            self.train_loss,
            100.0 * self.train_accuracy,
            self.test_loss,
            100.0 * self.test_accuracy,
            self.speed.per_s,
            self.speed.unit,
            self.seconds
        )
    }
}
