//! Where a run's time goes, dispatch by dispatch.

use std::collections::BTreeMap;

use super::peak::Roofline;
use super::spread::Spread;
use crate::Error;
use crate::gpu::{Device, Dispatch};
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
    /// Seconds of all of them in one run: of each dispatch the median of a few.
    pub seconds: f64,
    /// How many there are in a run.
    pub dispatches: usize,
    /// Floating-point operations: those of an op count for the kernel of it that takes the longest, of those that neither lay
    /// out nor transform nor add up parts for another.
    pub flops: u64,
    /// Bytes they move, as [`Recording::moved_by`](crate::gpu::Recording::moved_by) counts them.
    pub bytes: u64,
}

/// Parts of the names of kernels that lay operands or results out, transform them, or add up parts, for another that does an
/// op's arithmetic.
const HELPERS: [&str; 6] = ["_pack", "_unpack", "_turn", "_crop", "_sum", "_winograd"];

/// A label and a kernel.
type Name<'a> = (&'a str, &'a str);

/// A step of the plan: its operations, and the seconds of each of its kernels.
#[derive(Default)]
struct Step<'a> {
    flops: u64,
    kernels: BTreeMap<Name<'a>, f64>,
}

impl<'a> Step<'a> {
    /// What takes the longest, of what computes the op if there is any.
    fn longest(&self) -> Option<Name<'a>> {
        let computes = |(_, kernel): &Name<'_>| !HELPERS.iter().any(|part| kernel.contains(part));
        let order =
            |(a, s): &(&Name<'_>, &f64), (b, t): &(&Name<'_>, &f64)| computes(a).cmp(&computes(b)).then(s.total_cmp(t));
        self.kernels.iter().max_by(order).map(|(name, _)| *name)
    }
}

/// A row in the making.
#[derive(Default)]
struct Row<'a> {
    seconds: f64,
    dispatches: Vec<&'a Dispatch>,
    flops: u64,
}

impl Profile {
    /// Runs a session so many times with timestamps around each dispatch.
    ///
    /// # Errors
    /// When the device has no timestamps, or was lost.
    pub fn measure(device: &Device, session: &Session, roofline: Roofline, runs: usize) -> Result<Self, Error> {
        let runs = (0..runs).map(|_| session.playback().time_blocking(device)).collect::<Result<Vec<_>, _>>()?;
        let recording = &session.plan().recording;
        let mut rows: BTreeMap<Name<'_>, Row<'_>> = BTreeMap::new();
        let mut steps: BTreeMap<u32, Step<'_>> = BTreeMap::new();
        for (i, dispatch) in recording.dispatches.iter().enumerate() {
            let times: Vec<f64> = runs.iter().filter_map(|times| times.get(i).copied()).collect();
            let seconds = Spread::of(&times).median;
            let name = (&*dispatch.label, &*recording.pipelines[dispatch.pipeline.0 as usize].label);
            let row = rows.entry(name).or_default();
            row.seconds += seconds;
            row.dispatches.push(dispatch);
            let step = steps.entry(dispatch.step).or_default();
            step.flops += dispatch.flops;
            *step.kernels.entry(name).or_default() += seconds;
        }
        for step in steps.into_values() {
            if let Some(row) = step.longest().and_then(|name| rows.get_mut(&name)) {
                row.flops += step.flops;
            }
        }
        let rows = rows.into_iter().map(|((label, kernel), row)| ProfileRow {
            label: label.to_owned(),
            kernel: kernel.to_owned(),
            seconds: row.seconds,
            dispatches: row.dispatches.len(),
            flops: row.flops,
            bytes: recording.moved_by(row.dispatches),
        });
        let mut rows: Vec<ProfileRow> = rows.collect();
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
