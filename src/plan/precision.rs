//! Which element types a plan computes in, and whether a device can.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{Plan, PlanError, PlanOptions, Session, Tuning, Variables};
use crate::gpu::Device;
use crate::graph::{Graph, Lowering, NodeId};
use crate::ops::conv2d::{Conv2d, Conv2dDInput, Conv2dDWeight};
use crate::ops::matmul::MatMul;
use crate::ops::{Case, CaseInput};
use crate::tensor::{Array, HostTensor, TensorType};

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

/// Products that reach every kernel, with edges in each direction or of whole tiles, and more than one step of terms.
fn problems() -> Vec<Case> {
    let product = |[m, n, k]: [usize; 3], transpose_a, transpose_b| {
        let a = if transpose_a { [k, m] } else { [m, k] };
        let b = if transpose_b { [n, k] } else { [k, n] };
        let inputs = vec![CaseInput::f32(a).half(), CaseInput::f32(b).half()];
        Case::new(format!("{a:?} and {b:?}"), MatMul { transpose_a, transpose_b }, inputs)
    };
    let (fours, conv) = ([132, 140, 84], Conv2d::same(3));
    let [x, weight, y] = [[3, 20, 9, 8], [72, 20, 3, 3], [3, 72, 9, 8]].map(|shape| CaseInput::f32(shape).half());
    vec![
        product(fours, false, false),
        product(fours, false, true),
        product(fours, true, false),
        product(fours, true, true),
        product([133, 139, 85], false, false),
        product([128, 128, 64], false, true),
        Case::new("3x3", conv, vec![x.clone(), weight.clone()]),
        Case::new("3x3", Conv2dDInput { conv, size: [9, 8] }, vec![y.clone(), weight]),
        Case::new("3x3", Conv2dDWeight { conv, kernel: [3, 3] }, vec![x, y]),
    ]
}

/// Runs a case by one strategy, and compares all of its results with the reference.
fn try_out(device: &Device, case: &Case, strategy: &str) -> Result<(), String> {
    let drawn: Option<Vec<HostTensor>> = (1..).zip(&case.inputs).map(|(stream, input)| input.draw(stream)).collect();
    let drawn = drawn.ok_or("its inputs have no values")?;
    let found = run(device, case, strategy, &drawn).map_err(|e| e.to_string())?;
    let arrays: Vec<Array> = drawn.iter().map(HostTensor::to_array).collect();
    let expected = case.op.reference(&arrays.iter().collect::<Vec<_>>());
    for (place, (found, exact)) in found.to_array().values.iter().zip(&expected.values).enumerate() {
        // Written so that NaN is wrong.
        let right = (found - exact).abs() <= TOLERANCE * (1.0 + exact.abs());
        if !right {
            return Err(format!("result {place} is {found}, not {exact}"));
        }
    }
    Ok(())
}

fn run(device: &Device, case: &Case, strategy: &str, values: &[HostTensor]) -> Result<HostTensor, crate::Error> {
    let mut graph = Graph::new();
    let names: Vec<String> = (0..values.len()).map(|i| format!("input{i}")).collect();
    let inputs: Vec<NodeId> = names.iter().zip(values).map(|(name, value)| graph.input(name, value.ty())).collect();
    let output = graph.apply_shared(Arc::clone(&case.op), &inputs)?;
    let named = BTreeMap::from([(case.op.name().to_owned(), strategy.to_owned())]);
    let options = PlanOptions { tuning: Tuning::Named(named), ..PlanOptions::default() };
    let plan = Plan::new(&graph, &[("output", output)], device.caps(), &options)?;
    let variables = Variables::new(device, &graph, 0)?;
    let session = Session::new(device, plan, &variables)?;
    for (name, value) in names.iter().zip(values) {
        session.write(name, value)?;
    }
    session.submit();
    read(&session)
}

#[cfg(not(target_arch = "wasm32"))]
fn read(session: &Session) -> Result<HostTensor, crate::Error> {
    Ok(session.read("output")?.wait()?)
}

/// No browser has cooperative matrices, and none waits.
#[cfg(target_arch = "wasm32")]
fn read(_: &Session) -> Result<HostTensor, crate::Error> {
    Err(PlanError::Precision { why: "browsers do not wait for results".to_owned() }.into())
}
