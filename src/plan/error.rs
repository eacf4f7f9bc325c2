//! What a plan can fail on.

use std::fmt;

use crate::graph::GraphError;
use crate::kernel::KernelError;

/// An error while planning or while using a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanError {
    /// The graph violates its own rules; one line each.
    Graph(Vec<String>),
    /// A fused op does not fit; a defect of the fusion.
    Fusion(GraphError),
    /// A recording violates WebGPU's rules; one line each.
    Recording(Vec<String>),
    /// A kernel does not compile.
    Kernel(KernelError),
    /// Something exceeds a limit of the device.
    TooLarge {
        /// The layer and op.
        place: String,
        /// What is too large.
        what: &'static str,
        /// How much was asked for.
        asked: u64,
        /// How much there is.
        limit: u64,
    },
    /// No strategy of an op can run on the device.
    NoStrategy {
        /// The layer and op.
        place: String,
    },
    /// The device cannot compute in the precision asked for.
    Precision {
        /// Why not.
        why: String,
    },
    /// No input, output or variable has this name.
    UnknownName {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A tensor of another type than the plan's.
    Mismatch {
        /// The input, output or variable.
        name: String,
        /// What the plan has.
        expected: String,
        /// What was given.
        found: String,
    },
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Graph(faults) => write!(f, "the graph does not hold together: {}", faults.join("; ")),
            Self::Fusion(error) => write!(f, "fusion: {error}"),
            Self::Recording(faults) => write!(f, "the recording breaks the device's rules: {}", faults.join("; ")),
            Self::Kernel(error) => error.fmt(f),
            Self::TooLarge { place, what, asked, limit } => {
                write!(f, "{place}: {what} of {asked}, but the adapter allows {limit}")
            }
            Self::NoStrategy { place } => write!(f, "{place}: no kernel for this adapter's limits"),
            Self::Precision { why } => write!(f, "no mixed precision here: {why}"),
            Self::UnknownName { name, known } => {
                write!(f, "nothing is called {name:?}; there are {}", known.join(", "))
            }
            Self::Mismatch { name, expected, found } => write!(f, "{name}: {expected} wanted, {found} given"),
        }
    }
}

impl std::error::Error for PlanError {}

impl From<KernelError> for PlanError {
    fn from(error: KernelError) -> Self {
        Self::Kernel(error)
    }
}
