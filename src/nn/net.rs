//! What layers build into.

use crate::graph::{Graph, GraphError, Init, Kind, NodeId};
use crate::tensor::TensorType;

/// What a network is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Batch statistics, and dropout at work.
    Train,
    /// Running statistics, and nothing random.
    Eval,
}

/// The bank of what the optimiser changes.
pub const PARAMETERS: &str = "parameters";
/// The bank of what training keeps beside the parameters: running statistics.
pub const STATISTICS: &str = "statistics";
/// The bank of what one step hands on to the next, such as the last state of a recurrent network.
pub const STATE: &str = "state";

/// A graph under construction, with what its layers must know.
///
/// The same layers built in both modes register the same variables in the same order, so that a training graph and an
/// evaluation graph share them.
#[derive(Debug)]
pub struct Net<'a> {
    graph: &'a mut Graph,
    mode: Mode,
    clock: Option<NodeId>,
}

impl<'a> Net<'a> {
    /// Builds into `graph` for evaluation.
    pub fn eval(graph: &'a mut Graph) -> Self {
        Self { graph, mode: Mode::Eval, clock: None }
    }

    /// Builds into `graph` for training; `clock` is u32 `[2]`, seed and step, from which random layers draw.
    pub fn train(graph: &'a mut Graph, clock: NodeId) -> Self {
        Self { graph, mode: Mode::Train, clock: Some(clock) }
    }

    /// The graph.
    pub fn graph(&mut self) -> &mut Graph {
        self.graph
    }

    /// What the network is built for.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The clock of random layers: there is one in training.
    pub fn clock(&self) -> Option<NodeId> {
        self.clock
    }

    /// The extents of `x`.
    pub fn shape(&self, x: NodeId) -> Vec<usize> {
        self.graph.ty(x).shape.to_vec()
    }

    /// Builds under a layer's name.
    pub fn scoped<T>(&mut self, name: &str, build: impl FnOnce(&mut Net<'_>) -> T) -> T {
        let (mode, clock) = (self.mode, self.clock);
        self.graph.scoped(name, |graph| build(&mut Net { graph, mode, clock }))
    }

    /// A parameter f32 of this shape, named after the layer, such as `layer1.conv.weight`.
    ///
    /// # Errors
    /// When the graph has a variable of that name already.
    pub fn parameter(&mut self, name: &str, shape: &[usize], init: Init) -> Result<NodeId, GraphError> {
        self.variable(PARAMETERS, name, shape, init)
    }

    /// A statistic f32 of this shape, which no optimiser changes, named after the layer.
    ///
    /// # Errors
    /// When the graph has a variable of that name already.
    pub fn statistic(&mut self, name: &str, shape: &[usize], init: Init) -> Result<NodeId, GraphError> {
        self.variable(STATISTICS, name, shape, init)
    }

    /// A value f32 of this shape that one step hands on to the next, named after the layer; at first 0. Read it, and
    /// [assign](Graph::assign) it what the next step is to find.
    ///
    /// # Errors
    /// When the graph has a variable of that name already.
    pub fn state(&mut self, name: &str, shape: &[usize]) -> Result<NodeId, GraphError> {
        self.variable(STATE, name, shape, Init::Fill(0.0))
    }

    fn variable(&mut self, bank: &str, name: &str, shape: &[usize], init: Init) -> Result<NodeId, GraphError> {
        let name = self.graph.qualified(name);
        if self.graph.variables().iter().any(|v| v.name == name) {
            return Err(self.error(name.as_str(), &[], "there is a variable of this name already"));
        }
        Ok(self.graph.variable(bank, &name, TensorType::f32(shape), init))
    }

    /// The variable nodes of the graph in `bank`, in order: what gradients are taken with respect to.
    pub fn variables_of(graph: &Graph, bank: &str) -> Vec<NodeId> {
        let banks = graph.banks_named(bank);
        let belongs = |id: &NodeId| match graph.node(*id).kind {
            Kind::Variable(v) => banks.contains(&graph.variables()[v.0 as usize].bank),
            _ => false,
        };
        graph.ids().filter(belongs).collect()
    }

    /// An error of a layer of this kind, at the layer being built.
    pub fn error(&self, layer: &str, inputs: &[NodeId], why: &str) -> GraphError {
        self.graph.error(layer, inputs, why)
    }
}

/// A part of a network.
///
/// A layer is a description: it holds no weights and can be built any number of times. Extents that follow from the
/// input, such as the input channels of a convolution, are taken from it.
pub trait Layer: std::fmt::Debug + Send + Sync {
    /// Adds the layer to the graph, over `x`.
    ///
    /// # Errors
    /// When `x` does not fit; the error names the layer's path and the shapes.
    fn build(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError>;

    /// As [`Layer::build`], but leaves out what is added to whole channels last and returns it beside, of shape
    /// `[C]`: max pooling may come before it.
    ///
    /// # Errors
    /// As [`Layer::build`].
    fn build_without_bias(&self, net: &mut Net<'_>, x: NodeId) -> Result<(NodeId, Option<NodeId>), GraphError> {
        Ok((self.build(net, x)?, None))
    }

    /// Whether it is element-wise and never decreases, so that it may come after max pooling instead of before.
    fn is_monotone(&self) -> bool {
        false
    }

    /// Whether it is max pooling.
    fn is_max_pool(&self) -> bool {
        false
    }
}
