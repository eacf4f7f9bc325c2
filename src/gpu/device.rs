//! An open device: wgpu's device and queue, what they can do, and the pipelines made so far.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub use wgpu::{Buffer, CommandEncoder};

use super::adapter::{AdapterSelector, choose, instance};
use super::caps::{Caps, Profile};
use super::error::GpuError;
use super::recording::{Access, PARAMS_BYTES, PipelineSpec};

/// How a device is opened.
#[derive(Clone, Debug, Default)]
pub struct DeviceOptions {
    /// Which adapter.
    pub adapter: AdapterSelector,
    /// How much of what it offers.
    pub profile: Profile,
    /// Whether built-in kernels keep wgpu's run-time bounds and loop checks, as the tests do.
    pub checked: bool,
    /// Whether cooperative matrices, which wgpu holds to be experimental, are asked for where the adapter has them.
    pub cooperative: bool,
}

/// A device to run recordings on. Cloning shares it.
#[derive(Clone)]
pub struct Device(Arc<Inner>);

pub(super) struct Inner {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    caps: Caps,
    name: String,
    driver: String,
    checked: bool,
    pipelines: Mutex<HashMap<PipelineSpec, Arc<Pipeline>>>,
    pub(super) staging: Mutex<Vec<wgpu::Buffer>>,
    buffer_count: AtomicU64,
    submit_count: AtomicU64,
    lost: Arc<Mutex<Option<String>>>,
    /// What was refused where no one could be told at once.
    refused: Arc<Mutex<Option<String>>>,
    cooperative_verdict: OnceLock<Result<(), String>>,
    params_layout: Option<wgpu::BindGroupLayout>,
}

/// A compiled kernel and the layout of its storage bindings.
pub(super) struct Pipeline {
    pub(super) pipeline: wgpu::ComputePipeline,
    pub(super) layout: wgpu::BindGroupLayout,
}

impl Device {
    /// Opens an adapter.
    ///
    /// # Errors
    /// When there is no such adapter or it opens no device.
    pub async fn open(options: &DeviceOptions) -> Result<Self, GpuError> {
        let found = instance().enumerate_adapters(wgpu::Backends::all()).await;
        let (index, _) = choose(&found, &options.adapter)?;
        let adapter = &found[index];
        let (required_features, required_limits) =
            options.profile.request(options.cooperative, adapter.features(), adapter.limits());
        let experimental = required_features.intersects(wgpu::Features::all_experimental_mask());
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("girih"),
            required_features,
            required_limits,
            experimental_features: if experimental { accepted() } else { wgpu::ExperimentalFeatures::disabled() },
            ..Default::default()
        };
        let (device, queue) = adapter.request_device(&descriptor).await.map_err(|e| GpuError::Open(e.to_string()))?;
        let new = Self::new(device, queue, options.checked, &adapter.cooperative_matrix_properties());
        // wgpu panics on what no scope around it catches. Of a device that the host owns, the host has its say.
        let refused = Arc::clone(&new.0.refused);
        let keep = move |error: wgpu::Error| {
            refused.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| error.to_string());
        };
        new.0.device.on_uncaptured_error(Arc::new(keep));
        Ok(new)
    }

    /// [`Device::open`], blocking; not for browsers.
    ///
    /// # Errors
    /// As [`Device::open`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open_blocking(options: &DeviceOptions) -> Result<Self, GpuError> {
        super::readback::block_on(Self::open(options))
    }

    /// Uses a device that the host application owns, with the features and limits it was opened with. Cooperative
    /// matrices are left alone: their sizes are the adapter's to tell.
    pub fn from_wgpu(device: wgpu::Device, queue: wgpu::Queue) -> Self {
        Self::new(device, queue, true, &[])
    }

    fn new(
        device: wgpu::Device,
        queue: wgpu::Queue,
        checked: bool,
        matrices: &[wgpu::CooperativeMatrixProperties],
    ) -> Self {
        let info = device.adapter_info();
        let caps = Caps::of(device.features(), &device.limits(), &info, matrices);
        let lost = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&lost);
        device.set_device_lost_callback(move |reason, message| {
            *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("{reason:?}: {message}"));
        });
        let params_layout = (caps.immediate_bytes < PARAMS_BYTES as u32).then(|| params_layout(&device));
        Self(Arc::new(Inner {
            device,
            queue,
            caps,
            name: info.name,
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
            checked,
            pipelines: Mutex::default(),
            staging: Mutex::default(),
            buffer_count: AtomicU64::new(0),
            submit_count: AtomicU64::new(0),
            lost,
            refused: Arc::default(),
            cooperative_verdict: OnceLock::new(),
            params_layout,
        }))
    }

    /// What the device can do.
    pub fn caps(&self) -> &Caps {
        &self.0.caps
    }

    /// The adapter's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The driver and its version.
    pub fn driver(&self) -> &str {
        &self.0.driver
    }

    /// wgpu's device.
    pub fn wgpu(&self) -> &wgpu::Device {
        &self.0.device
    }

    /// wgpu's queue.
    pub fn queue(&self) -> &wgpu::Queue {
        &self.0.queue
    }

    /// How many buffers this device has made in its life: what the test of "no allocation after the first step" counts.
    pub fn buffer_count(&self) -> u64 {
        self.0.buffer_count.load(Ordering::Relaxed)
    }

    /// An encoder to record into.
    pub fn encoder(&self, label: &str) -> CommandEncoder {
        self.0.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some(label) })
    }

    /// Submits what was recorded. Waits for nothing.
    pub fn submit(&self, encoder: CommandEncoder) {
        self.0.submit_count.fetch_add(1, Ordering::Relaxed);
        self.0.queue.submit([encoder.finish()]);
    }

    /// How many times this device has submitted.
    pub fn submit_count(&self) -> u64 {
        self.0.submit_count.load(Ordering::Relaxed)
    }

    /// Blocks until everything submitted has run; not for browsers.
    ///
    /// # Errors
    /// As [`Device::lost`].
    pub fn wait(&self) -> Result<(), GpuError> {
        let polled = self.0.device.poll(wgpu::PollType::wait_indefinitely());
        self.lost()?;
        polled.map(drop).map_err(|e| GpuError::Refused { what: "a wait".into(), why: e.to_string() })
    }

    /// Whether the device is still there, and has taken all that was written and submitted.
    ///
    /// # Errors
    /// [`GpuError::Lost`] with the driver's words; [`GpuError::Refused`], once, of what was refused without an answer.
    pub fn lost(&self) -> Result<(), GpuError> {
        if let Some(why) = &*self.0.lost.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(GpuError::Lost(why.clone()));
        }
        match self.0.refused.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(why) => Err(GpuError::Refused { what: "what was written or submitted".into(), why }),
            None => Ok(()),
        }
    }

    /// What `judge` finds of this device's cooperative matrices, asked once.
    pub(crate) fn cooperative_verdict(&self, judge: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
        self.0.cooperative_verdict.get_or_init(judge).clone()
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }

    /// Makes a buffer that kernels and copies may use; its bytes are zero.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], or another refusal.
    pub fn buffer(&self, label: &str, bytes: u64) -> Result<wgpu::Buffer, GpuError> {
        use wgpu::BufferUsages as Use;
        self.buffer_for(label, bytes, Use::STORAGE | Use::UNIFORM | Use::COPY_SRC | Use::COPY_DST)
    }

    pub(super) fn buffer_for(
        &self,
        label: &str,
        bytes: u64,
        usage: wgpu::BufferUsages,
    ) -> Result<wgpu::Buffer, GpuError> {
        self.0.buffer_count.fetch_add(1, Ordering::Relaxed);
        // Whole words, and no empty buffers: both are refused by some backends.
        let size = bytes.next_multiple_of(4).max(4);
        let descriptor = wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false };
        self.guarded(label, size, || self.0.device.create_buffer(&descriptor))
    }

    /// Runs `make` and returns what it made, or the first error it raised.
    pub(super) fn guarded<T>(&self, what: &str, bytes: u64, make: impl FnOnce() -> T) -> Result<T, GpuError> {
        let memory = self.0.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let internal = self.0.device.push_error_scope(wgpu::ErrorFilter::Internal);
        let validation = self.0.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let made = make();
        let errors = [resolved(validation.pop()), resolved(internal.pop()), resolved(memory.pop())];
        match errors.into_iter().flatten().next() {
            None => Ok(made),
            Some(wgpu::Error::OutOfMemory { .. }) => Err(GpuError::OutOfMemory { what: what.to_owned(), bytes }),
            Some(error) => Err(GpuError::Refused { what: what.to_owned(), why: error.to_string() }),
        }
    }

    /// The compiled pipeline of a kernel, made once a device.
    pub(super) fn pipeline(&self, spec: &PipelineSpec) -> Result<Arc<Pipeline>, GpuError> {
        let mut pipelines = self.0.pipelines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = pipelines.get(spec) {
            return Ok(Arc::clone(made));
        }
        let made = Arc::new(self.guarded(&spec.label, 0, || self.make_pipeline(spec))?);
        pipelines.insert(spec.clone(), Arc::clone(&made));
        Ok(made)
    }

    fn make_pipeline(&self, spec: &PipelineSpec) -> Pipeline {
        let device = &self.0.device;
        let label = Some(spec.label.as_str());
        let source = wgpu::ShaderSource::Wgsl(spec.wgsl.as_ref().into());
        let descriptor = wgpu::ShaderModuleDescriptor { label, source };
        let checked = self.0.checked || spec.checked;
        let module = if checked { device.create_shader_module(descriptor) } else { trusted(device, descriptor) };
        let entries: Vec<_> = (0..).zip(spec.bindings.iter()).map(|(i, &access)| entry(i, access)).collect();
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label, entries: &entries });
        let params = self.0.params_layout.as_ref().filter(|_| spec.params_bytes > 0);
        let layouts: Vec<_> = [Some(&layout), params].into_iter().filter(Option::is_some).collect();
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label,
            bind_group_layouts: &layouts,
            immediate_size: if self.0.params_layout.is_some() { 0 } else { spec.params_bytes },
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label,
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some("main"),
            // Kernels write workgroup memory before they read it.
            compilation_options: wgpu::PipelineCompilationOptions {
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            },
            cache: None,
        });
        Pipeline { pipeline, layout }
    }

    /// The layout of the parameter uniform, where the device has no immediates.
    pub(super) fn params_layout(&self) -> Option<&wgpu::BindGroupLayout> {
        self.0.params_layout.as_ref()
    }
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device").field("name", &self.0.name).field("driver", &self.0.driver).finish_non_exhaustive()
    }
}

fn params_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("params"),
        entries: &[wgpu::BindGroupLayoutEntry {
            binding: 0,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Uniform,
                has_dynamic_offset: true,
                min_binding_size: None,
            },
            count: None,
        }],
    })
}

fn entry(binding: u32, access: Access) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty: match access {
                Access::Uniform => wgpu::BufferBindingType::Uniform,
                Access::Read => wgpu::BufferBindingType::Storage { read_only: true },
                Access::Write | Access::ReadWrite => wgpu::BufferBindingType::Storage { read_only: false },
            },
            has_dynamic_offset: false,
            min_binding_size: None,
        },
        count: None,
    }
}

/// Makes a module without run-time bounds and loop checks: up to 20 % faster.
#[allow(unsafe_code)]
fn trusted(device: &wgpu::Device, descriptor: wgpu::ShaderModuleDescriptor<'_>) -> wgpu::ShaderModule {
    // SAFETY: kernels that come here are the engine's own; the op table runs each of them over every case with checks on, against
    // sentinels behind every output, and the planner binds exactly the extents they index.
    unsafe { device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked()) }
}

/// The user's agreement to experimental features.
#[allow(unsafe_code)]
fn accepted() -> wgpu::ExperimentalFeatures {
    // SAFETY: asked for by `DeviceOptions::cooperative` alone. Kernels of cooperative matrices run where a caller wants
    // mixed precision, and only after their results were compared with f64 on this very device (`plan::Precision`).
    unsafe { wgpu::ExperimentalFeatures::enabled() }
}

/// The error of a popped scope. Natively it is there at once; a browser reports it later, to its own console.
fn resolved(scope: impl Future<Output = Option<wgpu::Error>>) -> Option<wgpu::Error> {
    let mut scope = std::pin::pin!(scope);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match scope.as_mut().poll(&mut context) {
        std::task::Poll::Ready(error) => error,
        std::task::Poll::Pending => None,
    }
}
