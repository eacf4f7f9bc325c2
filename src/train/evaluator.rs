//! Loss and accuracy over a data set.

#[cfg(not(target_arch = "wasm32"))]
use std::collections::VecDeque;
use std::sync::Arc;

use super::graphs::{ImageModel, Images, evaluation_graph};
use super::limits::explain_evaluation;
use super::metrics::{self, Metrics};
use super::pictures::{feed, images_for, send_batch, send_set};
use crate::Error;
use crate::data::{Batches, ImageSet, Loader, Order, Position, Tail};
use crate::gpu::Device;
use crate::plan::{Plan, PlanOptions, Session, Variables};
#[cfg(not(target_arch = "wasm32"))]
use crate::tensor::HostTensor;

/// An evaluation pass, planned once.
pub struct Evaluator {
    session: Session,
    set: Arc<ImageSet>,
    images: Images,
    batch: usize,
}

impl Evaluator {
    /// Plans the evaluation of `set` with batches of `batch`, over variables shared with a training graph or of its own.
    /// A set of up to `budget_bytes` is kept on the device.
    ///
    /// # Errors
    /// When the images do not fit the model, or the batch the device, with the largest batch that fits.
    pub fn new(
        device: &Device,
        model: &ImageModel,
        set: Arc<ImageSet>,
        batch: usize,
        budget_bytes: u64,
        variables: &Variables,
        options: &PlanOptions,
    ) -> Result<Self, Error> {
        let batch = batch.min(set.len());
        let images = images_for(&set, device.caps(), budget_bytes);
        let (graph, logits) = evaluation_graph(model, images, batch)?;
        let plan = Plan::new(&graph, &[("logits", logits)], device.caps(), options)
            .map_err(|e| explain_evaluation(e.into(), model, batch, device.caps()))?;
        let session = Session::new(device, plan, variables)?;
        send_set(&session, &set, images)?;
        session.write_u32("clock", &[0, 0])?;
        Ok(Self { session, set, images, batch })
    }

    /// Variables of the evaluation alone, to restore a checkpoint into: parameters, statistics and sums.
    ///
    /// # Errors
    /// When the model does not build or the device refuses a buffer.
    pub fn variables(device: &Device, model: &ImageModel) -> Result<Variables, Error> {
        let (graph, _) = evaluation_graph(model, Images::Tensors, 1)?;
        Ok(Variables::new(device, &graph, 0)?)
    }

    /// Submits the whole pass and returns its means.
    ///
    /// # Errors
    /// When the device was lost.
    pub async fn run(&self, variables: &Variables) -> Result<Metrics, Error> {
        self.submit(variables)?;
        metrics::read(variables).await
    }

    /// [`Evaluator::run`], blocking.
    ///
    /// # Errors
    /// When the device was lost.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn run_blocking(&self, variables: &Variables) -> Result<Metrics, Error> {
        self.submit(variables)?;
        metrics::read_blocking(variables)
    }

    /// [`Evaluator::run_blocking`] that hands on the logits of every batch as they come, f32 `[batch, classes]`, in the
    /// set's order; rows past the set's end pad the last one.
    ///
    /// # Errors
    /// When the device was lost.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn run_with_logits_blocking(
        &self,
        variables: &Variables,
        mut take: impl FnMut(&HostTensor),
    ) -> Result<Metrics, Error> {
        /// Enough to keep the device busy.
        const AHEAD: usize = 2;
        metrics::reset(variables)?;
        self.session.submit_prologue();
        let mut pending = VecDeque::new();
        for batch in self.batches()? {
            send_batch(&self.session, &batch?, self.images)?;
            self.session.submit();
            pending.push_back(self.session.read("logits")?);
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

    fn submit(&self, variables: &Variables) -> Result<(), Error> {
        metrics::reset(variables)?;
        self.session.submit_prologue();
        for batch in self.batches()? {
            send_batch(&self.session, &batch?, self.images)?;
            self.session.submit();
        }
        Ok(())
    }

    fn batches(&self) -> Result<Loader, Error> {
        let batches = Batches::new(self.set.len(), self.batch, Order::Sequential, Tail::Pad)?;
        let (set, start) = (Arc::clone(&self.set), Position::default());
        Ok(Loader::start(set, batches, start, 1, feed(self.images), 0)?)
    }
}
