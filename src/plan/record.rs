//! Lowering: steps and locations become a [`Recording`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::choose::{candidates, misfit};
use super::error::PlanError;
use super::fuse::{Step, input_types};
use super::place::Placed;
use super::prologue::{ahead, changed_banks, is_steady, written_scratch};
use super::slots::Slots;
use super::{Plan, PlanOptions, Port, Precision, Tuning};
use crate::gpu::{
    Binding, BufferId, BufferRole, BufferSpec, Caps, Dispatch, Follow, PARAMS_BYTES, PipelineId, Recording,
    UNIFORM_LEAST,
};
use crate::graph::{BankId, Graph, Kind, Lowering, NodeId, OpTypes};
use crate::kernel::{Following, Kernel, KernelCall, Module, Operand, Strategy};
use crate::tensor::{HostTensor, TensorType};

/// Lowers `steps` for a device with `caps`.
pub(super) fn record(
    graph: &Graph,
    steps: &[Step],
    placed: &Placed,
    outputs: &[(&str, NodeId)],
    caps: &Caps,
    options: &PlanOptions,
) -> Result<Plan, PlanError> {
    let mut recorder = Recorder {
        graph,
        placed,
        caps,
        recording: Recording::default(),
        homes: BTreeMap::new(),
        slots: Slots::new(options.reuse),
        slot_users: Vec::new(),
        modules: HashMap::new(),
        pipelines: HashMap::new(),
        strategies: Vec::new(),
        warnings: Vec::new(),
        prologue: Vec::new(),
        prologue_strategies: Vec::new(),
        changed_banks: changed_banks(graph, steps),
        variables: Vec::new(),
    };
    let kept: Vec<NodeId> = outputs.iter().map(|(_, node)| placed.location(*node).root).collect();
    let last_uses = last_uses(steps, placed);
    for (index, step) in steps.iter().enumerate() {
        recorder.step(index as u32, step, options, &kept)?;
        let mut inputs: Vec<NodeId> = step.inputs.iter().map(|&i| placed.location(i).root).collect();
        inputs.push(placed.location(step.node).root);
        inputs.sort_unstable();
        inputs.dedup();
        for root in inputs {
            if last_uses.get(&root) == Some(&index) {
                recorder.release(root);
            }
        }
    }
    recorder.finish(outputs, options.precision)
}

/// The last step that touches each storage.
fn last_uses(steps: &[Step], placed: &Placed) -> BTreeMap<NodeId, usize> {
    let mut last = BTreeMap::new();
    for (index, step) in steps.iter().enumerate() {
        for &node in step.inputs.iter().chain([&step.node]) {
            last.insert(placed.location(node).root, index);
        }
    }
    last
}

/// Where a value's storage is: a buffer of its own, or a slot.
#[derive(Clone, Copy, Debug)]
enum Home {
    Buffer(BufferId),
    Slot(usize),
}

impl Home {
    fn buffer(self) -> BufferId {
        match self {
            Self::Buffer(id) => id,
            Self::Slot(slot) => BufferId(slot as u32 | SLOT_BIT),
        }
    }
}

struct Recorder<'a> {
    graph: &'a Graph,
    placed: &'a Placed,
    caps: &'a Caps,
    recording: Recording,
    homes: BTreeMap<NodeId, Home>,
    slots: Slots,
    /// What a slot's buffer is labelled with: the first value that lived there.
    slot_users: Vec<String>,
    modules: HashMap<Kernel, Module>,
    pipelines: HashMap<Kernel, PipelineId>,
    strategies: Vec<&'static str>,
    warnings: Vec<String>,
    /// Dispatches that depend on variables alone, and their strategies.
    prologue: Vec<Dispatch>,
    prologue_strategies: Vec<&'static str>,
    changed_banks: BTreeSet<BankId>,
    variables: Vec<(String, crate::graph::Variable)>,
}

/// Buffers of slots are numbered after all others are known; until then a binding refers to them by this bit.
const SLOT_BIT: u32 = 1 << 31;

impl Recorder<'_> {
    fn step(&mut self, number: u32, step: &Step, options: &PlanOptions, kept: &[NodeId]) -> Result<(), PlanError> {
        if self.placed.views.contains(&step.node) {
            return Ok(());
        }
        let place = self.place_name(step);
        let types = input_types(self.graph, step);
        let output = self.graph.ty(step.node).clone();
        for ty in types.iter().chain([&output]) {
            self.check_size(&place, ty.bytes())?;
        }
        let inputs: Vec<Binding> = step.inputs.iter().map(|&i| self.binding(i)).collect::<Result<_, _>>()?;
        let root = self.placed.location(step.node).root;
        if output.count() > 0 && !self.homes.contains_key(&root) {
            self.settle(root, kept);
        }
        let output_binding = if output.count() > 0 { Some(self.binding(step.node)?) } else { None };
        let lowering = Lowering { inputs: &types, output: &output, caps: self.caps, epilogue: None };
        let steady: Vec<bool> =
            step.inputs.iter().map(|&i| is_steady(self.graph, self.placed, &self.changed_banks, i)).collect();
        let (candidates, absent) = candidates(&*step.op, &lowering, &steady, options)?;
        if let (Some(wanted), Tuning::Profile(_)) = (absent, &options.tuning) {
            self.warnings.push(format!("{place}: the tuning profile names {wanted}, which is no strategy of it here"));
        }
        let mut chosen = None;
        for strategy in candidates {
            let modules = self.modules(&strategy)?;
            let Some(why) = modules.iter().find_map(|module| misfit(module, self.caps)) else {
                chosen = Some((strategy, modules));
                break;
            };
            // Of the engine's own there is another.
            if strategy.calls.iter().any(|call| call.kernel.is_foreign()) {
                self.warnings.push(format!("{place}: {} is not taken: {why}", strategy.name));
            }
        }
        let (strategy, modules) = chosen.ok_or_else(|| PlanError::NoStrategy { place: place.clone() })?;
        let ahead = ahead(&strategy, &modules, &steady);
        // What is packed ahead stays from run to run.
        let staying = written_scratch(&strategy, &modules, |call| ahead[call]);
        let scratch: Vec<(Home, u64)> = strategy
            .scratch
            .iter()
            .enumerate()
            .map(|(i, &bytes)| match staying.contains(&i) {
                true => (Home::Buffer(self.buffer(place.clone(), bytes, BufferRole::Scratch)), bytes),
                false => (Home::Slot(self.slot(bytes, &place)), bytes),
            })
            .collect();
        let flops = step.op.flops(&OpTypes { inputs: &types, output: &output });
        let done = self.placed.in_place.get(&step.node);
        for (index, (call, module)) in strategy.calls.iter().zip(&modules).enumerate() {
            // One call an input, in order, by the contract of `Op::places`.
            if done.is_some_and(|done| done.get(index) == Some(&true)) {
                continue;
            }
            let bindings = call
                .operands
                .iter()
                .map(|bound| {
                    let whole = match bound.operand {
                        Operand::Input(i) => inputs[i],
                        Operand::Output => output_binding?,
                        Operand::Scratch(i) => {
                            let (home, bytes) = scratch[i];
                            Binding { buffer: home.buffer(), offset: 0, bytes }
                        }
                    };
                    Some(match bound.window {
                        None => whole,
                        Some((offset, bytes)) => Binding { offset: whole.offset + offset, bytes, ..whole },
                    })
                })
                .collect::<Option<Vec<_>>>()
                .ok_or_else(|| PlanError::NoStrategy { place: place.clone() })?;
            bindings.iter().for_each(|binding| self.make_room(binding));
            self.check_grid(&place, call)?;
            let params = module.pack(&call.params)?;
            debug_assert!(params.len() <= PARAMS_BYTES);
            let pipeline = self.pipeline(&call.kernel, module);
            // The op's operations are counted once, at its first dispatch.
            let flops = if index == 0 { flops } else { 0 };
            let follow = call.following.map(|following| self.follow(&place, following, &inputs)).transpose()?;
            let (label, grid) = (place.clone(), call.grid);
            let dispatch = Dispatch { label, step: number, pipeline, bindings, params, grid, follow, flops };
            if ahead[index] {
                self.prologue.push(dispatch);
                self.prologue_strategies.push(strategy.name);
            } else {
                self.recording.dispatches.push(dispatch);
                self.strategies.push(strategy.name);
            }
        }
        for (home, _) in scratch {
            if let Home::Slot(slot) = home {
                self.slots.release(slot);
            }
        }
        Ok(())
    }

    /// The word of an input of the graph that a grid follows.
    fn follow(&self, place: &str, following: Following, inputs: &[Binding]) -> Result<Follow, PlanError> {
        let Following { input, word, times, first, per, axis } = following;
        let binding = inputs[input];
        match self.recording.buffers.get(binding.buffer.0 as usize) {
            Some(BufferSpec { role: BufferRole::Input, .. }) => {}
            _ => {
                return Err(PlanError::Graph(vec![format!("{place}: input {input} holds counts: the host writes it")]));
            }
        }
        let word = binding.offset / 4 + word as u64;
        let [times, first, per] = [times, first, per].map(|n| n as u32);
        Ok(Follow { buffer: binding.buffer, word, times, first, per, axis })
    }

    fn place_name(&self, step: &Step) -> String {
        let path = &self.graph.node(step.node).path;
        let name = step.op.name();
        if path.is_empty() { name.to_owned() } else { format!("{path}: {name}") }
    }

    fn check_size(&self, place: &str, asked: u64) -> Result<(), PlanError> {
        let limit = self.caps.binding_bytes.min(self.caps.buffer_bytes);
        if asked <= limit {
            return Ok(());
        }
        Err(PlanError::TooLarge { place: place.to_owned(), what: "a tensor's bytes", asked, limit })
    }

    fn check_grid(&self, place: &str, call: &KernelCall) -> Result<(), PlanError> {
        let limit = u64::from(self.caps.workgroups);
        match call.grid.iter().map(|&n| u64::from(n)).max() {
            Some(asked) if asked > limit => {
                Err(PlanError::TooLarge { place: place.to_owned(), what: "a grid's workgroups", asked, limit })
            }
            _ => Ok(()),
        }
    }

    fn modules(&mut self, strategy: &Strategy) -> Result<Vec<Module>, PlanError> {
        let immediates = self.caps.immediate_bytes as usize >= PARAMS_BYTES;
        let mut modules = Vec::new();
        for call in &strategy.calls {
            if !self.modules.contains_key(&call.kernel) {
                let module = Module::new(&call.kernel, immediates)?;
                self.modules.insert(call.kernel.clone(), module);
            }
            modules.extend(self.modules.get(&call.kernel).cloned());
        }
        Ok(modules)
    }

    fn pipeline(&mut self, kernel: &Kernel, module: &Module) -> PipelineId {
        let next = PipelineId(self.recording.pipelines.len() as u32);
        *self.pipelines.entry(kernel.clone()).or_insert_with(|| {
            self.recording.pipelines.push(module.spec.clone());
            next
        })
    }

    /// Gives a computed value its storage.
    fn settle(&mut self, root: NodeId, kept: &[NodeId]) {
        let bytes = self.graph.ty(root).bytes();
        // What the host reads must outlive the run; the gaps of packed values must stay zero.
        let home = if kept.contains(&root) || self.placed.in_place.contains_key(&root) {
            Home::Buffer(self.buffer(self.graph.node(root).path.clone(), bytes, BufferRole::Output))
        } else {
            let label = self.graph.node(root).path.clone();
            Home::Slot(self.slot(bytes, &label))
        };
        self.homes.insert(root, home);
    }

    fn slot(&mut self, bytes: u64, label: &str) -> usize {
        let slot = self.slots.take(bytes);
        if slot == self.slot_users.len() {
            self.slot_users.push(label.to_owned());
        }
        slot
    }

    fn release(&mut self, root: NodeId) {
        if let Some(Home::Slot(slot)) = self.homes.get(&root) {
            self.slots.release(*slot);
        }
    }

    fn buffer(&mut self, label: String, bytes: u64, role: BufferRole) -> BufferId {
        self.recording.buffers.push(BufferSpec { label, bytes, role });
        BufferId(self.recording.buffers.len() as u32 - 1)
    }

    /// Grows what is bound short, for a window of [`UNIFORM_LEAST`].
    fn make_room(&mut self, binding: &Binding) {
        let (id, end) = (binding.buffer.0, binding.offset + binding.bytes);
        if binding.bytes != UNIFORM_LEAST {
            return;
        }
        match self.recording.buffers.get_mut(id as usize) {
            Some(buffer) => buffer.bytes = buffer.bytes.max(end),
            None => self.slots.grow((id & !SLOT_BIT) as usize, end),
        }
    }

    /// What a kernel binds to read or write a value. Leaves get their buffer here.
    fn binding(&mut self, node: NodeId) -> Result<Binding, PlanError> {
        let location = self.placed.location(node);
        let bytes = self.graph.ty(node).bytes();
        let mut offset = location.offset as u64 * 4;
        let leaf = self.graph.node(location.root);
        if let Kind::Variable(id) = &leaf.kind {
            offset += self.graph.variables()[id.0 as usize].offset as u64 * 4;
        }
        let home = match self.homes.get(&location.root) {
            Some(home) => *home,
            None => {
                let ty = leaf.ty.clone();
                let home = Home::Buffer(match &leaf.kind {
                    Kind::Input(name) => self.buffer(name.clone(), ty.bytes(), BufferRole::Input),
                    Kind::Variable(id) => {
                        let bank = self.graph.variables()[id.0 as usize].bank;
                        self.bank(bank)
                    }
                    Kind::Bank(id) => self.bank(*id),
                    Kind::Scalar(value) => self.constant(&HostTensor::full([], *value)),
                    Kind::Constant(value) => self.constant(value),
                    Kind::Op(_) => {
                        return Err(PlanError::Graph(vec![format!("node {} is read before it is made", node.0)]));
                    }
                });
                self.homes.insert(location.root, home);
                home
            }
        };
        Ok(Binding { buffer: home.buffer(), offset, bytes })
    }

    fn bank(&mut self, id: crate::graph::BankId) -> BufferId {
        let bank = &self.graph.banks()[id.0 as usize];
        let is_it = |b: &BufferSpec| matches!(&b.role, BufferRole::Bank(name) if *name == bank.name);
        match self.recording.buffers.iter().position(is_it) {
            Some(index) => BufferId(index as u32),
            None => self.buffer(bank.name.clone(), bank.len as u64 * 4, BufferRole::Bank(bank.name.clone())),
        }
    }

    fn constant(&mut self, value: &HostTensor) -> BufferId {
        let bytes: Arc<[u8]> = value.bytes().into();
        self.buffer("constant".into(), bytes.len() as u64, BufferRole::Constant(bytes))
    }

    fn finish(mut self, outputs: &[(&str, NodeId)], precision: Precision) -> Result<Plan, PlanError> {
        let mut ports = BTreeMap::new();
        for (name, node) in outputs {
            ports.insert((*name).to_owned(), self.port(*node)?);
        }
        // All inputs, also those that fusion or a dead branch left unread: the host may write them all the same.
        let mut inputs = BTreeMap::new();
        for id in self.graph.ids() {
            if let Kind::Input(name) = &self.graph.node(id).kind {
                inputs.insert(name.clone(), self.port(id)?);
            }
        }
        for variable in self.graph.variables() {
            let bank = self.graph.banks()[variable.bank.0 as usize].name.clone();
            self.variables.push((bank, variable.clone()));
        }
        self.recording.prologue = self.prologue.len();
        self.recording.dispatches.splice(0..0, self.prologue);
        self.strategies.splice(0..0, self.prologue_strategies);
        let first_slot = self.recording.buffers.len() as u32;
        for (&bytes, label) in self.slots.sizes().iter().zip(&self.slot_users) {
            self.recording.buffers.push(BufferSpec { label: label.clone(), bytes, role: BufferRole::Scratch });
        }
        let resolve = |id: &mut BufferId| {
            if id.0 & SLOT_BIT != 0 {
                *id = BufferId(first_slot + (id.0 & !SLOT_BIT));
            }
        };
        self.recording.dispatches.iter_mut().flat_map(|d| &mut d.bindings).for_each(|b| resolve(&mut b.buffer));
        ports.values_mut().for_each(|p: &mut Port| resolve(&mut p.buffer));
        Ok(Plan {
            recording: self.recording,
            inputs,
            outputs: ports,
            variables: self.variables,
            strategies: self.strategies,
            warnings: self.warnings,
            precision,
        })
    }

    fn port(&mut self, node: NodeId) -> Result<Port, PlanError> {
        let ty: TensorType = self.graph.ty(node).clone();
        let binding = self.binding(node)?;
        Ok(Port { buffer: binding.buffer, offset: binding.offset, ty })
    }
}
