//! Kernels from outside as strategies of a case.

use std::sync::Arc;

use super::case::BenchCase;
use super::check::Expected;
use super::measure::{Outcome, Settings, name};
use crate::Error;
use crate::gpu::{Device, Guarded};
use crate::graph::Lowering;
use crate::kernel::{CustomKernel, Offer};
use crate::plan::{Plan, PlanError};
use crate::tensor::HostTensor;

/// The kernels from outside that are for the case's op.
pub(super) fn of_op<'a>(case: &BenchCase, settings: &'a Settings) -> impl Iterator<Item = &'a Arc<CustomKernel>> {
    let op = case.case.op.name();
    settings.kernels.iter().filter(move |kernel| kernel.op() == op)
}

/// What keeps a kernel from outside from computing the case, if anything does.
pub(super) fn declined(device: &Device, case: &BenchCase, kernel: &CustomKernel) -> Result<Option<Outcome>, Error> {
    let inputs = case.input_types();
    let output = case.output().map_err(|e| PlanError::Graph(vec![e.0]))?;
    let lowering = Lowering { inputs: &inputs, output: &output, caps: device.caps(), epilogue: None };
    Ok(match case.case.op.custom(kernel, &lowering) {
        Ok(Offer::Taken(_)) => None,
        Ok(Offer::Declined(why)) => Some(Outcome::LeftOut(why)),
        Err(error) => Some(Outcome::Faulty(error.to_string())),
    })
}

/// What is wrong with a kernel that runs with guards behind every tensor: what it reads there is poison.
pub(super) fn between_guards(
    device: &Device,
    case: &BenchCase,
    plan: &Plan,
    inputs: &[HostTensor],
    expected: &Expected,
) -> Result<Option<Outcome>, Error> {
    let guarded = Guarded::new(device, &plan.recording)?;
    for (i, input) in inputs.iter().enumerate() {
        if let Some(port) = plan.inputs.get(&name(i)) {
            device.queue().write_buffer(guarded.buffer(port.buffer), port.offset, input.bytes());
        }
    }
    if let Err(stray) = guarded.run_blocking()? {
        return Ok(Some(Outcome::Strays(stray)));
    }
    let Some(port) = plan.outputs.get("output") else { return Ok(None) };
    let bytes = device.read(guarded.buffer(port.buffer), port.offset, port.ty.bytes())?.wait()?;
    let found = HostTensor::from_bytes(&port.ty, &bytes);
    Ok(found.and_then(|found| expected.check(case, &found).err()).map(Outcome::Wrong))
}
