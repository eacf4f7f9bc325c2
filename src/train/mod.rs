//! Training and using image classifiers: one step on a device ([`Learner`]), the fit loop over a data set
//! ([`Trainer`]), evaluation ([`Evaluator`]), class scores ([`Scorer`]), and checkpoints.

mod checkpoint;
mod evaluator;
mod graphs;
mod learner;
mod limits;
mod metrics;
mod pictures;
mod scorer;
mod trainer;

pub use checkpoint::Checkpoint;
#[cfg(feature = "safetensors")]
pub use checkpoint::CheckpointError;
pub use evaluator::Evaluator;
pub use graphs::{Hyperparameters, ImageModel, Images, TrainingGraph, evaluation_graph, scoring_graph, training_graph};
pub use learner::Learner;
pub use limits::largest_batch;
pub use metrics::{METRICS, Metrics};
pub use scorer::Scorer;
pub use trainer::{Progress, Trainer, TrainerOptions};
