//! Where a run's time goes, dispatch by dispatch.

use std::collections::BTreeMap;

use super::peak::Roofline;
use crate::Error;
use crate::gpu::Device;
use crate::plan::Session;

/// The time of each kind of dispatch, and what the adapter could do.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Longest first.
    pub rows: Vec<ProfileRow>,
    /// What its shares are of.
    pub roofline: Roofline,
}

/// All dispatches of one label and kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileRow {
    /// The graph node, by path and op.
    pub label: String,
    /// The kernel.
    pub kernel: String,
    /// Seconds of all of them in one run.
    pub seconds: f64,
    /// How many there are in a run.
    pub dispatches: usize,
    /// Floating-point operations.
    pub flops: u64,
    /// Bytes they move, as far as their bindings tell: what each has bound for reading and for writing.
    pub bytes: u64,
}

impl Profile {
    /// Runs a session once with timestamps around each dispatch.
    ///
    /// # Errors
    /// When the device has no timestamps, or was lost.
    pub fn measure(device: &Device, session: &Session, roofline: Roofline) -> Result<Self, Error> {
        let times = session.playback().time_blocking(device)?;
        let recording = &session.plan().recording;
        let mut rows: BTreeMap<(&str, &str), ProfileRow> = BTreeMap::new();
        for (dispatch, seconds) in recording.dispatches.iter().zip(times) {
            let kernel = recording.pipelines[dispatch.pipeline.0 as usize].label.as_str();
            let row = rows.entry((&dispatch.label, kernel)).or_insert_with(|| ProfileRow {
                label: dispatch.label.clone(),
                kernel: kernel.to_owned(),
                seconds: 0.0,
                dispatches: 0,
                flops: 0,
                bytes: 0,
            });
            row.seconds += seconds;
            row.dispatches += 1;
            row.flops += dispatch.flops;
            row.bytes += recording.moved_by([dispatch]);
        }
        let mut rows: Vec<ProfileRow> = rows.into_values().collect();
        rows.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
        Ok(Self { rows, roofline })
    }
}

impl ProfileRow {
    /// Which share of the time the roofline alone would take, for this row's operations and bytes.
    pub fn roofline_share(&self, roofline: &Roofline) -> f64 {
        if self.seconds > 0.0 { roofline.seconds(self.flops, self.bytes) / self.seconds } else { 0.0 }
    }
}
