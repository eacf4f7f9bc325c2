//! `girih devices`: the adapters and which one is chosen.

use anyhow::{Result, bail};
use girih::gpu::{AdapterReport, Caps};
use serde::Serialize;

use crate::args::Global;
use crate::engine;
use crate::output::Output;
use crate::table::{Align, Table, bytes};

/// One adapter: a JSON line of `girih devices`.
#[derive(Serialize, Clone, Debug)]
pub struct Device {
    /// Its number in this list, which `--adapter` takes.
    pub index: usize,
    /// As the driver names it.
    pub name: String,
    /// `vulkan`, `metal`, `dx12`, `gl` or `webgpu`.
    pub backend: String,
    /// The driver and its version.
    pub driver: String,
    /// `discrete`, `integrated`, `virtual`, `software` or `other`.
    pub kind: String,
    /// Whether girih runs on this one.
    pub chosen: bool,
    /// Why it is chosen; only where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The limits that decide what fits.
    pub limits: Limits,
    /// The features that matter to kernels and are there, such as `f16` or `subgroups`.
    pub features: Vec<String>,
}

/// The limits that decide what fits.
#[derive(Serialize, Clone, Debug)]
pub struct Limits {
    /// Bytes of one buffer.
    pub buffer_bytes: u64,
    /// Bytes of one storage binding.
    pub binding_bytes: u64,
    /// Storage buffers a shader stage.
    pub storage_buffers: usize,
    /// Workgroups a dimension.
    pub workgroups: u32,
    /// Invocations a workgroup.
    pub invocations: u32,
    /// Bytes of shared memory a workgroup.
    pub workgroup_bytes: u32,
    /// The smallest and the largest subgroup, where kernels may use them.
    pub subgroup: Option<(u32, u32)>,
}

impl Device {
    fn new(index: usize, report: AdapterReport) -> Self {
        let caps = report.caps;
        Self {
            index,
            name: report.name,
            backend: report.backend,
            driver: report.driver,
            kind: engine::kind(caps.kind).to_owned(),
            chosen: report.chosen.is_some(),
            reason: report.chosen,
            limits: Limits {
                buffer_bytes: caps.buffer_bytes,
                binding_bytes: caps.binding_bytes,
                storage_buffers: caps.storage_buffers,
                workgroups: caps.workgroups,
                invocations: caps.invocations,
                workgroup_bytes: caps.workgroup_bytes,
                subgroup: caps.subgroup,
            },
            features: features(&caps),
        }
    }
}

/// The features that kernels or measurements use, as far as they are there.
fn features(caps: &Caps) -> Vec<String> {
    let all = [
        ("subgroups", caps.subgroup.is_some()),
        ("f16", caps.f16),
        ("cooperative-matrices", caps.cooperative.is_some()),
        ("immediates", caps.immediate_bytes > 0),
        ("timestamps", caps.timestamps),
    ];
    all.into_iter().filter(|(_, there)| *there).map(|(name, _)| name.to_owned()).collect()
}

/// Runs `girih devices`.
///
/// # Errors
/// There is no adapter, or not the one asked for.
pub fn run(global: &Global, output: Output) -> Result<()> {
    let reports = engine::adapters(global)?;
    let devices: Vec<Device> = reports.into_iter().enumerate().map(|(i, report)| Device::new(i, report)).collect();
    show(&devices, output)
}

/// Shows the adapters.
///
/// # Errors
/// There is none; the message says what helps.
pub fn show(devices: &[Device], output: Output) -> Result<()> {
    if devices.is_empty() {
        bail!("no graphics adapter was found; {REMEDY}");
    }
    let mut names = Table::new(&[
        ("", Align::Left),
        ("#", Align::Right),
        ("name", Align::Left),
        ("backend", Align::Left),
        ("type", Align::Left),
        ("driver", Align::Left),
    ]);
    let mut limits = Table::new(&[
        ("#", Align::Right),
        ("buffer", Align::Right),
        ("binding", Align::Right),
        ("buffers", Align::Right),
        ("invocations", Align::Right),
        ("shared", Align::Right),
        ("subgroup", Align::Right),
        ("features", Align::Left),
    ]);
    for device in devices {
        output.json(device)?;
        let index = device.index.to_string();
        let mark = if device.chosen { "→" } else { "" };
        names.row([mark, &index, &device.name, &device.backend, &device.kind, &device.driver]);
        limits.row([
            index,
            bytes(device.limits.buffer_bytes),
            bytes(device.limits.binding_bytes),
            device.limits.storage_buffers.to_string(),
            device.limits.invocations.to_string(),
            bytes(device.limits.workgroup_bytes.into()),
            match device.limits.subgroup {
                None => "none".to_owned(),
                Some((least, most)) if least == most => least.to_string(),
                Some((least, most)) => format!("{least}–{most}"),
            },
            device.features.join(", "),
        ]);
    }
    output.text(names.render(output.width()))?;
    output.text("")?;
    output.text(limits.render(output.width()))?;
    if let Some(device) = devices.iter().find(|device| device.chosen) {
        let reason = device.reason.as_deref().unwrap_or("it is the only one");
        output.text(format!("\nRuns on {}: {reason}.", device.name))?;
        output.text("Another: --adapter with a number or part of a name, or GIRIH_ADAPTER.")?;
    }
    Ok(())
}

/// What helps where there is no adapter.
pub const REMEDY: &str = if cfg!(target_os = "linux") {
    "install a Vulkan driver, such as Mesa's software one (Debian, Ubuntu: \
     `sudo apt-get install mesa-vulkan-drivers`)"
} else {
    "update the graphics driver"
};
