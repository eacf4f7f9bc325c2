//! Classifiers of the nodes of trees: learning from sets of trees, scores, class scores of single trees.

mod scorer;
mod scores;
mod task;

pub use scorer::TreeScorer;
pub use scores::{Tally, TreeScores};
pub use task::TreeTask;
