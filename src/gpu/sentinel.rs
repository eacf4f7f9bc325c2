//! Sentinels: a recording with poison behind every tensor, inside what is bound, to catch kernels that read or write
//! past an end.

use std::fmt;

use super::device::{Buffer, Device};
use super::error::GpuError;
use super::playback::{Banks, Playback};
use super::recording::{Access, BufferId, BufferRole, BufferSpec, Recording};

/// Words bound behind every tensor.
const GUARD: u64 = 64;
/// Read as a float it is NaN, as an integer huge: what is computed from it is wrong.
const POISON: u32 = 0x7fc0_dead;

/// A recording made ready on a device, with 64 words of poison behind every buffer and every storage binding. Fixed
/// contents and uniform windows, whose reads their types bound, have none.
pub struct Guarded {
    device: Device,
    playback: Playback,
    banks: Banks,
    /// As the recording has them.
    buffers: Vec<BufferSpec>,
}

/// A write past the end of a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// The buffer's label.
    pub label: String,
    /// What the buffer holds.
    pub role: BufferRole,
    /// Words between its end and what was written.
    pub words: usize,
}

impl fmt::Display for Stray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match &self.role {
            BufferRole::Bank(_) => "the variable",
            BufferRole::Scratch => "the intermediate",
            BufferRole::Input => "the input",
            BufferRole::Output => "the output",
            BufferRole::Constant(_) => "the constant",
        };
        let label = if self.label.is_empty() { String::new() } else { format!(" {:?}", self.label) };
        write!(f, "it writes past the end of {what}{label}: word {} behind it", self.words + 1)
    }
}

impl Guarded {
    /// Makes `recording` ready, every buffer full of poison; banks are made anew.
    ///
    /// # Errors
    /// When the device refuses a buffer or a kernel.
    pub fn new(device: &Device, recording: &Recording) -> Result<Self, GpuError> {
        let buffers = recording.buffers.clone();
        let mut recording = recording.clone();
        recording.buffers.iter_mut().for_each(|buffer| buffer.bytes += GUARD * 4);
        for dispatch in &mut recording.dispatches {
            let accesses = &recording.pipelines[dispatch.pipeline.0 as usize].bindings;
            let storage = dispatch.bindings.iter_mut().zip(accesses.iter()).filter(|(_, a)| **a != Access::Uniform);
            storage.for_each(|(binding, _)| binding.bytes += GUARD * 4);
        }
        let mut banks = Banks::new();
        for buffer in &recording.buffers {
            if let BufferRole::Bank(name) = &buffer.role {
                banks.insert(name.clone(), device.buffer(name, buffer.bytes)?);
            }
        }
        let playback = Playback::new(device, &recording, &banks)?;
        for (id, buffer) in (0..).map(BufferId).zip(&recording.buffers) {
            if !matches!(buffer.role, BufferRole::Constant(_)) {
                let poison = vec![POISON; buffer.bytes as usize / 4];
                device.queue().write_buffer(playback.buffer(id), 0, bytemuck::cast_slice(&poison));
            }
        }
        Ok(Self { device: device.clone(), playback, banks, buffers })
    }

    /// A buffer, to write inputs to and to read results from.
    pub fn buffer(&self, id: BufferId) -> &Buffer {
        self.playback.buffer(id)
    }

    /// The bank of this name.
    pub fn bank(&self, name: &str) -> Option<&Buffer> {
        self.banks.get(name)
    }

    /// Runs it once and looks at the guards. Blocks; not for browsers.
    ///
    /// # Errors
    /// When the device was lost.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn run_blocking(&self) -> Result<Result<(), Stray>, GpuError> {
        let mut encoder = self.device.encoder("guarded");
        self.playback.encode(&mut encoder);
        self.device.submit(encoder);
        for (id, BufferSpec { label, bytes, role }) in (0..).map(BufferId).zip(&self.buffers) {
            if matches!(role, BufferRole::Constant(_)) {
                continue;
            }
            let guard = self.device.read(self.playback.buffer(id), *bytes, GUARD * 4)?.wait()?;
            let intact = |word: &[u8]| *word == POISON.to_le_bytes();
            if let Some(words) = guard.chunks_exact(4).position(|word| !intact(word)) {
                return Ok(Err(Stray { label: label.clone(), role: role.clone(), words }));
            }
        }
        Ok(Ok(()))
    }
}
