//! One training step on a device.

use super::graphs::{Hyperparameters, ImageModel, Images, training_graph};
use super::metrics::{self, InFlight, METRICS, Metrics};
use crate::Error;
use crate::gpu::Device;
use crate::optim::Optimizer;
use crate::plan::{Plan, PlanOptions, Session, Variables};

/// A model in training: its variables on the device and the recording of a step. Write the inputs of [`Images`] through
/// [`Learner::session`], then [`step`](Learner::step).
pub struct Learner {
    device: Device,
    session: Session,
    variables: Variables,
    optimizer: Optimizer,
    seed: u32,
    step: u32,
    in_flight: InFlight,
}

impl Learner {
    /// Plans the training step and initialises the variables under `seed`.
    ///
    /// # Errors
    /// When the model does not fit the images, or the batch the device.
    pub fn new(
        device: &Device,
        model: &ImageModel,
        images: Images,
        hyper: &Hyperparameters,
        seed: u32,
        options: &PlanOptions,
    ) -> Result<Self, Error> {
        let built = training_graph(model, images, hyper)?;
        let outputs = [("loss", built.loss), ("logits", built.logits)];
        let plan = Plan::new(&built.graph, &outputs, device.caps(), options)?;
        let variables = Variables::new(device, &built.graph, seed)?;
        let session = Session::new(device, plan, &variables)?;
        metrics::reserve(device, &variables)?;
        let (device, optimizer) = (device.clone(), hyper.optimizer);
        Ok(Self { device, session, variables, optimizer, seed, step: 0, in_flight: InFlight::default() })
    }

    /// The device it runs on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The recorded step: write its inputs here.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Parameters, statistics, optimiser state and sums.
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

    /// One step on what was written last, with this learning rate: one submit, in which the sums are copied as well.
    /// Waits for nothing; who steps in a loop calls [`Learner::settle`] so as not to run ahead of the device.
    ///
    /// # Errors
    /// When the device was lost.
    pub fn step(&mut self, learning_rate: f64) -> Result<(), Error> {
        self.session.write_u32("clock", &[self.seed, self.step])?;
        self.session.write_f32("rates", &self.optimizer.rates(learning_rate, u64::from(self.step)))?;
        self.step += 1;
        let mut encoder = self.device.encoder("train");
        self.session.encode(&mut encoder);
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
