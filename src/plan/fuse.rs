//! Fusion: element-wise chains become one kernel, or the end of the matmul or convolution that feeds them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::error::PlanError;
use crate::gpu::Caps;
use crate::graph::{EPILOGUE_OPERANDS, Graph, GraphError, Kind, Lowering, NodeId, Op, OpTypes};
use crate::ops::pointwise::{Fused, FusedEpilogue, Instruction, Program, Value};
use crate::tensor::{DType, TensorType};

/// One op of the fused graph, in execution order.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// The node whose value it computes (or the effect it is).
    pub node: NodeId,
    /// The op, fused or as built.
    pub op: Arc<dyn Op>,
    /// Its inputs.
    pub inputs: Vec<NodeId>,
}

/// The ops that `targets` and the effects need, fused if asked for; effects last.
pub(super) fn steps(graph: &Graph, targets: &[NodeId], caps: &Caps, fuse: bool) -> Result<Vec<Step>, PlanError> {
    let live = live(graph, targets);
    let mut users: Vec<Vec<NodeId>> = vec![Vec::new(); graph.nodes().len()];
    for id in graph.ids().filter(|id| live[id.0 as usize]) {
        for input in &graph.node(id).inputs {
            users[input.0 as usize].push(id);
        }
    }
    let mut absorbed = vec![false; graph.nodes().len()];
    let (mut steps, mut effects) = (Vec::new(), Vec::new());
    for id in graph.ids().rev().filter(|id| live[id.0 as usize]) {
        let node = graph.node(id);
        let Kind::Op(op) = &node.kind else { continue };
        if absorbed[id.0 as usize] {
            continue;
        }
        let group = Group { graph, users: &users, targets, caps };
        let step = match (fuse, op.function()) {
            (false, _) => Step { node: id, op: Arc::clone(op), inputs: node.inputs.clone() },
            (true, None) => {
                let (op, inputs) = group.with_producer(id, op, &mut absorbed);
                Step { node: id, op, inputs }
            }
            (true, Some(_)) => group.fuse(id, &mut absorbed).map_err(PlanError::Fusion)?,
        };
        if node.is_effect() { effects.push(step) } else { steps.push(step) }
    }
    steps.reverse();
    effects.reverse();
    steps.append(&mut effects);
    Ok(steps)
}

fn live(graph: &Graph, targets: &[NodeId]) -> Vec<bool> {
    let mut live = vec![false; graph.nodes().len()];
    for &node in targets.iter().chain(graph.effects()) {
        live[node.0 as usize] = true;
    }
    for id in graph.ids().rev() {
        if live[id.0 as usize] {
            for input in &graph.node(id).inputs {
                live[input.0 as usize] = true;
            }
        }
    }
    live
}

struct Group<'a> {
    graph: &'a Graph,
    users: &'a [Vec<NodeId>],
    targets: &'a [NodeId],
    caps: &'a Caps,
}

impl Group<'_> {
    /// The step that computes the element-wise node `root` together with all it can absorb.
    fn fuse(&self, root: NodeId, absorbed: &mut [bool]) -> Result<Step, GraphError> {
        let mut members = BTreeSet::from([root]);
        let mut operands = self.tensor_operands(root);
        // Later nodes first: when a node's turn comes, all its users have had theirs.
        let mut open = operands.clone();
        while let Some(candidate) = open.pop_last() {
            if !self.absorbable(candidate, root, &members) || self.graph.node(candidate).op().is_none() {
                continue;
            }
            let op = self.graph.node(candidate).op();
            if op.is_some_and(|op| op.function().is_some()) {
                let mut grown = operands.clone();
                grown.remove(&candidate);
                grown.extend(self.tensor_operands(candidate));
                if grown.len() < self.caps.storage_buffers {
                    open.extend(grown.difference(&operands));
                    operands = grown;
                    members.insert(candidate);
                }
            }
        }
        for &member in &members {
            absorbed[member.0 as usize] = true;
        }
        let base = operands.iter().rev().copied().find(|&n| {
            let takes = self.graph.node(n).op().is_some_and(Op::takes_epilogue);
            // Beside its inputs, its output and a scratch buffer.
            let left = self.caps.storage_buffers.saturating_sub(self.graph.node(n).inputs.len() + 2);
            takes
                && operands.len() - 1 <= EPILOGUE_OPERANDS.min(left)
                && self.absorbable(n, root, &members)
                && self.ends_as(n, root)
        });
        match base {
            Some(base) => {
                absorbed[base.0 as usize] = true;
                Ok(self.epilogue(root, base, &members, &operands, absorbed))
            }
            None => Ok(self.chain(root, &members, &operands)),
        }
    }

    /// Whether the kernels of `base` can store the element type of `root`.
    fn ends_as(&self, base: NodeId, root: NodeId) -> bool {
        let (node, output) = (self.graph.node(base), self.graph.ty(root));
        if output.dtype == DType::F32 {
            return true;
        }
        let inputs: Vec<TensorType> = node.inputs.iter().map(|&i| self.graph.ty(i).clone()).collect();
        let lowering = Lowering { inputs: &inputs, output, caps: self.caps, epilogue: None };
        let half = inputs.iter().all(|ty| ty.dtype == DType::F16);
        half && node.op().is_some_and(|op| !op.lower(&lowering).is_empty())
    }

    /// Whether `node` is f32 of the root's shape and has no user outside the group.
    fn absorbable(&self, node: NodeId, root: NodeId, members: &BTreeSet<NodeId>) -> bool {
        let ty = self.graph.ty(node);
        (ty.dtype, &ty.shape) == (DType::F32, &self.graph.ty(root).shape)
            && !self.targets.contains(&node)
            && self.users[node.0 as usize].iter().all(|user| members.contains(user))
    }

    fn tensor_operands(&self, node: NodeId) -> BTreeSet<NodeId> {
        let is_tensor = |n: &NodeId| literal(&self.graph.node(*n).kind).is_none();
        self.graph.node(node).inputs.iter().copied().filter(is_tensor).collect()
    }

    fn chain(&self, root: NodeId, members: &BTreeSet<NodeId>, operands: &BTreeSet<NodeId>) -> Step {
        let node = self.graph.node(root);
        if let (1, Kind::Op(op)) = (members.len(), &node.kind)
            && !node.inputs.iter().any(|&i| literal(&self.graph.node(i).kind).is_some())
        {
            return Step { node: root, op: Arc::clone(op), inputs: node.inputs.clone() };
        }
        let inputs: Vec<NodeId> = operands.iter().copied().collect();
        let program = self.program(members, &inputs);
        // With only numbers for operands, the shape is that of one element.
        Step { node: root, op: Arc::new(Fused(program)), inputs }
    }

    fn epilogue(
        &self,
        root: NodeId,
        base: NodeId,
        members: &BTreeSet<NodeId>,
        operands: &BTreeSet<NodeId>,
        absorbed: &mut [bool],
    ) -> Step {
        let Kind::Op(op) = &self.graph.node(base).kind else { return self.chain(root, members, operands) };
        let extra: Vec<NodeId> = operands.iter().copied().filter(|&n| n != base).collect();
        let mut order = vec![base];
        order.extend(&extra);
        let program = self.program(members, &order);
        let (op, mut inputs) = self.with_producer(base, op, absorbed);
        let base_inputs = inputs.len();
        inputs.extend(extra);
        Step { node: root, op: Arc::new(FusedEpilogue { base: op, base_inputs, program }), inputs }
    }

    /// An op with its inputs, and, where one kernel does both, with the op that feeds it and nothing else.
    fn with_producer(&self, id: NodeId, op: &Arc<dyn Op>, absorbed: &mut [bool]) -> (Arc<dyn Op>, Vec<NodeId>) {
        let node = self.graph.node(id);
        let types = |node: NodeId| -> Vec<_> {
            self.graph.node(node).inputs.iter().map(|&input| self.graph.ty(input).clone()).collect()
        };
        if let &[x] = node.inputs.as_slice()
            && !self.targets.contains(&x)
            && self.users[x.0 as usize] == [id]
            && op.halves(&OpTypes { inputs: &types(id), output: self.graph.ty(id) })
            && let Some(producer) = self.graph.node(x).op()
            && let Some(both) = producer.halved(&OpTypes { inputs: &types(x), output: self.graph.ty(x) }, self.caps)
        {
            absorbed[x.0 as usize] = true;
            return (both, self.graph.node(x).inputs.clone());
        }
        (Arc::clone(op), node.inputs.clone())
    }

    /// The members as a program over `operands`.
    fn program(&self, members: &BTreeSet<NodeId>, operands: &[NodeId]) -> Program {
        let order: Vec<NodeId> = members.iter().copied().collect();
        let value = |id: &NodeId| match literal(&self.graph.node(*id).kind) {
            Some(number) => Value::Literal(number),
            None => match order.iter().position(|m| m == id) {
                Some(index) => Value::Result(index),
                None => Value::Input(operands.iter().position(|o| o == id).unwrap_or_default()),
            },
        };
        let instructions = order
            .iter()
            .filter_map(|id| {
                let node = self.graph.node(*id);
                let function = node.op().and_then(Op::function)?;
                Some(Instruction { function, operands: node.inputs.iter().map(value).collect() })
            })
            .collect();
        Program { input_count: operands.len(), instructions }
    }
}

/// The types of a step's inputs.
pub(super) fn input_types(graph: &Graph, step: &Step) -> Vec<TensorType> {
    step.inputs.iter().map(|&i| graph.ty(i).clone()).collect()
}

/// A number that can stand in WGSL: what is not finite cannot, and is bound like a tensor.
fn literal(kind: &Kind) -> Option<f32> {
    match *kind {
        Kind::Scalar(number) if number.is_finite() => Some(number),
        _ => None,
    }
}
