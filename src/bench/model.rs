//! A model's training step and its inference: images a second, and where the time goes.

use std::time::Instant;

use super::peak::Roofline;
use super::profile::Profile;
use super::spread::Spread;
use crate::Error;
use crate::data::ChannelStats;
use crate::gpu::{Device, ROUSED};
use crate::nn::models::Model;
use crate::optim::LossScale;
use crate::plan::{PlanOptions, Precision, Session};
use crate::tensor::random::Random;
use crate::train::{Hyperparameters, ImageModel, Images, Learner, Scorer, training_graph};

/// What a model is measured on.
const SHAPE: [usize; 3] = [3, 32, 32];
const CLASSES: usize = 10;
/// Training steps of a measurement: they overlap, as in a real run.
const STEPS: usize = 3;

/// What a model does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Training steps: forward, backward, optimiser.
    Train,
    /// Class scores, read back by the host.
    Infer,
}

/// How a model is measured.
#[derive(Clone, Debug)]
pub struct ModelSettings {
    /// Images at a time.
    pub batch: usize,
    /// Measurements.
    pub rounds: usize,
    /// The roofline that each dispatch is to be held against, if a profile is wanted; needs a device with timestamps.
    pub profile: Option<Roofline>,
    /// How plans are made; training in mixed precision scales the loss.
    pub plan: PlanOptions,
}

/// How fast a model is, on images of 3×32×32 in ten classes. All times are the host's, from call to completion.
#[derive(Clone, Debug)]
pub struct ModelReport {
    /// Seconds of a step, or of a batch scored.
    pub seconds: Spread,
    /// Seconds from the first call to the first result: planning, compiling, allocating, running.
    pub first_seconds: f64,
    /// What products are computed in.
    pub precision: Precision,
    /// Dispatches of a run.
    pub dispatches: usize,
    /// Host seconds to record one dispatch.
    pub recording_seconds: f64,
    /// What planning warned of.
    pub warnings: Vec<String>,
    /// Where the time goes, if that was wanted.
    pub profile: Option<Profile>,
}

/// Measures `model`.
///
/// # Errors
/// When the batch does not fit the device, the device was lost, or a profile is wanted where there are no timestamps.
pub fn measure(device: &Device, model: Model, mode: Mode, settings: &ModelSettings) -> Result<ModelReport, Error> {
    let stats = ChannelStats { mean: vec![0.5; SHAPE[0]], std: vec![0.25; SHAPE[0]] };
    let described = ImageModel { layers: model.layers(CLASSES), shape: SHAPE, classes: CLASSES, stats };
    match mode {
        Mode::Train => train(device, &described, settings),
        Mode::Infer => infer(device, &described, settings),
    }
}

/// Normalised pixels of no particular picture.
fn images(batch: usize) -> Vec<f32> {
    let mut random = Random::new(1, 0, 0);
    (0..batch * SHAPE.iter().product::<usize>()).map(|_| 2.0 * random.uniform() - 1.0).collect()
}

fn train(device: &Device, model: &ImageModel, settings: &ModelSettings) -> Result<ModelReport, Error> {
    let loss_scale = (settings.plan.precision == Precision::Mixed).then(LossScale::default);
    let hyper = Hyperparameters { batch: settings.batch, loss_scale, ..Hyperparameters::default() };
    let labels: Vec<u32> = (0..settings.batch).map(|i| (i % CLASSES) as u32).collect();
    let start = Instant::now();
    let graph = training_graph(model, Images::Tensors, &hyper)?;
    let mut learner = Learner::new(device, &graph, hyper.optimizer, 0, &settings.plan)?;
    learner.session().write_f32("images", &images(settings.batch))?;
    learner.session().write_u32("labels", &labels)?;
    learner.step(RATE)?;
    device.wait()?;
    let first_seconds = start.elapsed().as_secs_f64();
    rouse(device, || {
        learner.step(RATE)?;
        learner.settle_blocking()
    })?;
    let mut samples = Vec::with_capacity(settings.rounds);
    for _ in 0..settings.rounds.max(1) {
        let start = Instant::now();
        for _ in 0..STEPS {
            learner.step(RATE)?;
            learner.settle_blocking()?;
        }
        device.wait()?;
        samples.push(start.elapsed().as_secs_f64() / STEPS as f64);
    }
    report(device, learner.session(), &samples, first_seconds, settings)
}

/// Has a GPU that waited raise its clocks.
fn rouse(device: &Device, mut run: impl FnMut() -> Result<(), Error>) -> Result<(), Error> {
    let start = Instant::now();
    while !device.caps().is_software() && start.elapsed() < ROUSED {
        run()?;
        device.wait()?;
    }
    Ok(())
}

/// A rate at which random images change little.
const RATE: f64 = 0.001;

fn infer(device: &Device, model: &ImageModel, settings: &ModelSettings) -> Result<ModelReport, Error> {
    let start = Instant::now();
    let scorer = Scorer::new(device, model, settings.batch, &settings.plan)?;
    scorer.session().write_f32("images", &images(settings.batch))?;
    scorer.score()?.wait()?;
    let first_seconds = start.elapsed().as_secs_f64();
    rouse(device, || Ok(scorer.score()?.wait().map(drop)?))?;
    // Small batches are over before the clock has seen much of them.
    let repeats = (64 / settings.batch.max(1)).max(1);
    let mut samples = Vec::with_capacity(settings.rounds);
    for round in 0..=settings.rounds.max(1) {
        let start = Instant::now();
        for _ in 0..repeats {
            scorer.score()?.wait()?;
        }
        // The first warms up.
        if round > 0 {
            samples.push(start.elapsed().as_secs_f64() / repeats as f64);
        }
    }
    report(device, scorer.session(), &samples, first_seconds, settings)
}

pub(super) fn report(
    device: &Device,
    session: &Session,
    samples: &[f64],
    first_seconds: f64,
    settings: &ModelSettings,
) -> Result<ModelReport, Error> {
    let dispatches = session.playback().dispatch_count();
    let recordings: Vec<f64> = (0..settings.rounds.max(1))
        .map(|_| {
            let mut encoder = device.encoder("recording");
            let start = Instant::now();
            session.playback().encode(&mut encoder);
            drop(encoder.finish());
            start.elapsed().as_secs_f64() / dispatches.max(1) as f64
        })
        .collect();
    Ok(ModelReport {
        seconds: Spread::of(samples),
        first_seconds,
        precision: session.plan().precision,
        dispatches,
        recording_seconds: Spread::of(&recordings).median,
        warnings: session.plan().warnings.clone(),
        profile: settings.profile.map(|roofline| Profile::measure(device, session, roofline, 3)).transpose()?,
    })
}
