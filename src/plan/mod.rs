//! From graph to recording: verify, fuse, place values in buffers by lifetime, choose strategies, lower; and the
//! [`Session`] that runs the result.

mod choose;
mod error;
mod fuse;
mod mixed;
mod place;
mod precision;
mod prologue;
mod record;
mod session;
mod slots;
mod tuning;
mod variables;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

pub use error::PlanError;
pub use precision::Precision;
pub use session::{Session, TensorReadback};
pub use tuning::{Choices, Measured, ProfileError, Tuning, TuningProfile};
#[cfg(not(target_arch = "wasm32"))]
pub use tuning::{TuneProgress, Tuner};
pub use variables::Variables;

use crate::Error;
use crate::gpu::{BufferId, BufferRole, Caps, Device, Recording};
use crate::graph::{Graph, NodeId, Variable, verify};
use crate::kernel::CustomKernel;
use crate::tensor::TensorType;

/// How a plan is made.
#[derive(Clone, Debug)]
pub struct PlanOptions {
    /// Whether element-wise chains and epilogues are fused.
    pub fuse: bool,
    /// Whether values whose lifetimes do not meet share buffers.
    pub reuse: bool,
    /// Which of an op's strategies is taken.
    pub tuning: Tuning,
    /// Kernels from outside, which come before the engine's own wherever they fit, the first one first.
    pub kernels: Vec<Arc<CustomKernel>>,
    /// Which element types products are computed in.
    pub precision: Precision,
}

impl Default for PlanOptions {
    fn default() -> Self {
        let (tuning, precision) = (Tuning::Heuristic, Precision::F32);
        Self { fuse: true, reuse: true, tuning, kernels: Vec::new(), precision }
    }
}

/// Where a value the host names lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// The buffer.
    pub buffer: BufferId,
    /// Its first byte.
    pub offset: u64,
    /// Its type.
    pub ty: TensorType,
}

/// A recording and the names under which the host reaches its values.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What a run does.
    pub recording: Recording,
    /// Inputs the host writes, by name.
    pub inputs: BTreeMap<String, Port>,
    /// Outputs the host may read, by name.
    pub outputs: BTreeMap<String, Port>,
    /// The variables it uses, with their banks' names.
    pub variables: Vec<(String, Variable)>,
    /// The strategy of each dispatch, in order.
    pub strategies: Vec<&'static str>,
    /// What the tuning names and no op has, one line each: there the op's own preference was taken.
    pub warnings: Vec<String>,
    /// Which element types it was asked to compute in; [`Session::new`] checks that the device can.
    pub precision: Precision,
}

impl Plan {
    /// [`Plan::new`] for `device`. With [`Tuning::Measure`], what its tuner does not know yet is measured on the device
    /// first, which blocks.
    ///
    /// # Errors
    /// As [`Plan::new`]; with [`Tuning::Measure`] also as [`Precision::check`], and when the device was lost.
    pub fn for_device(
        graph: &Graph,
        outputs: &[(&str, NodeId)],
        device: &Device,
        options: &PlanOptions,
    ) -> Result<Self, Error> {
        #[cfg(not(target_arch = "wasm32"))]
        if let Tuning::Measure(tuner) = &options.tuning {
            // What cannot be planned is told before anything is measured.
            Self::new(graph, outputs, device.caps(), options)?;
            options.precision.check(device)?;
            tuner.measure(device, graph, outputs, options)?;
        }
        Ok(Self::new(graph, outputs, device.caps(), options)?)
    }

    /// Plans `outputs` and all effects of `graph` for a device with `caps`. Allocates nothing on a device, and measures
    /// nothing.
    ///
    /// # Errors
    /// When the graph does not hold together, something exceeds the device's limits, or a kernel is faulty.
    pub fn new(
        graph: &Graph,
        outputs: &[(&str, NodeId)],
        caps: &Caps,
        options: &PlanOptions,
    ) -> Result<Self, PlanError> {
        verify(graph).map_err(PlanError::Graph)?;
        let (graph, outputs) = &as_computed(graph, outputs, caps, options)?;
        let targets: Vec<NodeId> = outputs.iter().map(|(_, node)| *node).collect();
        let steps = fuse::steps(graph, &targets, caps, options.fuse)?;
        let placed = place::place(graph, &steps, &targets, caps);
        let plan = record::record(graph, &steps, &placed, outputs, caps, options)?;
        #[cfg(debug_assertions)]
        if let Err(faults) = crate::gpu::check::check(&plan.recording, caps) {
            return Err(PlanError::Recording(faults));
        }
        Ok(plan)
    }

    /// Bytes of the buffers this plan makes beside the variables' banks.
    pub fn own_bytes(&self) -> u64 {
        self.recording.bytes(|role| !matches!(role, BufferRole::Bank(_)))
    }
}

/// A graph and its outputs.
type Outlined<'a, 'b> = (Cow<'a, Graph>, Vec<(&'b str, NodeId)>);

/// `graph` and `outputs` as `options` want them computed: in mixed precision, with casts to f16.
fn as_computed<'a, 'b>(
    graph: &'a Graph,
    outputs: &[(&'b str, NodeId)],
    caps: &Caps,
    options: &PlanOptions,
) -> Result<Outlined<'a, 'b>, PlanError> {
    match options.precision {
        Precision::F32 => Ok((Cow::Borrowed(graph), outputs.to_vec())),
        Precision::Mixed => {
            let targets: Vec<NodeId> = outputs.iter().map(|(_, node)| *node).collect();
            let (halved, ids) = mixed::with_half_operands(graph, &targets, caps, options)?;
            let outputs = outputs.iter().map(|&(name, node)| (name, ids[node.0 as usize])).collect();
            Ok((Cow::Owned(halved), outputs))
        }
    }
}
