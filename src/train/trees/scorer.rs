//! Class scores of the nodes of trees.

use crate::Error;
use crate::data::trees::{Forest, Order, Room, Tree, Vocabulary};
use crate::gpu::Device;
use crate::graph::{Graph, GraphError, NodeId};
use crate::nn::Net;
use crate::nn::models::TreeNet;
use crate::plan::{Plan, PlanOptions, Session, Variables};
use crate::tensor::HostTensor;

/// A model ready to score trees, as many together as there is room for.
pub struct TreeScorer {
    session: Session,
    variables: Variables,
    vocabulary: Vocabulary,
    room: Room,
    classes: usize,
}

impl TreeScorer {
    /// Plans the scoring of forests of up to `room`, whose arity must be the model's. The variables hold initial values
    /// until [restored](Variables::restore).
    ///
    /// # Errors
    /// When the model does not build, or exceeds the device's limits.
    pub fn new(
        device: &Device,
        model: &TreeNet,
        vocabulary: Vocabulary,
        room: Room,
        options: &PlanOptions,
    ) -> Result<Self, Error> {
        let (graph, scores) = scoring_graph(model, &room)?;
        let plan = Plan::for_device(&graph, &[("scores", scores)], device, options)?;
        let variables = Variables::new(device, &graph, 0)?;
        let session = Session::new(device, plan, &variables)?;
        Ok(Self { session, variables, vocabulary, room, classes: model.classes })
    }

    /// The parameters.
    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    /// The scores of each node of each tree, a probability distribution over the classes each, in the order of its
    /// nodes; blocks.
    ///
    /// # Errors
    /// When a node has too many children, there is no room, or the device was lost.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn score_blocking(&self, trees: &[&Tree]) -> Result<Vec<Vec<Vec<f32>>>, Error> {
        let rows = self.submit(trees)?;
        Ok(self.sort(rows, &self.session.read("scores")?.wait()?))
    }

    /// [`TreeScorer::score_blocking`], as a future.
    ///
    /// # Errors
    /// As [`TreeScorer::score_blocking`].
    pub async fn score(&self, trees: &[&Tree]) -> Result<Vec<Vec<Vec<f32>>>, Error> {
        let rows = self.submit(trees)?;
        Ok(self.sort(rows, &self.session.read("scores")?.await?))
    }

    fn submit(&self, trees: &[&Tree]) -> Result<Vec<Vec<u32>>, Error> {
        let forest = Forest::new(trees, &self.vocabulary, &self.room, Order::Heights)?;
        self.session.write_u32("words", &forest.words)?;
        self.session.write_u32("children", &forest.children)?;
        self.session.write_u32("levels", &forest.levels)?;
        self.session.submit_prologue();
        self.session.submit();
        Ok(forest.rows)
    }

    fn sort(&self, rows: Vec<Vec<u32>>, scores: &HostTensor) -> Vec<Vec<Vec<f32>>> {
        let scores: Vec<&[f32]> = scores.as_f32().unwrap_or_default().chunks_exact(self.classes).collect();
        let of = |row: u32| scores.get(row as usize).map(|scores| scores.to_vec()).unwrap_or_default();
        rows.into_iter().map(|tree| tree.into_iter().map(of).collect()).collect()
    }
}

/// Inputs `words`, `children` and `levels` of `room` → the scores of all rows, f32 `[rows, classes]`.
fn scoring_graph(model: &TreeNet, room: &Room) -> Result<(Graph, NodeId), GraphError> {
    let mut graph = Graph::new();
    let mut net = Net::eval(&mut graph);
    let tables = model.tables(&mut net, room.leaves, room.inner, room.levels);
    let logits = model.build(&mut net, &tables)?;
    let scores = graph.softmax(logits, 1)?;
    Ok((graph, scores))
}
