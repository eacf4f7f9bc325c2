//! Finding the machine's adapters and choosing one.

use super::caps::{AdapterKind, Caps, Profile};
use super::error::GpuError;

/// Which adapter to open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AdapterSelector {
    /// The strongest kind there is: discrete, integrated, virtual, other, software, in this order.
    #[default]
    Best,
    /// The adapter with this number in the listing, or the first whose name contains this text (case-insensitive).
    Named(String),
}

/// One adapter, as `girih devices` lists it.
#[derive(Clone, Debug)]
pub struct AdapterReport {
    /// The adapter's name.
    pub name: String,
    /// The graphics API it is reached through, such as `vulkan`.
    pub backend: String,
    /// Driver and version.
    pub driver: String,
    /// What it offers.
    pub caps: Caps,
    /// Why it is the chosen one; `None` for the others.
    pub chosen: Option<String>,
}

pub(super) fn instance() -> wgpu::Instance {
    wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env())
}

/// All adapters, strongest first is *not* implied: the order is the drivers', and an index refers to it.
///
/// # Errors
/// [`GpuError::UnknownAdapter`] when `selector` names none of them.
pub async fn adapters(selector: &AdapterSelector) -> Result<Vec<AdapterReport>, GpuError> {
    let found = instance().enumerate_adapters(wgpu::Backends::all()).await;
    let chosen = match choose(&found, selector) {
        Ok(chosen) => Some(chosen),
        Err(GpuError::NoAdapter) => None,
        Err(error) => return Err(error),
    };
    let report = |(index, adapter): (usize, &wgpu::Adapter)| {
        let info = adapter.get_info();
        let (features, limits) = Profile::Offered.request(true, adapter.features(), adapter.limits());
        AdapterReport {
            caps: Caps::of(features, &limits, &info, &adapter.cooperative_matrix_properties()),
            chosen: chosen.as_ref().filter(|(i, _)| *i == index).map(|(_, why)| why.clone()),
            name: info.name,
            backend: info.backend.to_string(),
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        }
    };
    Ok(found.iter().enumerate().map(report).collect())
}

/// The chosen adapter's index and the reason.
pub(super) fn choose(found: &[wgpu::Adapter], selector: &AdapterSelector) -> Result<(usize, String), GpuError> {
    if found.is_empty() {
        return Err(GpuError::NoAdapter);
    }
    let kinds: Vec<AdapterKind> =
        found.iter().map(|a| Caps::of(wgpu::Features::empty(), &a.limits(), &a.get_info(), &[]).kind).collect();
    match selector {
        AdapterSelector::Best => {
            let index = (0..kinds.len()).min_by_key(|&i| preference(kinds[i])).unwrap_or(0);
            let why = if found.len() == 1 {
                "the only adapter".to_owned()
            } else {
                format!("the first {} of {} adapters", kinds[index], found.len())
            };
            Ok((index, why))
        }
        AdapterSelector::Named(wanted) => {
            let names: Vec<String> = found.iter().map(|a| a.get_info().name).collect();
            let by_index = wanted.parse::<usize>().ok().filter(|&i| i < names.len());
            let needle = wanted.to_lowercase();
            by_index
                .or_else(|| names.iter().position(|name| name.to_lowercase().contains(&needle)))
                .map(|index| (index, format!("asked for as {wanted:?}")))
                .ok_or_else(|| GpuError::UnknownAdapter { wanted: wanted.clone(), found: names })
        }
    }
}

fn preference(kind: AdapterKind) -> u32 {
    match kind {
        AdapterKind::Discrete => 0,
        AdapterKind::Integrated => 1,
        AdapterKind::Virtual => 2,
        AdapterKind::Other => 3,
        AdapterKind::Software => 4,
    }
}
