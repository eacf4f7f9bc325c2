//! What was measured on all adapters, to be kept and shipped.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{Choices, Tuning};
use crate::gpu::Device;

/// Measurements by adapter and driver.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TuningProfile {
    /// By the names of adapter and driver.
    pub(super) adapters: BTreeMap<(String, String), Choices>,
}

/// Why a profile is of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProfileError {
    /// The file cannot be read or written.
    File {
        /// The file.
        path: String,
        /// What the system says.
        why: String,
    },
    /// It is no profile.
    Damaged {
        /// The file.
        path: String,
        /// What is wrong, with the place.
        why: String,
    },
    /// Another version of the engine wrote it: its strategies are others.
    OtherVersion {
        /// The file.
        path: String,
        /// Of the engine that wrote it.
        version: String,
    },
    /// Nothing was measured on this adapter and driver.
    OtherAdapter {
        /// The adapter, and its driver.
        adapter: String,
        /// Those that it is for.
        known: Vec<String>,
    },
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, why } => write!(f, "tuning profile {path}: {why}"),
            Self::Damaged { path, why } => write!(f, "tuning profile {path} is damaged: {why}"),
            Self::OtherVersion { path, version } => {
                let own = env!("CARGO_PKG_VERSION");
                write!(f, "tuning profile {path} is stale: version {version} wrote it, this is {own}")
            }
            Self::OtherAdapter { adapter, known } => {
                let others = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                write!(f, "the tuning profile is not for {adapter}, but for {others}")
            }
        }
    }
}

impl std::error::Error for ProfileError {}

impl TuningProfile {
    /// Adds what was measured on a device.
    pub fn add(&mut self, device: &Device, choices: Choices) {
        self.adapters.entry(adapter_of(device)).or_default().extend(choices);
    }

    /// What was measured on a device.
    pub fn choices(&self, device: &Device) -> Option<&Choices> {
        self.adapters.get(&adapter_of(device))
    }

    /// How plans for `device` are made by this profile.
    ///
    /// # Errors
    /// When it has nothing for this adapter and this version of its driver.
    pub fn tuning(&self, device: &Device) -> Result<Tuning, ProfileError> {
        let in_words = |(name, driver): &(String, String)| format!("{name} ({driver})");
        match self.choices(device) {
            Some(choices) => Ok(Tuning::Profile(Arc::new(choices.clone()))),
            None => Err(ProfileError::OtherAdapter {
                adapter: in_words(&adapter_of(device)),
                known: self.adapters.keys().map(in_words).collect(),
            }),
        }
    }
}

fn adapter_of(device: &Device) -> (String, String) {
    (device.name().to_owned(), device.driver().to_owned())
}
