//! Which element types a plan computes in, and whether a device can.

use std::collections::BTreeMap;
use std::fmt;

use super::{Plan, PlanError, PlanOptions, Session, Tuning, Variables};
use crate::gpu::Device;
use crate::graph::{Graph, Lowering, NodeId};
use crate::ops::conv2d::{Conv2d, Conv2dDInput, Conv2dDWeight};
use crate::ops::matmul::MatMul;
use crate::ops::{Case, CaseInput};
use crate::tensor::{HostTensor, TensorType};

/// The element types of a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// f32 throughout.
    #[default]
    F32,
    /// Products (matrix products and convolutions) of f16, summed in f32 by cooperative matrices; all else in f32.
    /// Training wants a [loss scale](crate::optim::LossScale) beside it.
    Mixed,
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Mixed => "mixed",
        })
    }
}

/// The largest |found − exact| / (1 + |exact|) of a product of f16, summed in f32.
const TOLERANCE: f64 = 1e-3;

impl Precision {
    /// Whether `device` can compute so. The first question about [`Precision::Mixed`] runs small products by every
    /// kernel of cooperative matrices, and compares them with f64: drivers are young, and barriers may not order what such
    /// kernels store (gfx-rs/wgpu#8805). Blocks for that long; not for browsers.
    ///
    /// # Errors
    /// [`PlanError::Precision`], which says in one line why not.
    pub fn check(self, device: &Device) -> Result<(), PlanError> {
        match self {
            Self::F32 => Ok(()),
            Self::Mixed => device.cooperative_verdict(|| judge(device)).map_err(|why| PlanError::Precision { why }),
        }
    }
}

/// Why a device has no use for mixed precision.
fn judge(device: &Device) -> Result<(), String> {
    if !device.caps().f16 {
        return Err("the adapter has no f16 in kernels".to_owned());
    }
    if device.caps().cooperative.is_none() {
        return Err("the device has no cooperative matrices of f16 that add up in f32".to_owned());
    }
    for case in problems() {
        let types: Vec<TensorType> = case.inputs.iter().map(|input| input.ty.clone()).collect();
        let output = case.op.infer(&types).map_err(|e| e.0)?;
        let lowering = Lowering { inputs: &types, output: &output, caps: device.caps(), epilogue: None };
        let strategies = case.op.lower(&lowering);
        for strategy in strategies.iter().filter(|strategy| strategy.name.starts_with("coop")) {
            try_out(device, &case, strategy.name)
                .map_err(|why| format!("{} of {}, by {}: {why}", case.op.name(), case.name, strategy.name))?;
        }
    }
    Ok(())
}

/// Products that reach every kernel, with edges in each direction and more than one step of terms.
fn problems() -> Vec<Case> {
    let case = |name: &str, op: &dyn Fn() -> Case| Case { name: name.to_owned(), ..op() };
    let halves = |shapes: [&[usize]; 2]| {
        let half = |shape: &[usize]| CaseInput { ty: TensorType::f16(shape), ..CaseInput::f32([0]) };
        shapes.map(half).to_vec()
    };
    let product = |transpose_a, transpose_b| {
        let (a, b) = (if transpose_a { [84, 132] } else { [132, 84] }, if transpose_b { [140, 84] } else { [84, 140] });
        let op = MatMul { transpose_a, transpose_b };
        case(&format!("{a:?} and {b:?}"), &|| Case::new("", op, halves([&a, &b])))
    };
    let conv = Conv2d::same(3);
    let (x, weight, y) = ([3, 20, 9, 8], [72, 20, 3, 3], [3, 72, 9, 8]);
    let d_input = Conv2dDInput { conv, size: [9, 8] };
    let d_weight = Conv2dDWeight { conv, kernel: [3, 3] };
    vec![
        product(false, false),
        product(false, true),
        product(true, false),
        product(true, true),
        Case::new("3x3", conv, halves([&x, &weight])),
        Case::new("3x3", d_input, halves([&y, &weight])),
        Case::new("3x3", d_weight, halves([&x, &y])),
    ]
}

/// Runs a case by one strategy, and compares all of its results with the reference.
fn try_out(device: &Device, case: &Case, strategy: &str) -> Result<(), String> {
    let mut graph = Graph::new();
    let names = ["a", "b"];
    let inputs: Vec<NodeId> =
        names.iter().zip(&case.inputs).map(|(name, input)| graph.input(name, input.ty.clone())).collect();
    let output = graph.apply_shared(case.op.clone(), &inputs).map_err(|e| e.to_string())?;
    let named = BTreeMap::from([(case.op.name().to_owned(), strategy.to_owned())]);
    let options = PlanOptions { tuning: Tuning::Named(named), ..PlanOptions::default() };
    let plan = Plan::new(&graph, &[("output", output)], device.caps(), &options).map_err(|e| e.to_string())?;
    let found = || -> Result<Option<Vec<f64>>, crate::Error> {
        let variables = Variables::new(device, &graph, 0)?;
        let session = Session::new(device, plan, &variables)?;
        for ((stream, name), input) in (1..).zip(names).zip(&case.inputs) {
            let Some(value) = input.draw(stream) else { return Ok(None) };
            session.write(name, &value)?;
        }
        session.submit();
        read(&session)
    };
    let found = found().map_err(|e| e.to_string())?.ok_or("nothing came back")?;
    let drawn: Option<Vec<HostTensor>> = (1..).zip(&case.inputs).map(|(stream, input)| input.draw(stream)).collect();
    let arrays: Vec<_> = drawn.unwrap_or_default().iter().map(HostTensor::to_array).collect();
    let expected = case.op.reference(&arrays.iter().collect::<Vec<_>>());
    for (place, (found, exact)) in found.iter().zip(&expected.values).enumerate() {
        // Written so that NaN is wrong.
        let right = (found - exact).abs() <= TOLERANCE * (1.0 + exact.abs());
        if !right {
            return Err(format!("result {place} is {found}, not {exact}"));
        }
    }
    Ok(())
}

#[cfg(not(target_arch = "wasm32"))]
fn read(session: &Session) -> Result<Option<Vec<f64>>, crate::Error> {
    let values = session.read("output")?.wait()?;
    Ok(values.as_f32().map(|values| values.iter().map(|&v| f64::from(v)).collect()))
}

/// No browser has cooperative matrices, and none waits.
#[cfg(target_arch = "wasm32")]
fn read(_: &Session) -> Result<Option<Vec<f64>>, crate::Error> {
    Ok(None)
}
