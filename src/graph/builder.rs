//! The graph and its builder. Ops add their builders (`Graph::relu`, `Graph::conv2d`, …) beside their definitions.

use std::sync::Arc;

use super::error::GraphError;
use super::node::{Bank, BankId, Init, Kind, Node, NodeId, Variable, VariableId};
use super::op::Op;
use crate::tensor::{DType, HostTensor, TensorType};

/// A network as nodes in topological order, the variables it keeps between runs, and the effects that change them.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    variables: Vec<Variable>,
    banks: Vec<Bank>,
    effects: Vec<NodeId>,
    scope: Vec<String>,
    streams: u32,
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// All nodes, inputs before users.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// One node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// A node's type.
    pub fn ty(&self, id: NodeId) -> &TensorType {
        &self.node(id).ty
    }

    /// All node ids, in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// All variables.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// All banks.
    pub fn banks(&self) -> &[Bank] {
        &self.banks
    }

    /// The effects, in the order they run.
    pub fn effects(&self) -> &[NodeId] {
        &self.effects
    }

    /// Adds what `build` adds, under a layer name.
    pub fn scoped<T>(&mut self, name: &str, build: impl FnOnce(&mut Self) -> T) -> T {
        self.scope.push(name.to_owned());
        let built = build(self);
        self.scope.pop();
        built
    }

    /// Adds what `build` adds, under an existing layer's path: a gradient belongs to the layer it came from.
    pub fn at_path<T>(&mut self, path: &str, build: impl FnOnce(&mut Self) -> T) -> T {
        let scope = if path.is_empty() { Vec::new() } else { vec![path.to_owned()] };
        let outer = std::mem::replace(&mut self.scope, scope);
        let built = build(self);
        self.scope = outer;
        built
    }

    /// The path of the layer being built.
    pub fn path(&self) -> String {
        self.scope.join(".")
    }

    /// `name` under the layer being built, such as `layer1.conv.weight`.
    pub fn qualified(&self, name: &str) -> String {
        if self.scope.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path()) }
    }

    /// A value the host writes before each run.
    pub fn input(&mut self, name: &str, ty: TensorType) -> NodeId {
        self.push(Kind::Input(name.to_owned()), Vec::new(), ty)
    }

    /// A number, broadcast wherever it is used.
    pub fn scalar(&mut self, value: f32) -> NodeId {
        self.push(Kind::Scalar(value), Vec::new(), TensorType::f32([]))
    }

    /// Fixed values.
    pub fn constant(&mut self, value: HostTensor) -> NodeId {
        let ty = value.ty();
        self.push(Kind::Constant(Arc::new(value)), Vec::new(), ty)
    }

    /// A persistent f32 tensor in the bank called `bank`, or in the next of that name when it is full (`bank.1`, …).
    pub fn variable(&mut self, bank: &str, name: &str, ty: TensorType, init: Init) -> NodeId {
        let bank = self.bank_with_room(bank, ty.count());
        let offset = self.banks[bank.0 as usize].len.next_multiple_of(Bank::ALIGNMENT);
        self.banks[bank.0 as usize].len = offset + ty.count();
        let id = VariableId(self.variables.len() as u32);
        self.variables.push(Variable { name: name.to_owned(), ty: ty.clone(), bank, offset, init });
        self.push(Kind::Variable(id), Vec::new(), ty)
    }

    /// A bank as one flat tensor; to be taken once all its variables are there.
    pub fn bank(&mut self, bank: BankId) -> NodeId {
        let len = self.banks[bank.0 as usize].len;
        self.push(Kind::Bank(bank), Vec::new(), TensorType::f32([len]))
    }

    /// The banks whose name is `name` or `name.N`.
    pub fn banks_named(&self, name: &str) -> Vec<BankId> {
        let belongs = |bank: &Bank| {
            bank.name
                .strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.strip_prefix('.').is_some_and(|n| n.parse::<u32>().is_ok()))
        };
        (0u32..).zip(&self.banks).filter(|(_, bank)| belongs(bank)).map(|(i, _)| BankId(i)).collect()
    }

    fn bank_with_room(&mut self, name: &str, count: usize) -> BankId {
        let named = self.banks_named(name);
        if let Some(&last) = named.last() {
            let len = self.banks[last.0 as usize].len.next_multiple_of(Bank::ALIGNMENT);
            if len + count <= Bank::MAX_LEN {
                return last;
            }
        }
        let name = if named.is_empty() { name.to_owned() } else { format!("{name}.{}", named.len()) };
        self.banks.push(Bank { name, len: 0 });
        BankId(self.banks.len() as u32 - 1)
    }

    /// A number no other call on this graph returns: the random stream of an op, so that two dropouts differ.
    pub fn stream(&mut self) -> u32 {
        self.streams += 1;
        self.streams
    }

    /// Adds an op.
    ///
    /// # Errors
    /// When the inputs do not fit it.
    pub fn apply(&mut self, op: impl Op + 'static, inputs: &[NodeId]) -> Result<NodeId, GraphError> {
        self.apply_shared(Arc::new(op), inputs)
    }

    /// [`Graph::apply`] of an op that is already shared.
    ///
    /// # Errors
    /// When the inputs do not fit it.
    pub fn apply_shared(&mut self, op: Arc<dyn Op>, inputs: &[NodeId]) -> Result<NodeId, GraphError> {
        let types: Vec<TensorType> = inputs.iter().map(|&i| self.ty(i).clone()).collect();
        if !op.takes_f16() && types.iter().any(|ty| ty.dtype == DType::F16) {
            return Err(self.error(op.name(), inputs, "takes no f16"));
        }
        let ty = op.infer(&types).map_err(|e| self.error(op.name(), inputs, &e.0))?;
        let effect = !op.mutates().is_empty();
        if !effect && types.iter().chain([&ty]).any(|ty| ty.count() == 0) {
            return Err(self.error(op.name(), inputs, &format!("nothing to compute: {ty} from these")));
        }
        let id = self.push(Kind::Op(op), inputs.to_vec(), ty);
        if effect {
            self.effects.push(id);
        }
        Ok(id)
    }

    /// An error of an op at the layer being built.
    pub fn error(&self, op: &str, inputs: &[NodeId], why: &str) -> GraphError {
        GraphError {
            path: self.path(),
            op: op.to_owned(),
            inputs: inputs.iter().map(|&i| self.ty(i).clone()).collect(),
            why: why.to_owned(),
        }
    }

    /// This graph node by node, with the inputs of each as `inputs` gives them: it is handed the graph so far, to which
    /// it may add nodes, the old id, and the inputs' new ids. Returns the new id of every node by its old one.
    pub(crate) fn rebuilt(
        &self,
        mut inputs: impl FnMut(&mut Self, NodeId, Vec<NodeId>) -> Result<Vec<NodeId>, GraphError>,
    ) -> Result<(Self, Vec<NodeId>), GraphError> {
        let mut new = Self { nodes: Vec::new(), effects: Vec::new(), ..self.clone() };
        let mut ids: Vec<NodeId> = Vec::with_capacity(self.nodes.len());
        for (id, node) in self.ids().zip(&self.nodes) {
            let mapped = node.inputs.iter().map(|i| ids[i.0 as usize]).collect();
            let inputs = inputs(&mut new, id, mapped)?;
            new.nodes.push(Node { inputs, ..node.clone() });
            ids.push(NodeId(new.nodes.len() as u32 - 1));
        }
        new.effects = self.effects.iter().map(|effect| ids[effect.0 as usize]).collect();
        Ok((new, ids))
    }

    fn push(&mut self, kind: Kind, inputs: Vec<NodeId>, ty: TensorType) -> NodeId {
        self.nodes.push(Node { kind, inputs, ty, path: self.path() });
        NodeId(self.nodes.len() as u32 - 1)
    }
}
