//! Training: what is learnt ([`Task`]), one step on a device ([`Learner`]), the fit loop ([`Trainer`]), evaluation
//! ([`Evaluator`]) and checkpoints. Images are a task ([`ImageTask`]), texts ([`TextTask`]) and series
//! ([`SeriesTask`]); [`Scorer`] gives images their class scores, [`Writer`] writes texts.

mod checkpoint;
mod evaluator;
mod graphs;
mod images;
mod learner;
mod limits;
mod metrics;
mod series;
mod task;
mod text;
mod trainer;
mod trees;

pub use checkpoint::Checkpoint;
#[cfg(feature = "safetensors")]
pub use checkpoint::CheckpointError;
pub use evaluator::Evaluator;
pub use graphs::{Hyperparameters, TrainingGraph, evaluation_pass, training_step};
pub use images::{ImageModel, ImageTask, Images, Scorer, evaluation_graph, scoring_graph, training_graph};
pub use learner::Learner;
pub use limits::largest_batch;
pub use metrics::{METRICS, Metrics};
pub use series::SeriesTask;
pub use task::{Outcome, Setup, Step, Steps, Task};
pub use text::{Sampling, TextTask, Writer};
pub use trainer::{Progress, Trainer, TrainerOptions};
pub use trees::{Tally, TreeScorer, TreeScores, TreeTask};
