//! Classifiers of the nodes of trees: learning from sets of trees, scores, class scores of single trees.

mod scores;
mod task;

pub use scores::{Tally, TreeScores};
pub use task::TreeTask;
