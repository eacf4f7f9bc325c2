//! One training step on a device.

use std::collections::BTreeMap;

use super::graphs::TrainingGraph;
use super::metrics::{self, InFlight, METRICS, Metrics};
use super::task::Step;
use crate::Error;
use crate::gpu::Device;
use crate::optim::Optimizer;
use crate::plan::{Plan, PlanOptions, Session, Variables};

/// A model in training: its variables on the device and the recordings of its steps, called programs. Write a program's
/// inputs through its [`Session`], then [`step`](Learner::step); or [`play`](Learner::play) a [`Step`].
pub struct Learner {
    device: Device,
    variables: Variables,
    programs: BTreeMap<u32, Session>,
    optimizer: Optimizer,
    options: PlanOptions,
    seed: u32,
    step: u32,
    in_flight: InFlight,
}

impl Learner {
    /// Plans `graph` as program 0 and initialises the variables under `seed`. `optimizer` is the graph's own.
    ///
    /// # Errors
    /// When something exceeds the device's limits.
    pub fn new(
        device: &Device,
        graph: &TrainingGraph,
        optimizer: Optimizer,
        seed: u32,
        options: &PlanOptions,
    ) -> Result<Self, Error> {
        // The plan first: what does not fit should not allocate.
        let plan = plan(device, graph, options)?;
        let variables = Variables::new(device, &graph.graph, seed)?;
        let session = Session::new(device, plan, &variables)?;
        metrics::reserve(device, &variables)?;
        Ok(Self {
            device: device.clone(),
            variables,
            programs: BTreeMap::from([(0, session)]),
            optimizer,
            options: options.clone(),
            seed,
            step: 0,
            in_flight: InFlight::default(),
        })
    }

    /// Plans one more program over the same variables, or plans it anew.
    ///
    /// # Errors
    /// When it has other variables, or something exceeds the device's limits.
    pub fn add(&mut self, program: u32, graph: &TrainingGraph) -> Result<&Session, Error> {
        let session = Session::new(&self.device, plan(&self.device, graph, &self.options)?, &self.variables)?;
        Ok(self.programs.entry(program).insert_entry(session).into_mut())
    }

    /// The device it runs on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The recording of program 0: write its inputs here.
    pub fn session(&self) -> &Session {
        // Made with the learner, and never taken out.
        &self.programs[&0]
    }

    /// The recording of a program, if it was planned.
    pub fn program(&self, program: u32) -> Option<&Session> {
        self.programs.get(&program)
    }

    /// Parameters, statistics, optimiser state, what steps carry on, and sums.
    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    /// Steps done.
    pub fn step_count(&self) -> u32 {
        self.step
    }

    /// Says how many steps the variables have behind them, after they were restored.
    pub fn set_step_count(&mut self, steps: u32) {
        self.step = steps;
    }

    /// One step of program 0 on what was written last, with this learning rate: one submit, in which the sums are copied
    /// as well. Waits for nothing; who steps in a loop calls [`Learner::settle`] so as not to run ahead of the device.
    ///
    /// # Errors
    /// When the device was lost.
    pub fn step(&mut self, learning_rate: f64) -> Result<(), Error> {
        self.play(&Step { program: 0, inputs: Vec::new() }, learning_rate)
    }

    /// [`Learner::step`] of any program, its inputs written first.
    ///
    /// # Errors
    /// When the program was not planned, an input does not fit it, or the device was lost.
    pub fn play(&mut self, step: &Step, learning_rate: f64) -> Result<(), Error> {
        let session = self.programs.get(&step.program).ok_or(Error::UnknownProgram(step.program))?;
        step.write(session)?;
        session.write_u32("clock", &[self.seed, self.step])?;
        session.write_f32("rates", &self.optimizer.rates(learning_rate, u64::from(self.step)))?;
        self.step += 1;
        let mut encoder = self.device.encoder("train");
        session.encode(&mut encoder);
        let sums = self.variables.record_read(&mut encoder, METRICS)?;
        self.device.submit(encoder);
        self.in_flight.push(sums.start());
        Ok(())
    }

    /// Waits until the device is at most a few steps behind.
    ///
    /// # Errors
    /// When the device was lost.
    pub async fn settle(&mut self) -> Result<(), Error> {
        self.in_flight.settle().await
    }

    /// [`Learner::settle`], blocking.
    ///
    /// # Errors
    /// When the device was lost.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn settle_blocking(&mut self) -> Result<(), Error> {
        self.in_flight.settle_blocking()
    }

    /// The newest sums that have come to the host, some steps old.
    pub fn running(&self) -> Metrics {
        self.in_flight.last()
    }

    /// The sums since the last reset, all steps included.
    ///
    /// # Errors
    /// When the device was lost.
    pub async fn metrics(&self) -> Result<Metrics, Error> {
        metrics::read(&self.variables).await
    }

    /// [`Learner::metrics`], blocking.
    ///
    /// # Errors
    /// When the device was lost.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn metrics_blocking(&self) -> Result<Metrics, Error> {
        metrics::read_blocking(&self.variables)
    }

    /// Starts the sums anew.
    ///
    /// # Errors
    /// When the device was lost.
    pub fn reset_metrics(&mut self) -> Result<(), Error> {
        self.in_flight.start_anew();
        metrics::reset(&self.variables)
    }
}

fn plan(device: &Device, built: &TrainingGraph, options: &PlanOptions) -> Result<Plan, Error> {
    let outputs = [("loss", built.loss), ("logits", built.logits)];
    Plan::for_device(&built.graph, &outputs, device, options)
}
