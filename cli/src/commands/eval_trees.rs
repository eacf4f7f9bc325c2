//! `girih eval` of a classifier of the nodes of trees.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use girih::data::Root;
use girih::data::trees::{Part, Vocabulary};
use girih::train::{Evaluator, TreeScores, TreeTask};
use serde::Serialize;

use crate::args::{self, Global};
use crate::engine::{self, failed};
use crate::error::{told, usage};
use crate::output::Output;
use crate::task::trees::TreeDescription;
use crate::trained::Trained;

/// Shares of right answers, as files and JSON lines carry them.
#[derive(Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq)]
pub struct Shares {
    /// Of roots, five classes.
    pub root_accuracy: f32,
    /// Of roots, positive or negative.
    pub root_binary_accuracy: f32,
    /// Of all nodes, five classes.
    pub node_accuracy: f32,
    /// Of all nodes, positive or negative.
    pub node_binary_accuracy: f32,
}

impl From<TreeScores> for Shares {
    fn from(scores: TreeScores) -> Self {
        Self {
            root_accuracy: scores.root_accuracy,
            root_binary_accuracy: scores.root_binary_accuracy,
            node_accuracy: scores.node_accuracy,
            node_binary_accuracy: scores.node_binary_accuracy,
        }
    }
}

impl Shares {
    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let [root, root2, node, node2] =
            [self.root_accuracy, self.root_binary_accuracy, self.node_accuracy, self.node_binary_accuracy]
                .map(|share| 100.0 * share);
        format!("roots {root:.2} %, binary {root2:.2} %; all nodes {node:.2} %, binary {node2:.2} %")
    }
}

/// The JSON line.
#[derive(Serialize)]
#[serde(tag = "event", rename = "eval")]
struct Evaluation {
    run: String,
    data: String,
    part: &'static str,
    trees: u64,
    nodes: u64,
    words: u64,
    unknown_words: u64,
    test_loss: f32,
    #[serde(flatten)]
    shares: Shares,
    nodes_per_s: f64,
    seconds: f64,
}

/// Runs `girih eval` on a model of trees. `sst:dev` is another part of the data than the test trees.
///
/// # Errors
/// The data or the adapter cannot be used, or a tree does not fit the model.
pub fn run(
    flags: &args::Eval,
    trained: &Trained,
    description: &TreeDescription,
    global: &Global,
    output: Output,
) -> Result<()> {
    let named = flags.data.as_deref();
    // A path may have a colon too.
    let with_part = named.filter(|named| !Path::new(named).exists()).and_then(|named| named.rsplit_once(':'));
    let (data, part) = match with_part {
        Some((data, part)) => match Part::named(part) {
            Some(part) => (data, part),
            None => return usage(format!("{data} has the parts train, dev and test, and no {part}")),
        },
        None => (named.unwrap_or(&trained.config.data), Part::Test),
    };
    let trees = Root::find(global.data_root.as_deref()).load_trees(data, part).map_err(told)?;
    let vocabulary: Vocabulary = description.vocabulary();
    let (unknown_words, words) = vocabulary.count_unknown(&trees);
    let device = engine::open(global)?;
    let task = Arc::new(TreeTask::new(description.net_for(&trees), vocabulary, trees.clone(), trees).map_err(failed)?);
    let (batch, options) = (flags.batch as usize, engine::options(&trained.config, 0));
    let variables = Evaluator::variables(&device, &*task, batch, &options).map_err(failed)?;
    trained.restore(&variables)?;
    let shared: Arc<dyn girih::train::Task> = Arc::<TreeTask>::clone(&task);
    let mut evaluator = Evaluator::new(&device, shared, batch, &options, &variables).map_err(failed)?;
    let mut tally = task.tally(&evaluator.setup()).map_err(failed)?;
    let start = Instant::now();
    let metrics = evaluator
        .run_with_logits_blocking(&variables, |logits| tally.add(logits.as_f32().unwrap_or_default()))
        .map_err(failed)?;
    let seconds = start.elapsed().as_secs_f64();
    let scores = tally.scores();
    let evaluation = Evaluation {
        run: flags.run.display().to_string(),
        data: data.to_owned(),
        part: part.name(),
        trees: scores.roots,
        nodes: scores.nodes,
        words,
        unknown_words,
        test_loss: metrics.loss,
        shares: scores.into(),
        nodes_per_s: metrics.count as f64 / seconds,
        seconds,
    };
    output.json(&evaluation)?;
    let count = crate::table::count;
    output.text(format!(
        "{data}, {}: {}\n{} trees, {} nodes, loss {:.4}; {} of {} words unknown  ({:.0} nodes/s)",
        evaluation.part,
        evaluation.shares.text(),
        count(evaluation.trees),
        count(evaluation.nodes),
        evaluation.test_loss,
        count(unknown_words),
        count(words),
        evaluation.nodes_per_s,
    ))
}
