//! What a driver or an adapter can refuse.

use std::fmt;

/// An error of the adapter, the driver or the device.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GpuError {
    /// No adapter was found at all.
    NoAdapter,
    /// No adapter answers to the name or index asked for; the names of those there are.
    UnknownAdapter {
        /// What was asked for.
        wanted: String,
        /// The adapters there are.
        found: Vec<String>,
    },
    /// The adapter refused to open a device.
    Open(String),
    /// The device refused an object, a command or an allocation.
    Refused {
        /// What was being made or run.
        what: String,
        /// The driver's or wgpu's words.
        why: String,
    },
    /// The device is out of memory.
    OutOfMemory {
        /// What was being made.
        what: String,
        /// Bytes asked for.
        bytes: u64,
    },
    /// The device is gone (reset, removed, driver crash); open another and restore the last snapshot.
    Lost(String),
}

impl fmt::Display for GpuError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAdapter => f.write_str(
                "no GPU adapter was found; install a driver (on Debian and Ubuntu, the software driver is \
                 `apt-get install mesa-vulkan-drivers`)",
            ),
            Self::UnknownAdapter { wanted, found } => {
                write!(f, "no adapter is called or numbered {wanted:?}; there are: {}", found.join(", "))
            }
            Self::Open(why) => write!(f, "the adapter would not open a device: {why}"),
            Self::Refused { what, why } => write!(f, "the device refused {what}: {why}"),
            Self::OutOfMemory { what, bytes } => {
                write!(f, "the device has no memory left for {what} ({bytes} bytes)")
            }
            Self::Lost(why) => write!(f, "the device was lost: {why}"),
        }
    }
}

impl std::error::Error for GpuError {}
