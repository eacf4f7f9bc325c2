//! A recording made ready on a device, and played into an encoder.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::device::{Device, Pipeline};
use super::error::GpuError;
use super::recording::{BufferId, BufferRole, Dispatch, Follow, PARAMS_BYTES, Recording};

/// Persistent buffers by name, shared by recordings.
pub type Banks = BTreeMap<String, wgpu::Buffer>;

/// A recording whose pipelines, buffers and bind groups are made. Playing it allocates nothing.
pub struct Playback {
    buffers: Vec<wgpu::Buffer>,
    steps: Vec<Step>,
    prologue: usize,
    /// The counts that grids follow, by buffer and word, as the host last wrote them.
    counts: BTreeMap<(BufferId, u64), AtomicU32>,
    /// Where the device has no immediates: every dispatch's parameters, one slot each.
    params: Option<wgpu::BindGroup>,
}

struct Step {
    pipeline: Arc<Pipeline>,
    group: wgpu::BindGroup,
    params: Vec<u8>,
    params_offset: u32,
    grid: [u32; 3],
    follow: Option<Follow>,
}

impl Playback {
    /// Compiles the kernels and makes the buffers and bind groups of `recording`. Banks come from `banks`.
    ///
    /// # Errors
    /// When a bank is missing or too small, or the device refuses a buffer or a kernel.
    pub fn new(device: &Device, recording: &Recording, banks: &Banks) -> Result<Self, GpuError> {
        let buffers = recording
            .buffers
            .iter()
            .map(|spec| match &spec.role {
                BufferRole::Bank(key) => match banks.get(key) {
                    Some(buffer) if buffer.size() >= spec.bytes => Ok(buffer.clone()),
                    found => Err(GpuError::Refused {
                        what: format!("bank {key}"),
                        why: format!("{} bytes wanted, found {:?}", spec.bytes, found.map(wgpu::Buffer::size)),
                    }),
                },
                BufferRole::Constant(bytes) => {
                    let buffer = device.buffer(&spec.label, spec.bytes)?;
                    device.queue().write_buffer(&buffer, 0, bytes);
                    Ok(buffer)
                }
                BufferRole::Scratch | BufferRole::Input | BufferRole::Output => device.buffer(&spec.label, spec.bytes),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let stride = device.caps().uniform_alignment.max(PARAMS_BYTES as u64);
        let steps = recording
            .dispatches
            .iter()
            .zip(0u32..)
            .map(|(dispatch, index)| {
                let pipeline = device.pipeline(&recording.pipelines[dispatch.pipeline.0 as usize])?;
                let group = bind(device, &pipeline, dispatch, &buffers)?;
                let params_offset = index * stride as u32;
                let &Dispatch { grid, follow, .. } = dispatch;
                Ok(Step { pipeline, group, params: dispatch.params.clone(), params_offset, grid, follow })
            })
            .collect::<Result<Vec<_>, GpuError>>()?;
        let params = match device.params_layout() {
            Some(layout) => Some(params_group(device, layout, &steps, stride)?),
            None => None,
        };
        // Until the host says otherwise, everything recorded is done.
        let followed = recording.dispatches.iter().filter_map(|dispatch| dispatch.follow);
        let counts = followed.map(|follow| ((follow.buffer, follow.word), AtomicU32::new(u32::MAX))).collect();
        Ok(Self { buffers, steps, prologue: recording.prologue, counts, params })
    }

    /// Takes note of what the host writes to an input, of which a grid may follow some words.
    pub fn note(&self, buffer: BufferId, offset: u64, bytes: &[u8]) {
        let (first, end) = (offset / 4, (offset + bytes.len() as u64) / 4);
        for ((_, word), count) in self.counts.range((buffer, first)..(buffer, end)) {
            let at = (word - first) as usize * 4;
            if let Some(&[a, b, c, d]) = bytes.get(at..at + 4) {
                count.store(u32::from_le_bytes([a, b, c, d]), Ordering::Relaxed);
            }
        }
    }

    /// The grid of a step in the run to be recorded; `None` when it has nothing to do.
    fn grid(&self, step: &Step) -> Option<[u32; 3]> {
        let Some(follow) = step.follow else { return Some(step.grid) };
        let count = self.counts.get(&(follow.buffer, follow.word)).map_or(u32::MAX, |c| c.load(Ordering::Relaxed));
        follow.grid(step.grid, count)
    }

    /// Records one compute pass that runs everything, into the caller's encoder.
    pub fn encode(&self, encoder: &mut wgpu::CommandEncoder) {
        self.record(encoder, 0..self.steps.len());
    }

    /// Records one compute pass that runs the [prologue](Recording::prologue) alone.
    pub fn encode_prologue(&self, encoder: &mut wgpu::CommandEncoder) {
        self.record(encoder, 0..self.prologue);
    }

    /// Records one compute pass that runs everything but the prologue, for variables that have not changed since it ran.
    pub fn encode_body(&self, encoder: &mut wgpu::CommandEncoder) {
        self.record(encoder, self.prologue..self.steps.len());
    }

    fn record(&self, encoder: &mut wgpu::CommandEncoder, range: std::ops::Range<usize>) {
        let mut pass =
            encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some("girih"), timestamp_writes: None });
        self.dispatch(&mut pass, range);
    }

    /// Runs everything once with a timestamp around each dispatch, and returns each one's seconds; blocks.
    ///
    /// # Errors
    /// When the device has no timestamps or was lost.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn time_blocking(&self, device: &Device) -> Result<Vec<f64>, GpuError> {
        if !device.caps().timestamps {
            return Err(GpuError::Refused { what: "timestamps".into(), why: "the adapter has none".into() });
        }
        let mut seconds = Vec::with_capacity(self.steps.len());
        let queries = device.wgpu().create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("time"),
            ty: wgpu::QueryType::Timestamp,
            count: wgpu::QUERY_SET_MAX_QUERIES,
        });
        let resolved = device.buffer_for(
            "timestamps",
            u64::from(wgpu::QUERY_SET_MAX_QUERIES) * 8,
            wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
        )?;
        let nanoseconds = f64::from(device.queue().get_timestamp_period());
        let run = wgpu::QUERY_SET_MAX_QUERIES as usize - 1;
        for start in (0..self.steps.len()).step_by(run) {
            let end = self.steps.len().min(start + run);
            let mut encoder = device.encoder("time");
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.write_timestamp(&queries, 0);
            for (index, query) in (start..end).zip(1..) {
                self.dispatch(&mut pass, index..index + 1);
                pass.write_timestamp(&queries, query);
            }
            drop(pass);
            let count = (end - start + 1) as u32;
            encoder.resolve_query_set(&queries, 0..count, &resolved, 0);
            device.submit(encoder);
            let bytes = device.read(&resolved, 0, u64::from(count) * 8)?.wait()?;
            let ticks: Vec<u64> =
                bytes.chunks_exact(8).filter_map(|b| b.try_into().ok().map(u64::from_le_bytes)).collect();
            seconds.extend(ticks.windows(2).map(|t| t[1].saturating_sub(t[0]) as f64 * nanoseconds * 1e-9));
        }
        Ok(seconds)
    }

    /// Runs everything, in a pass that is open.
    pub(super) fn dispatch_all(&self, pass: &mut wgpu::ComputePass<'_>) {
        self.dispatch(pass, 0..self.steps.len());
    }

    /// Runs everything but the prologue, in a pass that is open.
    pub(super) fn dispatch_body(&self, pass: &mut wgpu::ComputePass<'_>) {
        self.dispatch(pass, self.prologue..self.steps.len());
    }

    /// Runs the first `share`-th of each dispatch behind the prologue, and returns the share of all workgroups that is.
    pub(super) fn dispatch_share(&self, pass: &mut wgpu::ComputePass<'_>, share: u32) -> f64 {
        let (mut part, mut whole) = (0.0, 0.0);
        for step in &self.steps[self.prologue..] {
            let Some(mut grid) = self.grid(step) else { continue };
            let count = |grid: [u32; 3]| grid.iter().map(|&n| f64::from(n)).product::<f64>();
            whole += count(grid);
            if let Some(longest) = grid.iter_mut().max() {
                *longest = longest.div_ceil(share);
            }
            part += count(grid);
            self.dispatch_one(pass, step, grid);
        }
        part / f64::max(whole, 1.0)
    }

    fn dispatch(&self, pass: &mut wgpu::ComputePass<'_>, range: std::ops::Range<usize>) {
        for step in &self.steps[range] {
            if let Some(grid) = self.grid(step) {
                self.dispatch_one(pass, step, grid);
            }
        }
    }

    fn dispatch_one(&self, pass: &mut wgpu::ComputePass<'_>, step: &Step, [x, y, z]: [u32; 3]) {
        pass.set_pipeline(&step.pipeline.pipeline);
        pass.set_bind_group(0, &step.group, &[]);
        if !step.params.is_empty() {
            match &self.params {
                Some(params) => pass.set_bind_group(1, params, &[step.params_offset]),
                None => pass.set_immediates(0, &step.params),
            }
        }
        pass.dispatch_workgroups(x, y, z);
    }

    /// The buffer made for `id`.
    pub fn buffer(&self, id: BufferId) -> &wgpu::Buffer {
        &self.buffers[id.0 as usize]
    }

    /// How many dispatches the prologue has.
    pub fn prologue_count(&self) -> usize {
        self.prologue
    }

    /// How many dispatches have something to do, by the counts that the host last wrote.
    pub fn busy_count(&self) -> usize {
        self.steps.iter().filter(|step| self.grid(step).is_some()).count()
    }

    /// How many dispatches a run has, prologue included.
    pub fn dispatch_count(&self) -> usize {
        self.steps.len()
    }
}

fn bind(
    device: &Device,
    pipeline: &Pipeline,
    dispatch: &Dispatch,
    buffers: &[wgpu::Buffer],
) -> Result<wgpu::BindGroup, GpuError> {
    let entries: Vec<_> = (0..)
        .zip(&dispatch.bindings)
        .map(|(binding, b)| wgpu::BindGroupEntry {
            binding,
            resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer: &buffers[b.buffer.0 as usize],
                offset: b.offset,
                size: std::num::NonZeroU64::new(b.bytes),
            }),
        })
        .collect();
    let label = Some(dispatch.label.as_str());
    let descriptor = wgpu::BindGroupDescriptor { label, layout: &pipeline.layout, entries: &entries };
    device.guarded(&dispatch.label, 0, || device.wgpu().create_bind_group(&descriptor))
}

fn params_group(
    device: &Device,
    layout: &wgpu::BindGroupLayout,
    steps: &[Step],
    stride: u64,
) -> Result<wgpu::BindGroup, GpuError> {
    let bytes = steps.len().max(1) as u64 * stride;
    let buffer = device.buffer("params", bytes)?;
    let mut contents = vec![0; bytes as usize];
    for step in steps {
        let start = step.params_offset as usize;
        contents[start..start + step.params.len()].copy_from_slice(&step.params);
    }
    device.queue().write_buffer(&buffer, 0, &contents);
    let resource = wgpu::BindingResource::Buffer(wgpu::BufferBinding {
        buffer: &buffer,
        offset: 0,
        size: std::num::NonZeroU64::new(PARAMS_BYTES as u64),
    });
    let entries = [wgpu::BindGroupEntry { binding: 0, resource }];
    let descriptor = wgpu::BindGroupDescriptor { label: Some("params"), layout, entries: &entries };
    device.guarded("the parameter uniform", bytes, || device.wgpu().create_bind_group(&descriptor))
}
