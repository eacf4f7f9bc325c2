//! A plan made ready on a device: write inputs, encode or submit, read outputs.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use super::error::PlanError;
use super::variables::Variables;
use super::{Plan, Port};
use crate::gpu::{
    Access, Buffer, BufferRole, CommandEncoder, Device, Dispatch, GpuError, Playback, Readback, Recording,
};
use crate::tensor::{DType, HostTensor, TensorType};

/// A plan with its buffers and pipelines. Only [`Session::submit`] and the methods of read-backs that say `wait` touch
/// the queue's progress; [`Session::encode`] records into the caller's encoder and nothing else.
pub struct Session {
    device: Device,
    plan: Plan,
    playback: Playback,
    /// Changes of the banks that the prologue reads, and how many there were when it was last submitted.
    changes: Vec<Arc<AtomicU64>>,
    prepared: AtomicU64,
    /// Changes of the banks that a run writes.
    written: Vec<Arc<AtomicU64>>,
}

impl Session {
    /// Makes `plan` ready. All device memory of later runs is allocated here.
    ///
    /// # Errors
    /// When the variables do not fit the plan, the device cannot compute in its [precision](super::Precision::check), or
    /// refuses a buffer or a kernel.
    pub fn new(device: &Device, plan: Plan, variables: &Variables) -> Result<Self, crate::Error> {
        variables.check(&plan.variables)?;
        plan.precision.check(device)?;
        let playback = Playback::new(device, &plan.recording, variables.banks())?;
        let recording = &plan.recording;
        let changes = variables.changes(&banks(recording, &recording.dispatches[..recording.prologue], |_| true));
        let written = variables.changes(&banks(recording, &recording.dispatches, Access::writes));
        let prepared = AtomicU64::new(u64::MAX);
        Ok(Self { device: device.clone(), plan, playback, changes, prepared, written })
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The playback, for timing.
    pub fn playback(&self) -> &Playback {
        &self.playback
    }

    /// Sets an f32 input for the next run.
    ///
    /// # Errors
    /// When there is no such input, or its type or element count differs.
    pub fn write_f32(&self, input: &str, values: &[f32]) -> Result<(), PlanError> {
        self.write_bytes(input, DType::F32, values.len(), bytemuck::cast_slice(values))
    }

    /// Sets a u32 input for the next run.
    ///
    /// # Errors
    /// When there is no such input, or its type or element count differs.
    pub fn write_u32(&self, input: &str, values: &[u32]) -> Result<(), PlanError> {
        self.write_bytes(input, DType::U32, values.len(), bytemuck::cast_slice(values))
    }

    /// Sets an input for the next run.
    ///
    /// # Errors
    /// When there is no such input or its type differs.
    pub fn write(&self, input: &str, value: &HostTensor) -> Result<(), PlanError> {
        let port = self.input(input)?;
        if port.ty != value.ty() {
            return Err(mismatch(input, &port.ty, value.ty().to_string()));
        }
        self.send(port, value.bytes());
        Ok(())
    }

    fn write_bytes(&self, input: &str, dtype: DType, count: usize, bytes: &[u8]) -> Result<(), PlanError> {
        let port = self.input(input)?;
        if port.ty.dtype != dtype || port.ty.count() != count {
            return Err(mismatch(input, &port.ty, format!("{count} elements of {dtype}")));
        }
        self.send(port, bytes);
        Ok(())
    }

    fn send(&self, port: &Port, bytes: &[u8]) {
        self.playback.note(port.buffer, port.offset, bytes);
        self.device.queue().write_buffer(self.playback.buffer(port.buffer), port.offset, bytes);
    }

    fn input(&self, name: &str) -> Result<&Port, PlanError> {
        let unknown =
            || PlanError::UnknownName { name: name.to_owned(), known: self.plan.inputs.keys().cloned().collect() };
        self.plan.inputs.get(name).ok_or_else(unknown)
    }

    fn output(&self, name: &str) -> Result<&Port, PlanError> {
        let unknown =
            || PlanError::UnknownName { name: name.to_owned(), known: self.plan.outputs.keys().cloned().collect() };
        self.plan.outputs.get(name).ok_or_else(unknown)
    }

    /// Records one run as one compute pass into the caller's encoder. Submits nothing.
    pub fn encode(&self, encoder: &mut CommandEncoder) {
        if self.prepared.load(Ordering::Relaxed) == self.change_count() {
            self.playback.encode_body(encoder);
        } else {
            self.playback.encode(encoder);
        }
        for counter in &self.written {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn change_count(&self) -> u64 {
        self.changes.iter().map(|counter| counter.load(Ordering::Relaxed)).sum()
    }

    /// Computes what depends on variables alone, such as packed weights, and submits it, so that later runs leave it
    /// out until a variable changes: through [`Variables::write`], or a run recorded since that trains them. Of use to
    /// inference; does nothing where there is nothing to do.
    pub fn submit_prologue(&self) {
        let count = self.change_count();
        if self.playback.prologue_count() == 0 || self.prepared.swap(count, Ordering::Relaxed) == count {
            return;
        }
        let mut encoder = self.device.encoder("girih prologue");
        self.playback.encode_prologue(&mut encoder);
        self.device.submit(encoder);
    }

    /// Records one run and submits it. Waits for nothing.
    pub fn submit(&self) {
        let mut encoder = self.device.encoder("girih");
        self.encode(&mut encoder);
        self.device.submit(encoder);
    }

    /// Starts reading an output of the last submitted run back.
    ///
    /// # Errors
    /// When there is no such output or the device refuses.
    pub fn read(&self, output: &str) -> Result<TensorReadback, crate::Error> {
        let port = self.output(output)?;
        let pending = self.device.read(self.playback.buffer(port.buffer), port.offset, port.ty.bytes())?;
        Ok(TensorReadback::new(pending, port.ty.clone()))
    }

    /// The buffer that holds an output, its first byte and its type: for a host that goes on with it on the device.
    ///
    /// # Errors
    /// When there is no such output.
    pub fn output_buffer(&self, output: &str) -> Result<(&Buffer, u64, &TensorType), PlanError> {
        let port = self.output(output)?;
        Ok((self.playback.buffer(port.buffer), port.offset, &port.ty))
    }
}

/// The banks that dispatches bind in one of the ways that `how` accepts.
fn banks<'a>(recording: &'a Recording, dispatches: &[Dispatch], how: impl Fn(Access) -> bool) -> BTreeSet<&'a str> {
    let bound = dispatches.iter().flat_map(|dispatch| {
        let accesses = &recording.pipelines[dispatch.pipeline.0 as usize].bindings;
        dispatch.bindings.iter().zip(accesses.iter())
    });
    let chosen = bound.filter(|(_, access)| how(**access)).map(|(b, _)| &recording.buffers[b.buffer.0 as usize].role);
    chosen.filter_map(|role| if let BufferRole::Bank(name) = role { Some(name.as_str()) } else { None }).collect()
}

fn mismatch(name: &str, expected: &TensorType, found: String) -> PlanError {
    PlanError::Mismatch { name: name.to_owned(), expected: expected.to_string(), found }
}

/// A tensor on its way from the device: a future, which can also be asked or waited for.
pub struct TensorReadback {
    pending: Readback,
    ty: TensorType,
}

impl TensorReadback {
    pub(super) fn new(pending: Readback, ty: TensorType) -> Self {
        Self { pending, ty }
    }

    /// The tensor, if it has come. Never blocks.
    ///
    /// # Errors
    /// When the device was lost.
    pub fn poll_take(&mut self) -> Option<Result<HostTensor, GpuError>> {
        self.pending.poll_take().map(|bytes| tensor(&self.ty, &bytes?))
    }

    /// Blocks until the tensor has come; not for browsers.
    ///
    /// # Errors
    /// When the device was lost.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn wait(self) -> Result<HostTensor, GpuError> {
        tensor(&self.ty, &self.pending.wait()?)
    }
}

impl Future for TensorReadback {
    type Output = Result<HostTensor, GpuError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.pending).poll(context).map(|bytes| tensor(&self.ty, &bytes?))
    }
}

fn tensor(ty: &TensorType, bytes: &[u8]) -> Result<HostTensor, GpuError> {
    let short = || GpuError::Refused { what: "a read-back".into(), why: format!("{} bytes for {ty}", bytes.len()) };
    HostTensor::from_bytes(ty, bytes).ok_or_else(short)
}
