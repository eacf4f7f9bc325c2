//! A case under every strategy: checked, then timed in turns.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::case::BenchCase;
use super::check::{Expected, Wrong};
use super::custom;
use super::peak::Roofline;
use super::profile::Profile;
use super::spread::Spread;
use crate::Error;
use crate::gpu::{Device, Stray, Timer};
use crate::graph::{Graph, Lowering, NodeId};
use crate::kernel::CustomKernel;
use crate::plan::{Plan, PlanError, PlanOptions, Session, Tuning, Variables};
use crate::tensor::HostTensor;

/// Bytes that the inputs and outputs of all sessions together take at least, so that none finds its own in a cache: in
/// software, and on GPUs, of which some have 60 MB of it.
const ROTATED_BYTES: [u64; 2] = [64 << 20, 512 << 20];
/// Most sessions of a strategy.
const MOST_SESSIONS: u64 = 16;
/// Of how many budgets a first run shows that the next ones, without what the driver compiles in it, are too long as well.
const COMPILING: f64 = 3.0;
/// Most runs of a measurement.
const MOST_REPEATS: f64 = 1000.0;

/// How cases are measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Rounds in which each strategy is measured once.
    pub rounds: usize,
    /// What a measurement takes at least, in seconds: short runs are repeated.
    pub seconds: f64,
    /// What the measurements of one strategy may take in all, in seconds; a strategy too slow for that is measured
    /// less often, and once at least.
    pub budget: f64,
    /// Only the strategy of this name.
    pub strategy: Option<String>,
    /// What a run may take, in seconds: a strategy that would take longer, as shares of a run show, is left out.
    pub longest: Option<f64>,
    /// The roofline that each dispatch is to be held against, if profiles are wanted; needs a device with timestamps.
    pub profile: Option<Roofline>,
    /// Kernels from outside, which are run between guards before anything else, and measured whatever `strategy` says.
    pub kernels: Vec<Arc<CustomKernel>>,
}

impl Default for Settings {
    fn default() -> Self {
        let (strategy, longest, profile, kernels) = (None, None, None, Vec::new());
        Self { rounds: 7, seconds: 0.005, budget: 2.0, strategy, longest, profile, kernels }
    }
}

/// What came of a case.
#[derive(Clone, Debug)]
pub struct CaseReport {
    /// Floating-point operations of one run.
    pub flops: u64,
    /// Bytes of inputs and output, each counted once.
    pub bytes: u64,
    /// The strategy that the engine takes by itself: the op's first of its own that runs here.
    pub preferred: Option<&'static str>,
    /// Each strategy and what came of it, in the op's order, those that were timed first.
    pub outcomes: Vec<(&'static str, Outcome)>,
}

/// What came of a strategy.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It computes what it must, in this time.
    Timed(Timing),
    /// It does not.
    Wrong(Wrong),
    /// It writes where it must not.
    Strays(Stray),
    /// It does not run on this device, and why.
    LeftOut(String),
    /// A run would take this many seconds, more than [`Settings::longest`].
    TooSlow(f64),
    /// A kernel from outside, whose header or WGSL is at fault for this shape.
    Faulty(String),
}

/// How fast a strategy is.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// Seconds of a run.
    pub seconds: Spread,
    /// The largest |result − exact| / (1 + max(|exact|, rms)) among those looked at, with their root mean square.
    pub max_error: f64,
    /// Dispatches of a run.
    pub dispatches: usize,
    /// Where the time goes, if that was wanted.
    pub profile: Option<Profile>,
}

impl CaseReport {
    /// Floating-point operations a second of a run of this time.
    pub fn flops_per_s(&self, timing: &Timing) -> f64 {
        self.flops as f64 / timing.seconds.median
    }

    /// Bytes a second of a run of this time.
    pub fn bytes_per_s(&self, timing: &Timing) -> f64 {
        self.bytes as f64 / timing.seconds.median
    }

    /// The share of the roofline, from 0 to 1: above that where caches serve what the roofline takes from memory.
    pub fn roofline_share(&self, timing: &Timing, roofline: &Roofline) -> f64 {
        roofline.seconds(self.flops, self.bytes) / timing.seconds.median
    }

    /// Floating-point operations a byte.
    pub fn intensity(&self) -> f64 {
        self.flops as f64 / self.bytes.max(1) as f64
    }
}

/// A strategy that is ready to run, and its measurements so far.
struct Candidate {
    sessions: Vec<Session>,
    max_error: f64,
    /// Runs of a measurement.
    repeats: usize,
    /// Measurements that the budget allows.
    rounds: usize,
    samples: Vec<f64>,
    /// The session that runs next.
    next: usize,
}

/// Measures `case` under every strategy that runs on `device`.
///
/// # Errors
/// When the device was lost or has no memory left, or the case does not hold together. A strategy that is wrong is an
/// outcome.
pub fn measure(device: &Device, timer: &Timer, case: &BenchCase, settings: &Settings) -> Result<CaseReport, Error> {
    let mut report = CaseReport { flops: case.flops(), bytes: case.bytes(), preferred: None, outcomes: Vec::new() };
    let defect = |why: &str| PlanError::Graph(vec![format!("{} {}: {why}", case.op, case.shape)]);
    let inputs = case.values().ok_or_else(|| defect("values of another type than the input"))?;
    let (graph, _) = graph(case)?;
    let variables = Variables::new(device, &graph, 0)?;
    let mut expected = None;
    let mut candidates = Vec::new();
    let own = strategies(device, case)?.into_iter().map(|name| (name, None));
    let custom = custom::of_op(case, settings).map(|kernel| (kernel.name(), Some(kernel)));
    for (strategy, kernel) in own.chain(custom) {
        let unwanted = kernel.is_none() && settings.strategy.as_deref().is_some_and(|wanted| wanted != strategy);
        if unwanted && report.preferred.is_some() {
            continue;
        }
        if let Some(kernel) = kernel
            && let Some(outcome) = custom::declined(device, case, kernel)?
        {
            report.outcomes.push((strategy, outcome));
            continue;
        }
        let plan = match plan(device, case, strategy, kernel) {
            Ok(plan) if plan.strategies.iter().all(|&taken| taken == strategy) => plan,
            Ok(plan) => {
                let why = if plan.warnings.is_empty() {
                    "not within the adapter's limits".into()
                } else {
                    plan.warnings.join("; ")
                };
                report.outcomes.push((strategy, Outcome::LeftOut(why)));
                continue;
            }
            Err(Error::Plan(error @ (PlanError::TooLarge { .. } | PlanError::NoStrategy { .. }))) => {
                report.outcomes.push((strategy, Outcome::LeftOut(error.to_string())));
                continue;
            }
            Err(error) => return Err(error),
        };
        let new_session = || session(device, &plan, &variables, &inputs);
        if kernel.is_none() {
            report.preferred.get_or_insert(strategy);
        }
        if unwanted {
            continue;
        }
        if kernel.is_some() {
            let expected = expected.get_or_insert_with(|| Expected::new(case, &inputs));
            if let Some(fault) = custom::between_guards(device, case, &plan, &inputs, expected)? {
                report.outcomes.push((strategy, fault));
                continue;
            }
        }
        let session = new_session()?;
        if let Some(longest) = settings.longest {
            let seconds = timer.foresee(session.playback())?;
            if seconds > longest {
                report.outcomes.push((strategy, Outcome::TooSlow(seconds)));
                continue;
            }
        }
        let first = timer.time([session.playback()])?;
        let found = session.read("output")?.wait()?;
        // Only now: where no strategy runs, the reference has nothing to do.
        let expected = expected.get_or_insert_with(|| Expected::new(case, &inputs));
        match expected.check(case, &found) {
            Ok(max_error) => {
                let more = (1..session_count(device, case)).map(|_| new_session());
                let sessions = std::iter::once(Ok(session)).chain(more).collect::<Result<_, Error>>()?;
                candidates.push((strategy, Candidate::new(sessions, max_error, first, timer, settings)?));
            }
            Err(wrong) => report.outcomes.push((strategy, Outcome::Wrong(wrong))),
        }
    }
    // The reference kept the device waiting.
    if let Some(session) = candidates.iter().find_map(|(_, candidate)| candidate.sessions.first()) {
        timer.rouse(session.playback(), Duration::ZERO)?;
    }
    for round in 0..settings.rounds.max(1) {
        for (_, candidate) in &mut candidates {
            if round < candidate.rounds {
                candidate.sample(timer)?;
            }
        }
    }
    let timed = candidates
        .iter()
        .map(|(strategy, candidate)| Ok((*strategy, Outcome::Timed(candidate.timing(device, settings)?))));
    report.outcomes.splice(0..0, timed.collect::<Result<Vec<_>, Error>>()?);
    Ok(report)
}

impl Candidate {
    /// Warms up and finds out how often a run must be repeated; `first` is what the first run took.
    fn new(
        sessions: Vec<Session>,
        max_error: f64,
        first: f64,
        timer: &Timer,
        settings: &Settings,
    ) -> Result<Self, Error> {
        let mut new = Self { sessions, max_error, repeats: 1, rounds: 0, samples: Vec::new(), next: 1 };
        if first >= COMPILING * settings.budget {
            // It had its time, whatever was compiled in it.
            new.samples.push(first);
            return Ok(new);
        }
        let repeats = (settings.seconds / first).ceil().clamp(1.0, MOST_REPEATS);
        new.repeats = repeats as usize;
        // The first run compiles what drivers leave for it: only a warm one tells how many are needed.
        let warm = new.run(timer)?;
        if warm >= settings.budget {
            // It had its time.
            new.samples.push(warm);
            return Ok(new);
        }
        new.repeats = (settings.seconds / warm).ceil().clamp(1.0, MOST_REPEATS) as usize;
        let sample = warm * new.repeats as f64;
        new.rounds = ((settings.budget / sample) as usize).clamp(1, settings.rounds.max(1));
        Ok(new)
    }

    /// Seconds of a run, from `repeats` of them over the sessions in turn.
    fn run(&mut self, timer: &Timer) -> Result<f64, Error> {
        let runs = self.sessions.iter().cycle().skip(self.next % self.sessions.len()).take(self.repeats);
        let seconds = timer.time(runs.map(Session::playback))?;
        self.next += self.repeats;
        Ok(seconds / self.repeats as f64)
    }

    fn sample(&mut self, timer: &Timer) -> Result<(), Error> {
        let seconds = self.run(timer)?;
        self.samples.push(seconds);
        Ok(())
    }

    fn timing(&self, device: &Device, settings: &Settings) -> Result<Timing, Error> {
        let session = self.sessions.first();
        let dispatches = session.map_or(0, |session| session.playback().dispatch_count());
        // What is too slow for more than one measurement is too slow for three profiles.
        let runs = if self.rounds == 0 { 1 } else { 3 };
        let profile =
            session.zip(settings.profile).map(|(session, roof)| Profile::measure(device, session, roof, runs));
        let seconds = Spread::of(&self.samples);
        Ok(Timing { seconds, max_error: self.max_error, dispatches, profile: profile.transpose()? })
    }
}

/// The names of the strategies of a case's op for this device, its own preference first.
///
/// # Errors
/// When the case does not hold together.
pub fn strategies(device: &Device, case: &BenchCase) -> Result<Vec<&'static str>, Error> {
    let inputs = case.input_types();
    let output = case.output().map_err(|e| PlanError::Graph(vec![e.0]))?;
    let lowering = Lowering { inputs: &inputs, output: &output, caps: device.caps(), epilogue: None };
    Ok(case.case.op.lower(&lowering).iter().map(|strategy| strategy.name).collect())
}

/// A graph of the op alone.
fn graph(case: &BenchCase) -> Result<(Graph, NodeId), Error> {
    let mut graph = Graph::new();
    let inputs: Vec<NodeId> =
        (0..).zip(&case.case.inputs).map(|(i, input): (usize, _)| graph.input(&name(i), input.ty.clone())).collect();
    let output = graph.apply_shared(Arc::clone(&case.case.op), &inputs)?;
    Ok((graph, output))
}

pub(super) fn name(input: usize) -> String {
    format!("input{input}")
}

/// The plan of a strategy of the engine, or of a kernel from outside.
fn plan(device: &Device, case: &BenchCase, strategy: &str, kernel: Option<&Arc<CustomKernel>>) -> Result<Plan, Error> {
    let (graph, output) = graph(case)?;
    let named = BTreeMap::from([(case.case.op.name().to_owned(), strategy.to_owned())]);
    let (tuning, kernels) = (Tuning::Named(named), kernel.cloned().into_iter().collect());
    let options = PlanOptions { fuse: false, tuning, kernels, ..PlanOptions::default() };
    Ok(Plan::new(&graph, &[("output", output)], device.caps(), &options)?)
}

/// As many sessions of one plan as leave no cache anything to keep.
fn session_count(device: &Device, case: &BenchCase) -> u64 {
    let rotated = ROTATED_BYTES[usize::from(!device.caps().is_software())];
    rotated.div_ceil(case.bytes().max(1)).clamp(1, MOST_SESSIONS)
}

fn session(device: &Device, plan: &Plan, variables: &Variables, inputs: &[HostTensor]) -> Result<Session, Error> {
    let session = Session::new(device, plan.clone(), variables)?;
    for (i, input) in inputs.iter().enumerate() {
        session.write(&name(i), input)?;
    }
    Ok(session)
}
