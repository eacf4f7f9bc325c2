//! Measuring the uses of ops that a graph's plan has.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::measure::{Outcome, Use, measure};
use super::{Choices, TuningProfile, key};
use crate::Error;
use crate::gpu::{Device, Timer};
use crate::graph::{Graph, NodeId, OpTypes, verify};
use crate::plan::prologue::{changed_banks, is_steady};
use crate::plan::{PlanError, PlanOptions, as_computed, fuse, place};

/// Measures strategies, within a bound on the time of all its measurements together, and keeps what it found: plans that
/// share a tuner measure each use of an op once.
pub struct Tuner {
    budget: Duration,
    progress: Option<Box<Report>>,
    stop: Option<Box<Stop>>,
    /// What it was told of.
    before: Choices,
    state: Mutex<State>,
}

type Report = dyn Fn(&TuneProgress<'_>) + Send + Sync;
type Stop = dyn Fn() -> bool + Send + Sync;

#[derive(Default)]
struct State {
    /// What it found.
    choices: Choices,
    spent: Duration,
    /// Uses that were asked for, of those that it was told of.
    known: BTreeSet<(&'static str, String)>,
    /// Uses for which there was no time.
    left_out: usize,
}

/// How far the measurements for a plan have come.
#[derive(Clone, Copy, Debug)]
pub struct TuneProgress<'a> {
    /// Uses of ops done.
    pub done: usize,
    /// Uses that the plan has, those left out that were known or have one strategy.
    pub count: usize,
    /// The op that comes next; empty at the end.
    pub op: &'a str,
}

impl Tuner {
    /// A tuner whose measurements take `budget` in all; what it has no time for keeps the op's own preference. The
    /// measurement under way when the time is up is finished.
    pub fn new(budget: Duration) -> Self {
        Self { budget, progress: None, stop: None, before: Choices::default(), state: Mutex::default() }
    }

    /// Calls `progress` before each measurement and at the end.
    #[must_use]
    pub fn on_progress(mut self, progress: impl Fn(&TuneProgress<'_>) + Send + Sync + 'static) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// Takes the time to be up as soon as `stop` says so, which it is asked before each strategy.
    #[must_use]
    pub fn stop_when(mut self, stop: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.stop = Some(Box::new(stop));
        self
    }

    /// Has it know what was measured on the device before: it is not measured again.
    #[must_use]
    pub fn knowing(mut self, choices: Choices) -> Self {
        self.before = choices;
        self
    }

    /// What it has found so far.
    pub fn choices(&self) -> Choices {
        self.lock().choices.clone()
    }

    /// The fastest strategy of a use of an op, if it was measured.
    pub(super) fn fastest(&self, op: &str, key: &str) -> Option<String> {
        let state = self.lock();
        state.choices.get(op, key).or_else(|| self.before.get(op, key)).map(|measured| measured.strategy.clone())
    }

    /// What it has found so far, as the profile of `device`, on which it must have measured.
    pub fn profile(&self, device: &Device) -> TuningProfile {
        let mut profile = TuningProfile::default();
        profile.add(device, self.choices());
        profile
    }

    /// The time that measurements took.
    pub fn spent(&self) -> Duration {
        self.lock().spent
    }

    /// How many uses of ops were asked for that it knew.
    pub fn known(&self) -> usize {
        self.lock().known.len()
    }

    /// How many uses of ops it had no time for.
    pub fn left_out(&self) -> usize {
        self.lock().left_out
    }

    /// Measures every use of an op that a plan for `outputs` and the effects of `graph` has, has a choice for, and that
    /// is not known yet; the costliest first. Uses that a kernel of `options` takes are not measured. Blocks.
    ///
    /// # Errors
    /// When the graph does not hold together, or the device was lost or has no memory left.
    pub fn measure(
        &self,
        device: &Device,
        graph: &Graph,
        outputs: &[(&str, NodeId)],
        options: &PlanOptions,
    ) -> Result<(), Error> {
        let start = Instant::now();
        let timer = Timer::new(device)?;
        let uses = self.uses(device, graph, outputs, options)?;
        let until = start + self.budget.saturating_sub(self.spent());
        let is_up = || Instant::now() >= until || self.stop.as_ref().is_some_and(|stop| stop());
        let mut seen = Vec::new();
        for (done, (flops, what)) in uses.iter().enumerate() {
            let op = what.op.name();
            self.tell(TuneProgress { done, count: uses.len(), op });
            let skip = |strategy: &str| is_hopeless(&seen, op, strategy, *flops);
            let outcome = match is_up() {
                false => measure(device, &timer, what, &is_up, skip)?,
                true => Outcome::default(),
            };
            let times = outcome.slowness.into_iter();
            seen.extend(times.map(|(strategy, slowness)| Seen { op, strategy, flops: *flops, slowness }));
            let mut state = self.lock();
            match outcome.measured {
                Some(measured) => state.choices.insert(op, &key(&*what.op, &what.inputs, &what.steady), measured),
                None => state.left_out += usize::from(is_up()),
            }
        }
        self.tell(TuneProgress { done: uses.len(), count: uses.len(), op: "" });
        self.lock().spent += start.elapsed();
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, at: TuneProgress<'_>) {
        if let Some(progress) = &self.progress {
            progress(&at);
        }
    }

    /// What is to be measured and how many operations it has, the most first.
    fn uses(
        &self,
        device: &Device,
        graph: &Graph,
        outputs: &[(&str, NodeId)],
        options: &PlanOptions,
    ) -> Result<Vec<(u64, Use)>, Error> {
        verify(graph).map_err(PlanError::Graph)?;
        let caps = device.caps();
        let (graph, outputs) = &as_computed(graph, outputs, caps, options)?;
        let targets: Vec<NodeId> = outputs.iter().map(|(_, node)| *node).collect();
        let steps = fuse::steps(graph, &targets, caps, options.fuse)?;
        let placed = place::place(graph, &steps, &targets, caps);
        let changed = changed_banks(graph, &steps);
        let mut seen = BTreeSet::new();
        let mut uses = Vec::new();
        for step in steps.iter().filter(|step| !placed.views.contains(&step.node)) {
            let inputs = fuse::input_types(graph, step);
            let steady = step.inputs.iter().map(|&input| is_steady(graph, &placed, &changed, input)).collect();
            let output = graph.ty(step.node);
            let what = Use { op: Arc::clone(&step.op), inputs, steady };
            let types = OpTypes { inputs: &what.inputs, output };
            let name = (step.op.name(), key(&*step.op, &what.inputs, &what.steady));
            if self.before.get(name.0, &name.1).is_some() {
                self.lock().known.insert(name);
                continue;
            }
            let found = self.lock().choices.get(name.0, &name.1).is_some();
            if found || !seen.insert(name) || what.strategies(caps).len() < 2 || what.is_taken(options, caps)? {
                continue;
            }
            uses.push((step.op.flops(&types), what));
        }
        uses.sort_by_key(|(flops, _)| std::cmp::Reverse(*flops));
        Ok(uses)
    }
}

/// How a strategy did.
struct Seen<'a> {
    op: &'a str,
    strategy: &'static str,
    flops: u64,
    slowness: f64,
}

/// Whether a strategy need not be tried for a use of `flops`: wherever it was for one of about the size, it was slow. Most
/// of the time that tuning takes goes into compiling, and what is made for other machines is slow everywhere.
fn is_hopeless(seen: &[Seen<'_>], op: &str, strategy: &str, flops: u64) -> bool {
    let near = |other: u64| other.max(flops) / other.min(flops).max(1) <= 16;
    let mut alike = seen.iter().filter(|s| (s.op, s.strategy) == (op, strategy) && near(s.flops)).peekable();
    alike.peek().is_some() && alike.all(|seen| seen.slowness >= 3.0)
}

impl fmt::Debug for Tuner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tuner").field("budget", &self.budget).finish_non_exhaustive()
    }
}
