//! The only room that names wgpu: adapters and their capabilities, the [`Recording`] (a plan as plain data), its
//! playback into a `wgpu::CommandEncoder`, read-back, and a checker that needs no GPU.

mod adapter;
mod caps;
pub mod check;
mod device;
mod error;
mod playback;
mod readback;
mod recording;
mod sentinel;
mod timer;

pub use adapter::{AdapterReport, AdapterSelector, adapters};
pub use caps::{AdapterKind, Caps, Profile};
pub use device::{Buffer, CommandEncoder, Device, DeviceOptions};
pub use error::GpuError;
pub use playback::{Banks, Playback};
pub use readback::{Readback, RecordedRead};
pub use recording::{
    Access, Binding, BufferId, BufferRole, BufferSpec, Dispatch, Follow, PARAMS_BYTES, PipelineId, PipelineSpec,
    Recording, UNIFORM_LEAST,
};
pub use sentinel::{Guarded, Stray};
pub use timer::{Clock, DROWSY, ROUSED, Timer};
