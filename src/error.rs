//! The one error type of calls that cross rooms.

use std::fmt;

use crate::data::DataError;
use crate::gpu::GpuError;
use crate::graph::GraphError;
use crate::plan::PlanError;

/// Any error of the library.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Of the adapter, the driver or the device.
    Gpu(GpuError),
    /// Of building a graph.
    Graph(GraphError),
    /// Of planning, or of using a plan.
    Plan(PlanError),
    /// Of reading data.
    Data(DataError),
    /// A batch that exceeds what the adapter allows.
    Batch {
        /// Examples asked for.
        asked: usize,
        /// The largest batch that fits; 0 when none does.
        largest: usize,
        /// Which limit it exceeds.
        source: PlanError,
    },
    /// A step of a program that was not planned.
    UnknownProgram(u32),
    /// A step after the last one.
    Finished,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gpu(e) => e.fmt(f),
            Self::Graph(e) => e.fmt(f),
            Self::Plan(e) => e.fmt(f),
            Self::Data(e) => e.fmt(f),
            Self::Batch { asked, largest: 0, source } => {
                write!(f, "a batch of {asked} does not fit, nor any: {source}")
            }
            Self::Batch { asked, largest, source } => {
                write!(f, "a batch of {asked} does not fit ({source}); the largest that does is {largest}")
            }
            Self::UnknownProgram(program) => write!(f, "a step plays program {program}, which was not planned"),
            Self::Finished => f.write_str("the run is over: all its epochs are done"),
        }
    }
}

impl std::error::Error for Error {}

macro_rules! from {
    ($($variant:ident $ty:ty),*) => {
        $(impl From<$ty> for Error {
            fn from(error: $ty) -> Self {
                Self::$variant(error)
            }
        })*
    };
}
from!(Gpu GpuError, Graph GraphError, Plan PlanError, Data DataError);
