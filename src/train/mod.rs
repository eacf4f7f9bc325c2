//! Training: what is learnt ([`Task`]), one step on a device ([`Learner`]), the fit loop ([`Trainer`]), evaluation
//! ([`Evaluator`]) and checkpoints. Images are a task ([`ImageTask`]); [`Scorer`] gives their class scores.

mod checkpoint;
mod evaluator;
mod graphs;
mod images;
mod learner;
mod limits;
mod metrics;
mod task;
mod trainer;

pub use checkpoint::Checkpoint;
#[cfg(feature = "safetensors")]
pub use checkpoint::CheckpointError;
pub use evaluator::Evaluator;
pub use graphs::{Hyperparameters, TrainingGraph, evaluation_pass, training_step};
pub use images::{ImageModel, ImageTask, Images, Scorer, scoring_graph, training_graph};
pub use learner::Learner;
pub use limits::largest_batch;
pub use metrics::{METRICS, Metrics};
pub use task::{Outcome, Setup, Step, Steps, Task};
pub use trainer::{Progress, Trainer, TrainerOptions};
