//! A recurrent layer over a sequence: forward, and forward with all gradients.

use std::time::Instant;

use super::model::{ModelReport, ModelSettings, report};
use crate::Error;
use crate::autodiff::gradients;
use crate::gpu::Device;
use crate::graph::Graph;
use crate::nn::{Layer, Net, PARAMETERS, Recurrent};
use crate::ops::recurrent::Cell;
use crate::plan::{Plan, Session, Variables};
use crate::tensor::TensorType;
use crate::tensor::random::Random;

/// A layer and its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unrolling {
    /// What happens in a step.
    pub cell: Cell,
    /// Features of a step.
    pub input: usize,
    /// Units.
    pub hidden: usize,
    /// Steps of a sequence.
    pub steps: usize,
}

/// Measures one layer over `settings.batch` sequences; with `backward` also the gradients of all parameters and of x, of
/// the sum of all hidden states.
///
/// # Errors
/// When the batch does not fit the device, or the device was lost.
pub fn measure(
    device: &Device,
    shape: Unrolling,
    backward: bool,
    settings: &ModelSettings,
) -> Result<ModelReport, Error> {
    let start = Instant::now();
    let mut graph = Graph::new();
    let x = graph.input("x", TensorType::f32([shape.steps, settings.batch, shape.input]));
    let y = Recurrent::new(shape.cell, shape.hidden).build(&mut Net::eval(&mut graph), x)?;
    let mut outputs = vec![("y", y)];
    let names: Vec<String> = (0..16).map(|i| format!("gradient {i}")).collect();
    if backward {
        let loss = graph.sum(y, &[0, 1, 2], false)?;
        let mut leaves = Net::variables_of(&graph, PARAMETERS);
        leaves.push(x);
        let found = gradients(&mut graph, loss, &leaves)?;
        outputs.extend(names.iter().map(String::as_str).zip(found.into_iter().flatten()));
    }
    let plan = Plan::for_device(&graph, &outputs, device, &settings.plan)?;
    let variables = Variables::new(device, &graph, 0)?;
    let session = Session::new(device, plan, &variables)?;
    let mut random = Random::new(1, 0, 0);
    let count = shape.steps * settings.batch * shape.input;
    let values: Vec<f32> = (0..count).map(|_| 2.0 * random.uniform() - 1.0).collect();
    session.write_f32("x", &values)?;
    session.submit();
    device.wait()?;
    let first_seconds = start.elapsed().as_secs_f64();
    let mut samples = Vec::with_capacity(settings.rounds);
    for _ in 0..settings.rounds.max(1) {
        let start = Instant::now();
        session.submit();
        device.wait()?;
        samples.push(start.elapsed().as_secs_f64());
    }
    report(device, &session, &samples, first_seconds, settings)
}
