//! Loss and accuracy over the data a task is judged by.

use std::collections::BTreeMap;
#[cfg(not(target_arch = "wasm32"))]
use std::collections::VecDeque;
use std::sync::Arc;

use super::graphs::evaluation_pass;
use super::limits::explain_task;
use super::metrics::{self, Metrics};
use super::task::{Setup, Step, Task};
use super::trainer::TrainerOptions;
use crate::Error;
use crate::data::{Position, Split};
use crate::gpu::Device;
use crate::plan::{Plan, Session, Variables};
#[cfg(not(target_arch = "wasm32"))]
use crate::tensor::HostTensor;

/// An evaluation pass, each of its programs planned once.
pub struct Evaluator {
    device: Device,
    task: Arc<dyn Task>,
    options: TrainerOptions,
    batch: usize,
    programs: BTreeMap<u32, Session>,
}

impl Evaluator {
    /// Plans the evaluation of `task` with batches of `batch`, over variables shared with a training graph or of its own.
    ///
    /// # Errors
    /// When the data does not fit the model, or the batch the device, with the largest batch that fits.
    pub fn new(
        device: &Device,
        task: Arc<dyn Task>,
        batch: usize,
        options: &TrainerOptions,
        variables: &Variables,
    ) -> Result<Self, Error> {
        let (device, options) = (device.clone(), options.clone());
        let mut evaluator = Self { device, task, options, batch, programs: BTreeMap::new() };
        evaluator.prepare(0, variables)?;
        Ok(evaluator)
    }

    /// Variables of the evaluation alone, to restore a checkpoint into: parameters, statistics and sums.
    ///
    /// # Errors
    /// When the model does not build or the device refuses a buffer.
    pub fn variables(
        device: &Device,
        task: &dyn Task,
        batch: usize,
        options: &TrainerOptions,
    ) -> Result<Variables, Error> {
        let setup = Setup { split: Split::Test, batch, caps: device.caps(), options };
        let (graph, _) = evaluation_pass(|net| task.build(net, &setup, 0))?;
        Ok(Variables::new(device, &graph, 0)?)
    }

    /// The recorded pass over a batch, by the program that every task has.
    pub fn session(&self) -> &Session {
        &self.programs[&0]
    }

    /// What the pass is made for.
    pub fn setup(&self) -> Setup<'_> {
        Setup { split: Split::Test, batch: self.batch, caps: self.device.caps(), options: &self.options }
    }

    /// Plans a program that was not played yet.
    fn prepare(&mut self, program: u32, variables: &Variables) -> Result<(), Error> {
        if self.programs.contains_key(&program) {
            return Ok(());
        }
        let setup = self.setup();
        let (graph, logits) = evaluation_pass(|net| self.task.build(net, &setup, program))?;
        let plan = Plan::for_device(&graph, &[("logits", logits)], &self.device, &self.options.plan)
            .map_err(|e| explain_task(e, &*self.task, &setup, program))?;
        let session = Session::new(&self.device, plan, variables)?;
        for (name, value) in self.task.resident(&setup) {
            session.write(name, &value)?;
        }
        self.programs.insert(program, session);
        Ok(())
    }

    /// Writes a step's inputs and submits it.
    fn play(&mut self, step: &Step, variables: &Variables) -> Result<&Session, Error> {
        self.prepare(step.program, variables)?;
        let session = &self.programs[&step.program];
        step.write(session)?;
        session.submit_prologue();
        session.submit();
        Ok(session)
    }

    /// Submits the whole pass and returns its means.
    ///
    /// # Errors
    /// When the device was lost.
    pub async fn run(&mut self, variables: &Variables) -> Result<Metrics, Error> {
        self.submit(variables)?;
        metrics::read(variables).await
    }

    /// [`Evaluator::run`], blocking.
    ///
    /// # Errors
    /// When the device was lost.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn run_blocking(&mut self, variables: &Variables) -> Result<Metrics, Error> {
        self.submit(variables)?;
        metrics::read_blocking(variables)
    }

    /// [`Evaluator::run_blocking`] that hands on the logits of every step as they come, f32 `[rows, classes]`, in the
    /// data's order; rows past its end pad the last step.
    ///
    /// # Errors
    /// When the device was lost.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn run_with_logits_blocking(
        &mut self,
        variables: &Variables,
        mut take: impl FnMut(&HostTensor),
    ) -> Result<Metrics, Error> {
        /// Enough to keep the device busy.
        const AHEAD: usize = 2;
        metrics::reset(variables)?;
        let mut pending = VecDeque::new();
        for step in self.task.steps(&self.setup(), Position::default())? {
            pending.push_back(self.play(&step?, variables)?.read("logits")?);
            if pending.len() > AHEAD
                && let Some(oldest) = pending.pop_front()
            {
                take(&oldest.wait()?);
            }
        }
        for logits in pending {
            take(&logits.wait()?);
        }
        metrics::read_blocking(variables)
    }

    fn submit(&mut self, variables: &Variables) -> Result<(), Error> {
        metrics::reset(variables)?;
        for step in self.task.steps(&self.setup(), Position::default())? {
            self.play(&step?, variables)?;
        }
        Ok(())
    }
}
