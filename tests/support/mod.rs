//! What several test files share: devices to test on, and inputs drawn for the cases of the op table.

#![allow(dead_code, reason = "each test file uses a part")]

use girih::gpu::{AdapterSelector, Device, DeviceOptions, Profile};
use girih::ops::{Case, CaseInput};
use girih::tensor::HostTensor;

/// A device with run-time checks on. A machine without an adapter fails: the suite's set-up installs a driver.
pub fn device(profile: Profile) -> Device {
    let adapter = match std::env::var("GIRIH_ADAPTER") {
        Ok(name) if !name.is_empty() => AdapterSelector::Named(name),
        _ => AdapterSelector::Best,
    };
    Device::open_blocking(&DeviceOptions { adapter, profile, checked: true, cooperative: true })
        .expect("an adapter to test on")
}

/// The inputs of a case: the same on every run.
pub fn inputs(case: &Case) -> Vec<HostTensor> {
    let draw = |(stream, input): (u32, &CaseInput)| input.draw(stream).expect("values of the input's type");
    (1u32..).zip(&case.inputs).map(draw).collect()
}
