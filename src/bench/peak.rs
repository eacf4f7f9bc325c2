//! What an adapter can do, measured.

use std::time::Instant;

use super::microkernel::{self, Float, Microkernel, Near, Subgroup, Walk};
use super::spread::Spread;
use crate::Error;
use crate::gpu::{Caps, DROWSY, Device, Playback, Timer};
use crate::plan::Precision;

/// How long peaks are measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effort {
    /// Measurements, of which the median counts.
    pub samples: usize,
    /// What each must take at least, in seconds: the work grows until it does.
    pub seconds: f64,
}

impl Effort {
    /// For a listing of its own: about half a second a row.
    pub const FULL: Self = Self { samples: 7, seconds: 0.02 };
    /// For the roofline in front of other measurements.
    pub const SHORT: Self = Self { samples: 5, seconds: 0.01 };
}

/// What a peak is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Floating-point operations a second; a multiply-add is two.
    FlopsPerSecond,
    /// Bytes a second.
    BytesPerSecond,
    /// Operations a second, counted once an invocation.
    OperationsPerSecond,
    /// Seconds.
    Seconds,
}

/// One ability of an adapter.
#[derive(Clone, Debug, PartialEq)]
pub struct Peak {
    /// What was measured, such as `fma f32`.
    pub name: &'static str,
    /// What the values are counted in.
    pub unit: Unit,
    /// The measurements.
    pub value: Spread,
}

/// The two roofs under which every kernel of an adapter stands (Williams, Waterman and Patterson, *Roofline*, 2009).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Roofline {
    /// Multiply-adds, in f32, or of f16 by cooperative matrices: floating-point operations a second.
    pub flops_per_s: f64,
    /// The best of reading, writing and copying: bytes a second.
    pub bytes_per_s: f64,
}

impl Roofline {
    /// Measures both roofs: for f32, or for mixed precision where the device has cooperative matrices.
    ///
    /// # Errors
    /// When the device refuses a buffer or a kernel, or was lost.
    pub fn measure(device: &Device, precision: Precision, effort: Effort) -> Result<Self, Error> {
        let bench = Bench::new(device, effort)?;
        let cooperative = if precision == Precision::Mixed { bench.cooperative()? } else { None };
        // A roof is what can be reached: the best measurement, whatever else the machine was doing.
        let flops_per_s = match cooperative {
            Some(rate) => rate.max,
            None => bench.fma(Float::F32)?.max,
        };
        let walks = [Walk::Read, Walk::Write, Walk::Copy].map(|walk| bench.walk(walk));
        let bytes_per_s = walks.into_iter().try_fold(0.0, |best: f64, walk| Ok::<_, Error>(best.max(walk?.max)))?;
        Ok(Self { flops_per_s, bytes_per_s })
    }

    /// The least time, in seconds, for this many floating-point operations that move this many bytes.
    pub fn seconds(&self, flops: u64, bytes: u64) -> f64 {
        (flops as f64 / self.flops_per_s).max(bytes as f64 / self.bytes_per_s)
    }

    /// Whether so many operations over so many bytes are bound by arithmetic.
    pub fn is_compute_bound(&self, flops: u64, bytes: u64) -> bool {
        flops as f64 / self.flops_per_s > bytes as f64 / self.bytes_per_s
    }
}

/// Measures all there is, and hands each row over as soon as it is known.
///
/// # Errors
/// When the device refuses a buffer or a kernel, or was lost.
pub fn peaks(device: &Device, effort: Effort, mut row: impl FnMut(Peak)) -> Result<(), Error> {
    let bench = Bench::new(device, effort)?;
    let mut put = |name, unit, value| row(Peak { name, unit, value });
    put("fma f32", Unit::FlopsPerSecond, bench.fma(Float::F32)?);
    if device.caps().f16 {
        put("fma f16", Unit::FlopsPerSecond, bench.fma(Float::F16)?);
    }
    if let Some(value) = bench.cooperative()? {
        put("coop f16", Unit::FlopsPerSecond, value);
    }
    for (name, walk) in [("read", Walk::Read), ("write", Walk::Write), ("copy", Walk::Copy)] {
        put(name, Unit::BytesPerSecond, bench.walk(walk)?);
    }
    for (name, memory) in [("workgroup memory", Near::Workgroup), ("uniform buffer", Near::Uniform)] {
        let make = |groups| microkernel::near(memory, groups, device.caps());
        put(name, Unit::BytesPerSecond, bench.grown(make)?);
    }
    if device.caps().subgroup.is_some() {
        for (name, operation) in [("subgroup add", Subgroup::Add), ("subgroup shuffle", Subgroup::Shuffle)] {
            let make = |groups| microkernel::subgroup(operation, groups, device.caps());
            put(name, Unit::OperationsPerSecond, bench.grown(make)?);
        }
    }
    let one = microkernel::dispatch().playback(device)?;
    put("dispatch", Unit::Seconds, bench.sampled(1000, |count| bench.dispatches(&one, count))?);
    put("submit", Unit::Seconds, bench.sampled(100, |count| bench.submits(&one, count))?);
    put("submit and wait", Unit::Seconds, bench.sampled(20, |count| bench.round_trips(&one, count))?);
    Ok(())
}

struct Bench<'a> {
    device: &'a Device,
    timer: Timer,
    effort: Effort,
}

/// Most workgroups of a microkernel: far more than any adapter runs at a time.
const MOST_GROUPS: usize = 1 << 22;

impl<'a> Bench<'a> {
    fn new(device: &'a Device, effort: Effort) -> Result<Self, Error> {
        Ok(Self { device, timer: Timer::new(device)?, effort })
    }

    fn caps(&self) -> &Caps {
        self.device.caps()
    }

    /// The best of several numbers of chains: what hides an adapter's latency without filling its registers.
    fn fma(&self, float: Float) -> Result<Spread, Error> {
        self.best(
            [2, 3, 4].map(|chains| self.grown(move |groups| microkernel::fma(float, chains, groups, self.caps()))),
        )
    }

    /// Products of cooperative matrices, where there are any.
    fn cooperative(&self) -> Result<Option<Spread>, Error> {
        let Some(one) = microkernel::cooperative(1, self.caps()) else { return Ok(None) };
        self.grown(|groups| microkernel::cooperative(groups, self.caps()).unwrap_or_else(|| one.clone())).map(Some)
    }

    /// The best of short and long runs, over more bytes than caches hold.
    fn walk(&self, walk: Walk) -> Result<Spread, Error> {
        let most = self.caps().binding_bytes.min(self.caps().buffer_bytes);
        let bytes = if self.caps().is_software() { 64 << 20 } else { 256 << 20 };
        let bytes = bytes.min(most) / 16 * 16;
        self.best([1, 8].map(|run| {
            let micro = microkernel::walk(walk, bytes, run, self.caps());
            self.rate(&micro, &micro.playback(self.device)?)
        }))
    }

    fn best<const N: usize>(&self, variants: [Result<Spread, Error>; N]) -> Result<Spread, Error> {
        let mut best: Option<Spread> = None;
        for variant in variants {
            let variant = variant?;
            best = Some(best.filter(|best| best.median >= variant.median).unwrap_or(variant));
        }
        Ok(best.unwrap_or(Spread::of(&[])))
    }

    /// The rate of a kernel of as many workgroups as take long enough, and so fill the adapter.
    fn grown(&self, make: impl Fn(usize) -> Microkernel) -> Result<Spread, Error> {
        let mut groups = 64;
        loop {
            let micro = make(groups);
            let playback = micro.playback(self.device)?;
            let seconds = self.timer.time([&playback])?;
            if seconds >= self.effort.seconds || groups >= MOST_GROUPS {
                return self.rate(&micro, &playback);
            }
            // Not all at once: a grid that does not fill the adapter says little of one that does.
            let factor = (1.2 * self.effort.seconds / seconds).clamp(2.0, 16.0);
            groups = ((groups as f64 * factor) as usize).min(MOST_GROUPS);
        }
    }

    /// Work a second, of a kernel that is repeated until it takes long enough.
    fn rate(&self, micro: &Microkernel, playback: &Playback) -> Result<Spread, Error> {
        self.timer.rouse(playback, DROWSY)?;
        let once = self.timer.time([playback])?;
        let repeats = (self.effort.seconds / once).ceil().clamp(1.0, 1000.0) as usize;
        let time = |count| Ok(self.timer.time(std::iter::repeat_n(playback, count))?);
        Ok(self.sampled(repeats, time)?.rate(micro.work))
    }

    /// Seconds of one of the `count` things that `time` does.
    fn sampled(&self, count: usize, time: impl Fn(usize) -> Result<f64, Error>) -> Result<Spread, Error> {
        time(count)?;
        let samples: Result<Vec<f64>, Error> =
            (0..self.effort.samples.max(1)).map(|_| Ok(time(count)? / count as f64)).collect();
        Ok(Spread::of(&samples?))
    }

    fn dispatches(&self, one: &Playback, count: usize) -> Result<f64, Error> {
        Ok(self.timer.time(std::iter::repeat_n(one, count))?)
    }

    /// Recording and submitting, nothing waited for.
    fn submits(&self, one: &Playback, count: usize) -> Result<f64, Error> {
        self.device.wait()?;
        let start = Instant::now();
        (0..count).for_each(|_| self.submit(one));
        let seconds = start.elapsed().as_secs_f64();
        self.device.wait()?;
        Ok(seconds)
    }

    /// Recording, submitting and waiting, again and again.
    fn round_trips(&self, one: &Playback, count: usize) -> Result<f64, Error> {
        let start = Instant::now();
        for _ in 0..count {
            self.submit(one);
            self.device.wait()?;
        }
        Ok(start.elapsed().as_secs_f64())
    }

    fn submit(&self, one: &Playback) {
        let mut encoder = self.device.encoder("submit");
        one.encode(&mut encoder);
        self.device.submit(encoder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_roof_bounds() {
        let roof = Roofline { flops_per_s: 100.0, bytes_per_s: 10.0 };
        assert_eq!((roof.seconds(200, 5), roof.is_compute_bound(200, 5)), (2.0, true));
        assert_eq!((roof.seconds(10, 50), roof.is_compute_bound(10, 50)), (5.0, false));
    }
}
