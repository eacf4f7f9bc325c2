//! How long runs take: by the device's clock where it has one, else by the host's.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::device::Device;
use super::error::GpuError;
use super::playback::Playback;

/// Which clock a [`Timer`] reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Timestamps of the device, at the beginning and the end of a compute pass.
    Device,
    /// The host's, from submission to completion: what submitting and waiting cost is in it.
    Host,
}

/// Times runs of recordings.
pub struct Timer {
    device: Device,
    queries: Option<Queries>,
    /// When the device was last kept busy.
    busy: Mutex<Option<Instant>>,
}

/// How long a GPU must be kept busy until its clocks are up. An H200 that waits lowers them from 1,980 to 345 MHz within
/// three seconds.
pub const ROUSED: Duration = Duration::from_millis(400);
/// After what pause a GPU's clocks are no longer taken to be up.
pub const DROWSY: Duration = Duration::from_secs(1);
/// Shares of a run by which its time is foreseen.
const SHARES: [u32; 2] = [64, 16];
/// What a pass takes at least to keep it busy, in seconds.
const SOME: f64 = 0.002;

struct Queries {
    set: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    /// Seconds of a tick.
    tick: f64,
}

impl Timer {
    /// A timer by the best clock there is.
    ///
    /// # Errors
    /// When the device refuses a buffer.
    pub fn new(device: &Device) -> Result<Self, GpuError> {
        let queries = match device.wgpu().features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            true => Some(Queries::new(device)?),
            false => None,
        };
        Ok(Self { device: device.clone(), queries, busy: Mutex::new(None) })
    }

    /// The clock it reads.
    pub fn clock(&self) -> Clock {
        if self.queries.is_some() { Clock::Device } else { Clock::Host }
    }

    /// Has a GPU raise its clocks, by playing `run` for a while, unless it was busy within the last `pause`.
    ///
    /// # Errors
    /// When the device was lost.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn rouse(&self, run: &Playback, pause: Duration) -> Result<(), GpuError> {
        let busy = *self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if self.device.caps().is_software() || busy.is_some_and(|end| end.elapsed() < pause) {
            return Ok(());
        }
        let (start, mut repeats) = (Instant::now(), 1);
        while start.elapsed() < ROUSED {
            let seconds = self.time_bodies(run, repeats)?;
            repeats = if seconds < SOME { repeats * 2 } else { repeats };
        }
        *self.busy.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        Ok(())
    }

    /// Plays `runs` one after another in one compute pass, prologues included, and returns the seconds from the
    /// beginning of the first to the end of the last. Blocks; not for browsers.
    ///
    /// # Errors
    /// When the device was lost.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn time<'a>(&self, runs: impl IntoIterator<Item = &'a Playback>) -> Result<f64, GpuError> {
        self.time_pass(|pass| runs.into_iter().for_each(|run| run.dispatch_all(pass)))
    }

    /// [`Timer::time`] of `repeats` runs of one recording without its prologue.
    ///
    /// # Errors
    /// When the device was lost.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn time_bodies(&self, run: &Playback, repeats: usize) -> Result<f64, GpuError> {
        self.time_pass(|pass| (0..repeats).for_each(|_| run.dispatch_body(pass)))
    }

    /// Seconds that a run without its prologue would take, foreseen from two shares of it, so that what would take too long
    /// need not be run. It compiles what the driver leaves for the first run; what it computes is of no use.
    ///
    /// # Errors
    /// When the device was lost.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn foresee(&self, run: &Playback) -> Result<f64, GpuError> {
        // The first one compiles.
        self.time_share(run, SHARES[0])?;
        let (small, small_part) = self.time_share(run, SHARES[0])?;
        let (large, large_part) = self.time_share(run, SHARES[1])?;
        Ok(foreseen([small, large], [small_part, large_part]))
    }

    /// The seconds of about one `share`-th of a run without its prologue, each dispatch's grid cut along its longest side, and
    /// what share of all workgroups that is, from 0 to 1.
    #[cfg(not(target_arch = "wasm32"))]
    fn time_share(&self, run: &Playback, share: u32) -> Result<(f64, f64), GpuError> {
        let mut part = 0.0;
        let seconds = self.time_pass(|pass| part = run.dispatch_share(pass, share))?;
        Ok((seconds, part))
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn time_pass(&self, record: impl FnOnce(&mut wgpu::ComputePass<'_>)) -> Result<f64, GpuError> {
        // What the host wrote before must not arrive within the time.
        self.device.submit(self.device.encoder("flush"));
        self.device.wait()?;
        let mut encoder = self.device.encoder("time");
        let timestamp_writes = self.queries.as_ref().map(|queries| wgpu::ComputePassTimestampWrites {
            query_set: &queries.set,
            beginning_of_pass_write_index: Some(0),
            end_of_pass_write_index: Some(1),
        });
        let descriptor = wgpu::ComputePassDescriptor { label: Some("time"), timestamp_writes };
        let mut pass = encoder.begin_compute_pass(&descriptor);
        record(&mut pass);
        drop(pass);
        if let Some(queries) = &self.queries {
            encoder.resolve_query_set(&queries.set, 0..2, &queries.resolved, 0);
        }
        let start = Instant::now();
        self.device.submit(encoder);
        self.device.wait()?;
        let by_host = start.elapsed().as_secs_f64();
        let Some(queries) = &self.queries else { return Ok(by_host) };
        let bytes = self.device.read(&queries.resolved, 0, 16)?.wait()?;
        let tick = |at: usize| bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes);
        // A pass shorter than a tick leaves nothing to read.
        Ok(match tick(8).saturating_sub(tick(0)) {
            0 => by_host,
            ticks => ticks as f64 * queries.tick,
        })
    }
}

/// What a whole takes, by what two parts of it took. Work that goes with its size is found from their difference; what starts
/// a dispatch is in both. Where grids are so short that the parts are nearly one, the difference is noise: but the whole
/// takes no more than the large part as many times as it goes into it.
fn foreseen([small, large]: [f64; 2], [small_part, large_part]: [f64; 2]) -> f64 {
    let most = large / large_part.clamp(f64::EPSILON, 1.0);
    if large_part <= small_part {
        return most;
    }
    let slope = (large - small).max(0.0) / (large_part - small_part);
    most.min(large + slope * (1.0 - large_part))
}

impl Queries {
    fn new(device: &Device) -> Result<Self, GpuError> {
        let descriptor = wgpu::QuerySetDescriptor { label: Some("time"), ty: wgpu::QueryType::Timestamp, count: 2 };
        let usage = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
        Ok(Self {
            set: device.guarded("timestamps", 16, || device.wgpu().create_query_set(&descriptor))?,
            resolved: device.buffer_for("timestamps", 16, usage)?,
            tick: f64::from(device.queue().get_timestamp_period()) * 1e-9,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::foreseen;

    #[test]
    fn a_whole_is_foreseen_from_its_parts() {
        let close =
            |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 1e-9, "{found} for {expected}");
        // 10 ms to start and a second of work.
        close(foreseen([0.01 + 1.0 / 64.0, 0.01 + 1.0 / 16.0], [1.0 / 64.0, 1.0 / 16.0]), 1.01);
        // Nearly one part, and a millisecond of noise between them.
        close(foreseen([0.070, 0.071], [0.1429, 0.1437]), 0.071 / 0.1437);
        // Nothing to cut.
        close(foreseen([0.2, 0.1], [1.0, 1.0]), 0.1);
    }
}
