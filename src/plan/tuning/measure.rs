//! One use of an op under each of its strategies, timed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Measured, Tuning};
use crate::Error;
use crate::gpu::{Caps, DROWSY, Device, Timer};
use crate::graph::{Graph, Init, Lowering, NodeId, Op};
use crate::plan::choose::is_taken;
use crate::plan::{Plan, PlanError, PlanOptions, Session, Variables};
use crate::tensor::random::Random;
use crate::tensor::{DType, HostTensor, TensorType};

/// What a measurement takes at least: short runs are repeated.
const SAMPLE_SECONDS: f64 = 0.002;
const MOST_REPEATS: f64 = 200.0;
/// Measurements of each strategy that is left, in turns.
const ROUNDS: usize = 5;
/// A strategy that takes this many times the fastest one's time at first is out.
const HOPELESS: f64 = 1.5;
/// What a run may be expected to take: a strategy beyond that, and beyond hope, is not even run once.
const LONG_SECONDS: f64 = 0.05;
/// Differences below this are noise: the op's own preference stands.
const NOISE: f64 = 0.03;

/// A use of an op, with all that its kernels depend on.
pub(super) struct Use {
    pub op: Arc<dyn Op>,
    pub inputs: Vec<TensorType>,
    /// Which inputs no run changes.
    pub steady: Vec<bool>,
}

impl Use {
    /// The names of the strategies, the op's own preference first; none where the work follows counts among the inputs, as
    /// that of trees does: no values drawn here stand for them.
    pub fn strategies(&self, caps: &Caps) -> Vec<&'static str> {
        let Ok(output) = self.op.infer(&self.inputs) else { return Vec::new() };
        let lowering = Lowering { inputs: &self.inputs, output: &output, caps, epilogue: None };
        let strategies = self.op.lower(&lowering);
        let follows = strategies.iter().flat_map(|strategy| &strategy.calls).any(|call| call.following.is_some());
        if follows { Vec::new() } else { strategies.iter().map(|strategy| strategy.name).collect() }
    }

    /// Whether a kernel from outside computes it.
    pub fn is_taken(&self, options: &PlanOptions, caps: &Caps) -> Result<bool, PlanError> {
        let Ok(output) = self.op.infer(&self.inputs) else { return Ok(false) };
        let lowering = Lowering { inputs: &self.inputs, output: &output, caps, epilogue: None };
        Ok(is_taken(&*self.op, &lowering, options)?)
    }

    /// The op alone as a graph, and its result.
    fn graph(&self) -> Result<(Graph, NodeId), Error> {
        let mut graph = Graph::new();
        let inputs: Vec<NodeId> = self
            .inputs
            .iter()
            .enumerate()
            .map(|(i, ty)| {
                let stays = self.steady[i] || self.op.mutates().contains(&i);
                match stays && ty.dtype == DType::F32 {
                    true => graph.variable(&name(i), &name(i), ty.clone(), Init::Uniform(1.0)),
                    false => graph.input(&name(i), ty.clone()),
                }
            })
            .collect();
        let result = graph.apply_shared(Arc::clone(&self.op), &inputs)?;
        Ok((graph, result))
    }

    /// A session that runs `strategy`; `None` where it is not within the device's limits.
    fn session(&self, device: &Device, strategy: &str) -> Result<Option<Session>, Error> {
        let (graph, result) = self.graph()?;
        let named = BTreeMap::from([(self.op.name().to_owned(), strategy.to_owned())]);
        let options = PlanOptions { fuse: false, tuning: Tuning::Named(named), ..PlanOptions::default() };
        let outputs: &[(&str, NodeId)] = if graph.node(result).is_effect() { &[] } else { &[("result", result)] };
        let plan = match Plan::new(&graph, outputs, device.caps(), &options) {
            Ok(plan) if plan.strategies.iter().all(|&taken| taken == strategy) => plan,
            Ok(_) | Err(PlanError::TooLarge { .. } | PlanError::NoStrategy { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let session = Session::new(device, plan, &Variables::new(device, &graph, 0)?)?;
        for (stream, (input, port)) in (0..).zip(session.plan().inputs.clone()) {
            let count = port.ty.count();
            // Integers are places or labels: 0 is one everywhere.
            let value = match port.ty.dtype {
                DType::F32 => HostTensor::f32(port.ty.shape, values(stream, count)),
                DType::F16 => HostTensor::f16(port.ty.shape, &values(stream, count)),
                DType::U32 => HostTensor::u32(port.ty.shape, vec![0; count]),
            };
            if let Some(value) = value {
                session.write(&input, &value)?;
            }
        }
        session.submit_prologue();
        Ok(Some(session))
    }
}

fn name(input: usize) -> String {
    format!("input{input}")
}

fn values(stream: u32, count: usize) -> Vec<f32> {
    let mut random = Random::new(1, 0, stream);
    (0..count).map(|_| 2.0 * random.uniform() - 1.0).collect()
}

/// A strategy in the running.
struct Candidate {
    name: &'static str,
    session: Session,
    repeats: usize,
    /// Seconds of the first run that counts.
    first: f64,
    samples: Vec<f64>,
}

impl Candidate {
    fn run(&self, timer: &Timer) -> Result<f64, Error> {
        Ok(timer.time_bodies(self.session.playback(), self.repeats)? / self.repeats as f64)
    }

    /// Runs once for the driver, which may still compile, and once for the clock.
    fn warm_up(&mut self, timer: &Timer) -> Result<(), Error> {
        self.run(timer)?;
        self.first = self.run(timer)?;
        self.repeats = (SAMPLE_SECONDS / self.first).ceil().clamp(1.0, MOST_REPEATS) as usize;
        Ok(())
    }

    fn seconds(&self) -> f64 {
        let mut sorted = self.samples.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::INFINITY)
    }
}

/// What came of a use of an op.
#[derive(Default)]
pub(super) struct Outcome {
    /// `None` where fewer than two strategies run, or the time was up before they were through.
    pub measured: Option<Measured>,
    /// How many times the fastest one's time each strategy took, or would have taken.
    pub slowness: Vec<(&'static str, f64)>,
}

/// Times the strategies of `what`, but for those that `skip` names, until the time `is_up`; the op's own preference is timed
/// in any case.
pub(super) fn measure(
    device: &Device,
    timer: &Timer,
    what: &Use,
    is_up: &impl Fn() -> bool,
    skip: impl Fn(&str) -> bool,
) -> Result<Outcome, Error> {
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut dropped: Vec<(&'static str, f64)> = Vec::new();
    let (mut fastest, mut tried) = (f64::INFINITY, 0);
    for name in what.strategies(device.caps()) {
        if is_up() {
            return Ok(Outcome::default());
        }
        if !candidates.is_empty() && skip(name) {
            tried += 1;
            continue;
        }
        let Some(session) = what.session(device, name)? else { continue };
        let mut candidate = Candidate { name, session, repeats: 1, first: 0.0, samples: Vec::new() };
        tried += 1;
        // The op's own preference runs in any case.
        if !candidates.is_empty() {
            let foreseen = timer.foresee(candidate.session.playback())?;
            if foreseen > HOPELESS * fastest && foreseen > LONG_SECONDS {
                dropped.push((name, foreseen));
                continue;
            }
        }
        timer.rouse(candidate.session.playback(), DROWSY)?;
        candidate.warm_up(timer)?;
        fastest = fastest.min(candidate.first);
        candidates.push(candidate);
    }
    dropped.extend(candidates.iter().map(|candidate| (candidate.name, candidate.first)));
    let slowness = dropped.into_iter().map(|(name, seconds)| (name, seconds / fastest)).collect();
    let mut number = 0;
    // The op's own preference stays, to be compared with.
    candidates.retain(|candidate| {
        number += 1;
        number == 1 || candidate.first <= HOPELESS * fastest
    });
    for _ in 0..ROUNDS {
        for candidate in &mut candidates {
            let seconds = candidate.run(timer)?;
            candidate.samples.push(seconds);
        }
    }
    let best = candidates.iter().min_by(|a, b| a.seconds().total_cmp(&b.seconds()));
    let (Some(own), Some(best)) = (candidates.first().filter(|_| tried > 1), best) else {
        return Ok(Outcome { measured: None, slowness });
    };
    let best = if best.seconds() < (1.0 - NOISE) * own.seconds() { best } else { own };
    let measured = Measured {
        strategy: best.name.to_owned(),
        seconds: best.seconds(),
        heuristic: own.name.to_owned(),
        heuristic_seconds: own.seconds(),
    };
    Ok(Outcome { measured: Some(measured), slowness })
}
