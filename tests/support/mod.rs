//! What several test files share: devices to test on, and inputs drawn for the cases of the op table.

#![allow(dead_code, reason = "each test file uses a part")]

use girih::gpu::{AdapterSelector, Device, DeviceOptions, Profile};
use girih::ops::{Case, CaseInput, Values};
use girih::tensor::random::Random;
use girih::tensor::{DType, HostTensor};

/// A device with run-time checks on. A machine without an adapter fails: the suite's set-up installs a driver.
pub fn device(profile: Profile) -> Device {
    let adapter = match std::env::var("GIRIH_ADAPTER") {
        Ok(name) if !name.is_empty() => AdapterSelector::Named(name),
        _ => AdapterSelector::Best,
    };
    Device::open_blocking(&DeviceOptions { adapter, profile, checked: true }).expect("an adapter to test on")
}

/// The inputs of a case: the same on every run.
pub fn inputs(case: &Case) -> Vec<HostTensor> {
    (1u32..).zip(&case.inputs).map(|(stream, input)| draw(input, stream)).collect()
}

fn draw(input: &CaseInput, stream: u32) -> HostTensor {
    let mut random = Random::new(1, 0, stream);
    let (shape, count) = (input.ty.shape.clone(), input.ty.count());
    let tensor = match (input.ty.dtype, input.values) {
        (DType::F32, Values::Uniform(low, high)) => {
            HostTensor::f32(shape, (0..count).map(|_| low + (high - low) * random.uniform()).collect())
        }
        (DType::F32, Values::Distinct) => {
            let mut order: Vec<usize> = (0..count).collect();
            random.shuffle(&mut order);
            let value = |i: usize| (2 * i + 1) as f32 / count as f32 - 1.0;
            HostTensor::f32(shape, order.into_iter().map(value).collect())
        }
        (DType::U32, Values::Index(bound)) => HostTensor::u32(shape, (0..count).map(|_| random.below(bound)).collect()),
        (DType::U32, Values::Clock) => HostTensor::u32(shape, vec![7, 3]),
        (dtype, values) => panic!("{values:?} are not {dtype}"),
    };
    tensor.expect("as many values as the shape has elements")
}
