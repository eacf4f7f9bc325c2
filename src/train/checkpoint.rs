//! A run's state: variables, counters and the words that describe the model.

use std::collections::BTreeMap;

use super::trainer::Progress;
use crate::tensor::HostTensor;

/// All that a run needs to go on, or a model to be used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    /// Variables by name: parameters, statistics, optimiser state, sums.
    pub variables: BTreeMap<String, HostTensor>,
    /// Where the run stands.
    pub progress: Progress,
    /// Whatever else describes the model: written by the application, kept as it is.
    pub metadata: BTreeMap<String, String>,
}

#[cfg(feature = "safetensors")]
pub use file::CheckpointError;

#[cfg(feature = "safetensors")]
mod file {
    use std::borrow::Cow;
    use std::collections::HashMap;
    use std::fmt;
    use std::fs::File;
    use std::io::Write;
    use std::path::{Path, PathBuf};

    use safetensors::tensor::{Dtype, SafeTensors, View};

    use super::{Checkpoint, Progress};
    use crate::tensor::{DType, HostTensor, TensorType};

    /// A checkpoint file that cannot be written or read.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct CheckpointError {
        /// The file.
        pub path: PathBuf,
        /// What is wrong with it.
        pub why: String,
    }

    impl fmt::Display for CheckpointError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "checkpoint {}: {}", self.path.display(), self.why)
        }
    }

    impl std::error::Error for CheckpointError {}

    /// Our own keys among the metadata.
    const EPOCH: &str = "girih.epoch";
    const STEP: &str = "girih.step";
    const TOTAL: &str = "girih.total_steps";

    struct Stored<'a>(&'a HostTensor);

    impl View for Stored<'_> {
        fn dtype(&self) -> Dtype {
            match self.0.ty().dtype {
                DType::F32 => Dtype::F32,
                DType::U32 => Dtype::U32,
                DType::F16 => Dtype::F16,
            }
        }
        fn shape(&self) -> &[usize] {
            self.0.shape()
        }
        fn data(&self) -> Cow<'_, [u8]> {
            Cow::Borrowed(self.0.bytes())
        }
        fn data_len(&self) -> usize {
            self.0.bytes().len()
        }
    }

    impl Checkpoint {
        /// The checkpoint as a safetensors file.
        ///
        /// # Errors
        /// When the library refuses to serialise it.
        pub fn to_bytes(&self) -> Result<Vec<u8>, CheckpointError> {
            let mut metadata: HashMap<String, String> = self.metadata.clone().into_iter().collect();
            metadata.insert(EPOCH.into(), self.progress.epoch.to_string());
            metadata.insert(STEP.into(), self.progress.step.to_string());
            metadata.insert(TOTAL.into(), self.progress.total_steps.to_string());
            let views = self.variables.iter().map(|(name, tensor)| (name, Stored(tensor)));
            safetensors::serialize(views, Some(metadata))
                .map_err(|e| CheckpointError { path: PathBuf::new(), why: e.to_string() })
        }

        /// Writes the file whole or not at all: to a temporary file beside it, which is flushed to the disk and then
        /// renamed.
        ///
        /// # Errors
        /// When the folder is not writable or the disk is full.
        pub fn save(&self, path: &Path) -> Result<(), CheckpointError> {
            let fault = |why: String| CheckpointError { path: path.to_owned(), why };
            let bytes = self.to_bytes().map_err(|e| fault(e.why))?;
            let temporary = path.with_extension("partial");
            let write = || {
                let mut file = File::create(&temporary)?;
                file.write_all(&bytes)?;
                file.sync_all()?;
                std::fs::rename(&temporary, path)
            };
            write().map_err(|e| {
                // The error is what counts; a file that was never made cannot be removed.
                let _ = std::fs::remove_file(&temporary);
                fault(e.to_string())
            })
        }

        /// Reads a checkpoint.
        ///
        /// # Errors
        /// When the file is missing, damaged, truncated, or not a checkpoint of this engine.
        pub fn load(path: &Path) -> Result<Self, CheckpointError> {
            let fault = |why: String| CheckpointError { path: path.to_owned(), why };
            let bytes = std::fs::read(path).map_err(|e| fault(e.to_string()))?;
            let damaged = |e: &dyn fmt::Display| fault(format!("damaged or truncated: {e}"));
            let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| damaged(&e))?;
            let mut metadata: BTreeMap<String, String> =
                header.metadata().clone().unwrap_or_default().into_iter().collect();
            let file = SafeTensors::deserialize(&bytes).map_err(|e| damaged(&e))?;
            let mut counter = |key: &str| {
                let text = metadata.remove(key).ok_or_else(|| fault(format!("no {key}: not a checkpoint of a run")))?;
                text.parse::<u32>().map_err(|_| fault(format!("{key} is {text:?}, not a number")))
            };
            let progress = Progress { epoch: counter(EPOCH)?, step: counter(STEP)?, total_steps: counter(TOTAL)? };
            let mut variables = BTreeMap::new();
            for (name, view) in file.iter() {
                let shape = view.shape().to_vec();
                let ty = match view.dtype() {
                    Dtype::F32 => TensorType::f32(shape),
                    Dtype::U32 => TensorType::u32(shape),
                    other => return Err(fault(format!("{name} has elements of {other:?}; f32 or u32 wanted"))),
                };
                let tensor = HostTensor::from_bytes(&ty, view.data());
                variables.insert(name.to_owned(), tensor.ok_or_else(|| fault(format!("{name} is short")))?);
            }
            Ok(Self { variables, progress, metadata })
        }
    }

    use std::collections::BTreeMap;
}
