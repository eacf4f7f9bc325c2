//! Class scores of images.

use super::super::limits::explain_scoring;
use super::graphs::{ImageModel, scoring_graph};
use crate::Error;
use crate::gpu::{CommandEncoder, Device};
use crate::plan::{Plan, PlanOptions, Session, TensorReadback, Variables};

/// A model ready to score batches of a fixed size.
pub struct Scorer {
    session: Session,
    variables: Variables,
    shape: [usize; 3],
    stats: crate::data::ChannelStats,
    batch: usize,
}

impl Scorer {
    /// Plans the scoring of `batch` images at a time. The variables hold initial values until
    /// [restored](Variables::restore).
    ///
    /// # Errors
    /// When the model does not build, or the batch does not fit the device, with the largest batch that fits.
    pub fn new(device: &Device, model: &ImageModel, batch: usize, options: &PlanOptions) -> Result<Self, Error> {
        let (graph, scores) = scoring_graph(model, batch)?;
        let plan = Plan::for_device(&graph, &[("scores", scores)], device, options)
            .map_err(|e| explain_scoring(e, model, batch, device.caps()))?;
        let variables = Variables::new(device, &graph, 0)?;
        let session = Session::new(device, plan, &variables)?;
        Ok(Self { session, variables, shape: model.shape, stats: model.stats.clone(), batch })
    }

    /// Parameters and statistics.
    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    /// The recorded pass: input `images` f32 `[batch, C, H, W]`, output `scores` f32 `[batch, classes]`.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Images at a time.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Sets the images of the next run from bytes, CHW planes one image after another; missing images stay black.
    ///
    /// # Errors
    /// When there are more bytes than the batch has.
    pub fn write_bytes(&self, pixels: &[u8]) -> Result<(), Error> {
        let [c, h, w] = self.shape;
        let plane = h * w;
        let value = |(i, byte): (usize, u8)| {
            let channel = i / plane % c;
            (f32::from(byte) / 255.0 - self.stats.mean[channel]) / self.stats.std[channel]
        };
        let count = (self.batch * c * plane).max(pixels.len());
        let bytes = pixels.iter().copied().chain(std::iter::repeat(0)).take(count);
        let images: Vec<f32> = bytes.enumerate().map(value).collect();
        Ok(self.session.write_f32("images", &images)?)
    }

    /// Records one run into the caller's encoder. Submits nothing.
    pub fn encode(&self, encoder: &mut CommandEncoder) {
        self.session.encode(encoder);
    }

    /// Submits one run and starts reading the scores back, f32 `[batch, classes]`.
    ///
    /// # Errors
    /// When the device refuses.
    pub fn score(&self) -> Result<TensorReadback, Error> {
        self.session.submit_prologue();
        self.session.submit();
        self.session.read("scores")
    }
}
