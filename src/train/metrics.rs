//! Loss and accuracy, summed on the device and read without stalling it.

use std::collections::VecDeque;

use crate::Error;
use crate::gpu::{Device, Readback};
use crate::graph::{Graph, GraphError, Init, NodeId};
use crate::plan::Variables;
use crate::tensor::{HostTensor, TensorType};

/// The variable that sums are kept in, f32 `[3]`: loss, correct answers, examples.
pub const METRICS: &str = "metrics.sums";

/// Sums since the last reset, as means.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Metrics {
    /// The mean loss of an example.
    pub loss: f32,
    /// The share of right answers.
    pub accuracy: f32,
    /// How many examples.
    pub count: u64,
}

impl Metrics {
    fn of(sums: &[f32]) -> Self {
        let &[loss, correct, count] = sums else { return Self::default() };
        Self { loss: loss / count, accuracy: correct / count, count: count as u64 }
    }
}

/// Adds the accumulation of `loss`, `correct` and `count` (f32 `[]` each) to a graph.
pub(super) fn accumulate(graph: &mut Graph, sums: [NodeId; 3]) -> Result<(), GraphError> {
    let total = graph.variable("metrics", METRICS, TensorType::f32([3]), Init::Fill(0.0));
    let parts = sums.map(|sum| graph.reshape(sum, [1]));
    let [loss, correct, count] = parts;
    let all = graph.concat(&[loss?, correct?, count?], 0)?;
    graph.accumulate(total, all)?;
    Ok(())
}

/// Starts the sums anew, before the next submitted run.
pub(super) fn reset(variables: &Variables) -> Result<(), Error> {
    Ok(variables.write(METRICS, &HostTensor::full([3], 0.0))?)
}

/// Makes what reading the sums while training needs, so that no step allocates.
pub(super) fn reserve(device: &Device, variables: &Variables) -> Result<(), Error> {
    // Those under way, the one a step adds before it waits for the oldest, and one for who asks in between.
    Ok(device.reserve_reads(InFlight::AHEAD + 2, variables.get(METRICS)?.ty.bytes())?)
}

/// The sums after everything submitted so far; blocks.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn read_blocking(variables: &Variables) -> Result<Metrics, Error> {
    let sums = variables.read(METRICS)?.wait()?;
    Ok(Metrics::of(sums.as_f32().unwrap_or_default()))
}

/// The sums after everything submitted so far.
pub(super) async fn read(variables: &Variables) -> Result<Metrics, Error> {
    let sums = variables.read(METRICS)?.await?;
    Ok(Metrics::of(sums.as_f32().unwrap_or_default()))
}

/// Sums on their way to the host, oldest first. They also bound how far the host runs ahead of the device.
#[derive(Default)]
pub(super) struct InFlight {
    pending: VecDeque<Readback>,
    /// How many of them belong to sums that were since started anew.
    stale: usize,
    last: Metrics,
}

impl InFlight {
    /// Steps submitted ahead of the device: enough to keep it busy, few enough to answer Ctrl-C at once.
    pub const AHEAD: usize = 3;

    /// Adds a step's sums.
    pub fn push(&mut self, sums: Readback) {
        self.pending.push_back(sums);
    }

    /// Takes the oldest sums until few enough are under way; blocks.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn settle_blocking(&mut self) -> Result<(), Error> {
        while self.pending.len() > Self::AHEAD
            && let Some(oldest) = self.pending.pop_front()
        {
            let bytes = oldest.wait()?;
            self.arrived(&bytes);
        }
        Ok(())
    }

    /// Takes the oldest sums until few enough are under way.
    pub async fn settle(&mut self) -> Result<(), Error> {
        while self.pending.len() > Self::AHEAD
            && let Some(oldest) = self.pending.pop_front()
        {
            let bytes = oldest.await?;
            self.arrived(&bytes);
        }
        Ok(())
    }

    fn arrived(&mut self, bytes: &[u8]) {
        if self.stale > 0 {
            self.stale -= 1;
        } else {
            self.last = of_bytes(bytes);
        }
    }

    /// The newest sums that have come.
    pub fn last(&self) -> Metrics {
        self.last
    }

    /// The sums start anew: those under way are taken, so that their buffers come back, and forgotten.
    pub fn start_anew(&mut self) {
        self.stale = self.pending.len();
        self.last = Metrics::default();
    }
}

fn of_bytes(bytes: &[u8]) -> Metrics {
    let words = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    Metrics::of(&words.collect::<Vec<_>>())
}
