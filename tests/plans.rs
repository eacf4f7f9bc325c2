//! Whole training steps against the f64 evaluation of their graphs: what fusion, placement, buffer reuse and effects
//! make of a graph must be the graph.

mod support;

use std::collections::BTreeSet;

use girih::data::ChannelStats;
use girih::gpu::{Access, Device, Profile};
use girih::graph::{Bank, Feeds, Graph, Kind, evaluate};
use girih::nn::models::{Model, cnn};
use girih::nn::{
    Activation, AvgPool2d, BatchNorm2d, Conv2d, Dropout, Flatten, GlobalMaxPool, Linear, Residual, Sequential,
};
use girih::optim::{Adam, Optimizer, Sgd};
use girih::plan::{Plan, PlanOptions, Session, Variables};
use girih::tensor::random::Random;
use girih::tensor::{Array, HostTensor, TensorType};
use girih::train::{Hyperparameters, ImageModel, Images, TrainingGraph, training_graph};

const SEED: u32 = 4;

/// A little of everything the models are made of.
fn mixture() -> Sequential {
    let block = Sequential::new()
        .with("conv", Conv2d::new(8, [3, 3]).padding([1; 4]).bias(false))
        .with("norm", BatchNorm2d::default())
        .with("act", Activation::Gelu);
    Sequential::new()
        .with("stem", Conv2d::new(8, [3, 3]).padding([1, 0, 1, 2]).stride([1, 2]))
        .with("norm", BatchNorm2d::default())
        .with("relu", Activation::Relu)
        .with("residual", Residual::new(block))
        .with("depthwise", Conv2d::new(8, [3, 3]).padding([1; 4]).groups(8))
        .with("silu", Activation::Silu)
        .with("average", AvgPool2d::new([2, 2]))
        .with("dropout", Dropout(0.25))
        .with("global", GlobalMaxPool)
        .with("flatten", Flatten)
        .with("head", Linear::new(5))
}

#[test]
fn training_steps_match_their_f64_evaluation_however_planned() {
    let sgd = Optimizer::Sgd(Sgd { momentum: 0.9, nesterov: true, weight_decay: 0.01 });
    let adam = Optimizer::Adam(Adam { eps: 1e-3, ..Adam::decoupled(0.1) });
    type Build = fn() -> Sequential;
    let models: [(&str, Build, Optimizer); 3] =
        [("mixture", mixture, adam), ("cnn", || cnn(5), sgd), ("mlp", || Model::Mlp.layers(5), sgd)];
    for profile in [Profile::Offered, Profile::WebgpuMinimum] {
        let device = support::device(profile);
        for (name, layers, optimizer) in &models {
            let hyper = Hyperparameters {
                batch: 6,
                optimizer: *optimizer,
                clip_norm: Some(0.5),
                loss_scale: None,
                label_smoothing: 0.1,
                ..Hyperparameters::default()
            };
            let stats = ChannelStats { mean: vec![0.0; 3], std: vec![1.0; 3] };
            let model = ImageModel { layers: layers(), shape: [3, 8, 8], classes: 5, stats };
            let step = training_graph(&model, Images::Tensors, &hyper).expect("a training graph");
            check(&device, name, &step, optimizer);
        }
    }
}

fn check(device: &Device, name: &str, step: &TrainingGraph, optimizer: &Optimizer) {
    let graph = &step.graph;
    let inputs = inputs(graph, optimizer);
    let mut feeds = initial_feeds(graph, &inputs);
    let values = evaluate(graph, &mut feeds);
    let expected_loss = values[step.loss.0 as usize].values[0];
    let mut counts = Vec::new();
    for (fuse, reuse) in [(false, false), (true, false), (false, true), (true, true)] {
        let options = PlanOptions { fuse, reuse, ..PlanOptions::default() };
        let outputs = [("loss", step.loss), ("logits", step.logits)];
        let plan = Plan::new(graph, &outputs, device.caps(), &options).expect("a plan");
        counts.push((plan.recording.dispatches.len(), plan.own_bytes()));
        let variables = Variables::new(device, graph, SEED).expect("variables");
        let session = Session::new(device, plan, &variables).expect("a session");
        for (input, value) in &inputs {
            session.write(input, value).expect("an input");
        }
        session.submit();
        let what = format!("{name}, fuse {fuse}, reuse {reuse}");
        let loss = session.read("loss").expect("the loss").wait().expect("the loss").to_array();
        close(&what, "loss", &loss, &Array::full([], expected_loss));
        let logits = session.read("logits").expect("logits").wait().expect("logits").to_array();
        close(&what, "logits", &logits, &values[step.logits.0 as usize]);
        // Every bank that an effect changed, gaps included.
        for (id, node) in graph.ids().zip(graph.nodes()) {
            let Kind::Bank(bank) = node.kind else { continue };
            for variable in graph.variables().iter().filter(|v| v.bank == bank) {
                let found = variables.read(&variable.name).expect("a variable").wait().expect("a variable").to_array();
                let range = variable.offset..variable.offset + variable.ty.count();
                let expected = Array::new(variable.ty.shape.clone(), feeds[&id].values[range].to_vec());
                close(&what, &variable.name, &found, &expected);
            }
        }
    }
    assert!(counts[1].0 < counts[0].0, "{name}: fusion saves no dispatch: {counts:?}");
    assert!(counts[3].1 < counts[1].1, "{name}: reuse saves no memory: {counts:?}");
}

fn inputs(graph: &Graph, optimizer: &Optimizer) -> Vec<(String, HostTensor)> {
    let mut random = Random::new(9, 0, 0);
    let mut made = Vec::new();
    for node in graph.nodes() {
        let Kind::Input(name) = &node.kind else { continue };
        let (shape, count) = (node.ty.shape.clone(), node.ty.count());
        let value = match name.as_str() {
            "clock" => HostTensor::u32(shape, vec![SEED, 0]),
            "labels" => HostTensor::u32(shape, (0..count).map(|_| random.below(5)).collect()),
            "rates" => HostTensor::f32(shape, optimizer.rates(0.05, 0).to_vec()),
            _ => HostTensor::f32(shape, (0..count).map(|_| random.normal()).collect()),
        };
        made.push((name.clone(), value.expect("as many values as the shape has")));
    }
    made
}

/// Inputs, and variables and banks with their initial values.
fn initial_feeds(graph: &Graph, inputs: &[(String, HostTensor)]) -> Feeds {
    let mut banks: Vec<Array> = graph.banks().iter().map(|Bank { len, .. }| Array::zeros([*len])).collect();
    for (stream, variable) in (0u32..).zip(graph.variables()) {
        let values = variable.init.values(SEED, stream, variable.ty.count());
        let bank = &mut banks[variable.bank.0 as usize].values[variable.offset..][..values.len()];
        bank.iter_mut().zip(values).for_each(|(to, from)| *to = f64::from(from));
    }
    let mut feeds = Feeds::new();
    for (id, node) in graph.ids().zip(graph.nodes()) {
        let value = match &node.kind {
            Kind::Input(name) => inputs.iter().find(|(n, _)| n == name).map(|(_, v)| v.to_array()),
            Kind::Bank(bank) => Some(banks[bank.0 as usize].clone()),
            Kind::Variable(variable) => {
                let variable = &graph.variables()[variable.0 as usize];
                let range = variable.offset..variable.offset + variable.ty.count();
                let values = banks[variable.bank.0 as usize].values[range].to_vec();
                Some(Array::new(variable.ty.shape.clone(), values))
            }
            _ => None,
        };
        feeds.extend(value.map(|v| (id, v)));
    }
    feeds
}

fn close(what: &str, name: &str, found: &Array, expected: &Array) {
    assert_eq!(found.shape, expected.shape, "{what}: {name}");
    for (i, (f, e)) in found.values.iter().zip(&expected.values).enumerate() {
        assert!((f - e).abs() <= 2e-4 * (1.0 + e.abs()), "{what}: {name}[{i}] is {f}, not {e}");
    }
}

#[test]
fn an_epilogue_brings_the_helpers_of_its_functions() {
    let minimum = girih::gpu::Caps::webgpu_minimum();
    let software =
        girih::gpu::Caps { kind: girih::gpu::AdapterKind::Software, subgroup: Some((8, 8)), ..minimum.clone() };
    for caps in [minimum, software] {
        // Sizes that a product divides in several ways, so that its last pass takes the epilogue, too.
        for (m, n, k) in [(5, 3, 7), (64, 256, 2048), (64, 255, 2048)] {
            let mut graph = Graph::new();
            let x = graph.input("x", TensorType::f32([m, k]));
            let weight = graph.input("weight", TensorType::f32([n, k]));
            let y = graph.linear(x, weight, None).expect("a product");
            let y = graph.gelu(y).expect("an activation");
            let plan = Plan::new(&graph, &[("y", y)], &caps, &PlanOptions::default()).expect("a plan");
            assert!(plan.recording.pipelines.iter().all(|p| p.label != "pointwise"), "not fused");
        }
    }
}

#[test]
fn what_a_plan_moves_is_known_from_its_bindings() {
    let caps = girih::gpu::Caps::webgpu_minimum();
    let mut graph = Graph::new();
    let x = graph.input("x", TensorType::f32([1024]));
    let y = graph.exp(x).expect("a function");
    let y = graph.tanh(y).expect("a function");
    let moved = |fuse| {
        let options = PlanOptions { fuse, ..PlanOptions::default() };
        Plan::new(&graph, &[("y", y)], &caps, &options).expect("a plan").recording.moved_bytes()
    };
    assert_eq!((moved(true), moved(false)), (2 * 4096, 4 * 4096));

    // Of a training step, only what changes variables reads what it writes.
    let stats = ChannelStats { mean: vec![0.0; 3], std: vec![1.0; 3] };
    let model = ImageModel { layers: mixture(), shape: [3, 8, 8], classes: 5, stats };
    let step = training_graph(&model, Images::Tensors, &Hyperparameters::default()).expect("a training graph");
    let plan = Plan::new(&step.graph, &[("loss", step.loss)], &caps, &PlanOptions::default()).expect("a plan");
    let pipelines = plan.recording.pipelines.iter();
    let in_place: BTreeSet<&str> =
        pipelines.filter(|p| p.bindings.contains(&Access::ReadWrite)).map(|p| p.label.as_str()).collect();
    assert_eq!(in_place, BTreeSet::from(["accumulate", "bn_running", "sgd_momentum"]));
}
