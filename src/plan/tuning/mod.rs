//! How strategies are chosen: by the ops' own preference, by measurements, or by name.

mod choices;
#[cfg(feature = "toml")]
mod file;
#[cfg(not(target_arch = "wasm32"))]
mod measure;
mod profile;
#[cfg(not(target_arch = "wasm32"))]
mod tuner;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) use choices::key;
pub use choices::{Choices, Measured};
pub use profile::{ProfileError, TuningProfile};
#[cfg(not(target_arch = "wasm32"))]
pub use tuner::{TuneProgress, Tuner};

/// How a strategy is chosen among those that can run. Kernels from outside stand before it, but for names.
#[derive(Clone, Debug, Default)]
pub enum Tuning {
    /// The op's own preference for the device and the shapes.
    #[default]
    Heuristic,
    /// What is fastest on the device, measured where a plan is made for it ([`Plan::for_device`](super::Plan::for_device)):
    /// before the first step, never in one.
    #[cfg(not(target_arch = "wasm32"))]
    Measure(Arc<Tuner>),
    /// What was measured before; the op's own preference for what was not. See [`TuningProfile::tuning`].
    Profile(Arc<Choices>),
    /// By op name, the strategy of this name where the op has it; otherwise the op's own preference.
    Named(BTreeMap<String, String>),
}

impl Tuning {
    /// The strategy that is wanted for a use of an op, if any is.
    pub(super) fn wanted(&self, op: &str, key: impl FnOnce() -> String) -> Option<String> {
        match self {
            Self::Heuristic => None,
            #[cfg(not(target_arch = "wasm32"))]
            Self::Measure(tuner) => tuner.fastest(op, &key()),
            Self::Profile(choices) => choices.get(op, &key()).map(|measured| measured.strategy.clone()),
            Self::Named(names) => names.get(op).cloned(),
        }
    }

    /// Whether kernels from outside keep their place in front.
    pub(super) fn spares_custom(&self) -> bool {
        !matches!(self, Self::Named(_))
    }
}
