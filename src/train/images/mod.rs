//! Image classifiers: their graphs, learning from sets of images, class scores.

mod graphs;
mod scorer;
mod task;

pub use graphs::{ImageModel, Images, evaluation_graph, scoring_graph, training_graph};
pub use scorer::Scorer;
pub use task::ImageTask;
