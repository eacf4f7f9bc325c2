//! Where the command's words become the library's: adapters, networks, optimisers, schedules.

use girih::Error;
use girih::gpu::{AdapterKind, AdapterReport, AdapterSelector, Device, DeviceOptions, GpuError};
use girih::nn::models;
use girih::ops::image_batch::Augmentation;
use girih::optim::{Adam, LossScale, OneCycle, Optimizer, Schedule, Sgd};
use girih::plan::{PlanError, PlanOptions, Precision};
use girih::train::{Hyperparameters, TrainerOptions};

use crate::args::{self, Augment, Global};
use crate::config::Config;
use crate::error::{Usage, told, usage};
use crate::output::Output;

/// Data sets of up to this size are kept on the device, where the adapter can bind them at once.
pub const RESIDENT_BYTES: u64 = 512 << 20;

/// The adapter that `--adapter` or `GIRIH_ADAPTER` asks for. An empty one asks for none.
#[must_use]
pub fn selector(global: &Global) -> AdapterSelector {
    match &global.adapter {
        Some(wanted) if !wanted.is_empty() => AdapterSelector::Named(wanted.clone()),
        _ => AdapterSelector::Best,
    }
}

/// All adapters, the chosen one marked.
///
/// # Errors
/// None of them is the one asked for.
pub fn adapters(global: &Global) -> anyhow::Result<Vec<AdapterReport>> {
    pollster::block_on(girih::gpu::adapters(&selector(global))).map_err(|e| failed(e.into()))
}

/// Opens the chosen adapter.
///
/// # Errors
/// There is none, or it does not open.
pub fn open(global: &Global) -> anyhow::Result<Device> {
    open_for(global, args::Precision::F32)
}

/// [`open`] with what kernels of a precision need, where the adapter has it.
///
/// # Errors
/// As [`open`].
pub fn open_for(global: &Global, precision: args::Precision) -> anyhow::Result<Device> {
    let cooperative = precision == args::Precision::Mixed;
    let options = DeviceOptions { adapter: selector(global), cooperative, ..DeviceOptions::default() };
    Device::open_blocking(&options).map_err(|e| failed(e.into()))
}

/// A library error as the command reports it: an adapter that does not exist is an error of the command line.
#[must_use]
pub fn failed(error: Error) -> anyhow::Error {
    match &error {
        Error::Gpu(GpuError::UnknownAdapter { .. }) => Usage(error.to_string()).into(),
        _ => told(error),
    }
}

/// The kind of an adapter in one word, as JSON has it.
#[must_use]
pub fn kind(kind: AdapterKind) -> &'static str {
    match kind {
        AdapterKind::Discrete => "discrete",
        AdapterKind::Integrated => "integrated",
        AdapterKind::Virtual => "virtual",
        AdapterKind::Software => "software",
        AdapterKind::Other => "other",
    }
}

impl From<args::Precision> for Precision {
    fn from(precision: args::Precision) -> Self {
        match precision {
            args::Precision::F32 => Self::F32,
            args::Precision::Mixed => Self::Mixed,
        }
    }
}

/// What `device` can do of the precision asked for, with a remark where that is less.
///
/// # Errors
/// Standard error cannot be written.
pub fn precision(device: &Device, wanted: args::Precision, output: Output) -> anyhow::Result<Precision> {
    let wanted = Precision::from(wanted);
    match wanted.check(device) {
        Ok(()) => Ok(wanted),
        Err(error @ PlanError::Precision { .. }) => {
            output.remark(format!("{error}: computing in f32."))?;
            Ok(Precision::F32)
        }
        Err(error) => Err(failed(error.into())),
    }
}

/// The image classifier that the command line knows by this name.
///
/// # Errors
/// It is a model for something else.
pub fn image_model(model: args::Model) -> anyhow::Result<models::Model> {
    let name = args::name_of(model);
    models::Model::named(&name).map_or_else(|| usage(format!("{name} is no image classifier")), Ok)
}

/// How a run goes, at a constant learning rate, for images `width` pixels wide.
#[must_use]
pub fn options(config: &Config, width: usize) -> TrainerOptions {
    TrainerOptions {
        hyper: hyperparameters(config, width),
        learning_rate: f64::from(config.lr),
        schedule: Schedule::Constant,
        epochs: config.epochs,
        seed: config.seed,
        resident_bytes: RESIDENT_BYTES,
        plan: PlanOptions::default(),
    }
}

/// What shapes a step, for images `width` pixels wide.
#[must_use]
pub fn hyperparameters(config: &Config, width: usize) -> Hyperparameters {
    let varied = |how| config.augment.contains(&how);
    Hyperparameters {
        batch: config.batch as usize,
        optimizer: optimizer(config),
        clip_norm: config.clip_norm,
        // Also where the adapter then computes in f32: a run may go on where it can do better.
        loss_scale: (config.precision == args::Precision::Mixed).then(LossScale::default),
        label_smoothing: config.label_smoothing,
        augmentation: Augmentation {
            crop: if varied(Augment::Crop) { 4 } else { 0 },
            flip: varied(Augment::Flip),
            cutout: if varied(Augment::Cutout) { (width / 4).max(1) } else { 0 },
        },
    }
}

fn optimizer(config: &Config) -> Optimizer {
    let &Config { momentum, weight_decay, .. } = config;
    match config.optimizer {
        args::Optimizer::Sgd => Optimizer::Sgd(Sgd { momentum, nesterov: momentum > 0.0, weight_decay }),
        args::Optimizer::Adam => Optimizer::Adam(Adam { weight_decay, ..Adam::default() }),
        args::Optimizer::AdamW => Optimizer::Adam(Adam::decoupled(weight_decay)),
    }
}

/// How the learning rate goes over a run of `steps` steps.
#[must_use]
pub fn schedule(schedule: args::Schedule, steps: u64) -> Schedule {
    match schedule {
        args::Schedule::Constant => Schedule::Constant,
        args::Schedule::Step => Schedule::Step { period: steps.div_ceil(3), factor: 0.1 },
        args::Schedule::Cosine => Schedule::Cosine { steps, end: 0.0 },
        args::Schedule::OneCycle => Schedule::OneCycle(OneCycle::new(steps)),
        args::Schedule::WarmUp => {
            Schedule::WarmUp { steps: steps.div_ceil(20), start: 0.1, then: Box::new(Schedule::Constant) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Train;

    #[test]
    fn schedules_do_what_the_help_says() {
        let rates = |name, steps: &[u64]| -> Vec<f64> {
            let schedule = schedule(name, 300);
            steps.iter().map(|&step| (schedule.rate(1.0, step) * 1e6).round() / 1e6).collect()
        };
        assert_eq!(rates(args::Schedule::Constant, &[0, 299]), [1.0, 1.0]);
        assert_eq!(rates(args::Schedule::Step, &[99, 100, 199, 200, 299]), [1.0, 0.1, 0.1, 0.01, 0.01]);
        assert_eq!(rates(args::Schedule::Cosine, &[0, 150, 300]), [1.0, 0.5, 0.0]);
        assert_eq!(rates(args::Schedule::WarmUp, &[0, 15, 299]), [0.1, 1.0, 1.0]);
        let cycle = rates(args::Schedule::OneCycle, &[0, 89, 299]);
        assert!(cycle[2] < cycle[0] && cycle[0] < cycle[1] && cycle[1] == 1.0, "{cycle:?}");
    }

    #[test]
    fn an_empty_adapter_is_none() {
        let global = |adapter: Option<&str>| Global { adapter: adapter.map(str::to_owned), ..Global::default() };
        assert_eq!(selector(&global(None)), AdapterSelector::Best);
        assert_eq!(selector(&global(Some(""))), AdapterSelector::Best);
        assert_eq!(selector(&global(Some("1"))), AdapterSelector::Named("1".into()));
    }

    #[test]
    fn plain_descent_has_no_momentum_to_look_ahead_with() {
        let flags = Train { momentum: Some(0.0), ..Train::default() };
        let Optimizer::Sgd(sgd) = optimizer(&Config::new(&flags, "d".into())) else { panic!("the default is sgd") };
        assert!(!sgd.nesterov);
    }
}
