//! Optimisers and learning-rate schedules.
//!
//! An [`Optimizer`] adds its state and its step to a graph, one fused kernel a bank of parameters. What changes from step
//! to step is computed on the host in f64 ([`Optimizer::rates`], [`Schedule`]) and travels as one small input.

mod clip;
mod loss_scale;
mod schedule;
mod update;

pub use crate::ops::update::RATES;
pub use loss_scale::{LOSS_SCALE, LossScale, Scaled};
pub use schedule::{OneCycle, Schedule};
pub use update::{Adam, Optimizer, Sgd};
