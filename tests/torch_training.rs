//! Whole training runs against PyTorch: same network, same initial weights, same batches, same losses.
//!
//! The fixtures hold losses, norms and the formulas that made weights and batches; see tests/fixtures/README.md.

mod support;

use girih::data::ChannelStats;
use girih::gpu::Profile;
use girih::nn::models::Model;
use girih::ops::image_batch::Augmentation;
use girih::optim::{Adam, LossScale, Optimizer, Sgd};
use girih::plan::{PlanOptions, Precision};
use girih::tensor::HostTensor;
use girih::tensor::random::{pcg4d, unit};
use girih::train::{Hyperparameters, ImageModel, Images, Learner, training_graph};
use serde_json::Value;

#[test]
fn the_cnn_follows_pytorch_for_200_steps_of_sgd() {
    follow_cnn(Course { precision: Precision::F32, steps: 200, loss_limit: 3e-4, norm_limit: 2e-5 });
}

/// The losses of products of f16 under a scaled loss stay with those of f32. (All 200 steps do, within 2e-4.)
#[test]
fn the_cnn_follows_pytorch_in_mixed_precision() {
    follow_cnn(Course { precision: Precision::Mixed, steps: 15, loss_limit: 3e-4, norm_limit: 2e-5 });
}

#[test]
fn resnet9_follows_pytorch_for_20_steps_of_adamw() {
    let fixture = load(include_str!("fixtures/resnet9_adamw.json"));
    let setting = |key: &str| number(&fixture["optimizer"][key]) as f32;
    let optimizer = Adam { eps: setting("eps"), ..Adam::decoupled(setting("weight_decay")) };
    let course = Course { precision: Precision::F32, steps: 20, loss_limit: 3e-4, norm_limit: 5e-4 };
    follow(&fixture, Model::Resnet9, Optimizer::Adam(optimizer), course);
}

fn follow_cnn(course: Course) {
    let fixture = load(include_str!("fixtures/cnn_sgd.json"));
    let setting = |key: &str| number(&fixture["optimizer"][key]) as f32;
    let optimizer = Sgd { momentum: setting("momentum"), nesterov: false, weight_decay: setting("weight_decay") };
    follow(&fixture, Model::Cnn, Optimizer::Sgd(optimizer), course);
}

/// How far a fixture is followed, and how closely: final norms are compared after all of its steps.
struct Course {
    precision: Precision,
    steps: u32,
    loss_limit: f64,
    norm_limit: f64,
}

fn follow(fixture: &Value, model: Model, optimizer: Optimizer, course: Course) {
    let Course { precision, steps, loss_limit, norm_limit } = course;
    let batch = number(&fixture["batch"]) as usize;
    let device = support::device(Profile::Offered);
    if device.caps().cooperative.is_none() && precision == Precision::Mixed {
        let refused = precision.check(&device).expect_err("nothing to compute so with").to_string();
        assert!(refused.starts_with("no mixed precision here: "), "{refused}");
        return;
    }
    let stats = ChannelStats { mean: vec![0.0; 3], std: vec![1.0; 3] };
    let model = ImageModel { layers: model.layers(10), shape: [3, 32, 32], classes: 10, stats };
    let hyper = Hyperparameters {
        batch,
        optimizer,
        clip_norm: None,
        loss_scale: (precision == Precision::Mixed).then(LossScale::default),
        label_smoothing: 0.0,
        augmentation: Augmentation::default(),
    };
    let options = PlanOptions { precision, ..PlanOptions::default() };
    let graph = training_graph(&model, Images::Tensors, &hyper).expect("a graph");
    let mut learner = Learner::new(&device, &graph, hyper.optimizer, 0, &options).expect("a learner");
    let parameters = fixture["parameters"].as_array().expect("parameters");
    for (j, parameter) in (0u32..).zip(parameters) {
        let name = parameter["name"].as_str().expect("a name");
        let value = initial(j, parameter, parameters);
        assert_close(norm(&value), number(&parameter["initial_norm"]), 1e-6, name);
        learner.variables().write(name, &value).expect("a parameter of this name and shape");
    }
    let signal = number(&fixture["signal"]) as f32;
    let templates: Vec<Vec<f32>> = (0..10).map(|class| noise([13, 0, class])).collect();
    let rate = number(&fixture["optimizer"]["lr"]);
    let mut worst = (0.0, 0);
    for step in 0..steps {
        let (mut images, mut labels) = (Vec::new(), Vec::new());
        for b in 0..batch as u32 {
            let label = pcg4d([11, step, 0, b])[0] % 10;
            let noise = noise([11, step, 1 + b]);
            images.extend(templates[label as usize].iter().zip(noise).map(|(t, n)| signal * t + n));
            labels.push(label);
        }
        learner.session().write_f32("images", &images).expect("images");
        learner.session().write_u32("labels", &labels).expect("labels");
        learner.step(rate).expect("a step");
        learner.settle_blocking().expect("a step");
        let loss = learner.session().read("loss").expect("the loss").wait().expect("the loss");
        let loss = f64::from(loss.as_f32().expect("f32")[0]);
        let expected = number(&fixture["losses_f32"][step as usize]);
        let difference = (loss - expected).abs() / expected.abs();
        assert!(difference < loss_limit, "step {step}: loss {loss}, PyTorch's {expected}, difference {difference:e}");
        if difference > worst.0 {
            worst = (difference, step);
        }
    }
    println!("largest relative loss difference: {:.2e} at step {}", worst.0, worst.1);
    if f64::from(steps) < number(&fixture["steps"]) {
        return;
    }
    let finals = learner.variables().snapshot_blocking().expect("the variables");
    for entry in parameters.iter().chain(fixture["running_statistics"].as_array().into_iter().flatten()) {
        let name = entry["name"].as_str().expect("a name");
        assert_close(norm(&finals[name]), number(&entry["final_norm"]), norm_limit, name);
    }
}

/// The fixture's initial value of parameter `j`.
fn initial(j: u32, parameter: &Value, all: &[Value]) -> HostTensor {
    let shape: Vec<usize> = shape(parameter);
    let count = shape.iter().product::<usize>();
    let name = parameter["name"].as_str().expect("a name");
    let values = if name.contains(".norm.") {
        vec![if name.ends_with("weight") { 1.0 } else { 0.0 }; count]
    } else {
        // A bias is bounded by its layer's weight.
        let layer = name.rsplit_once('.').expect("layer.parameter").0;
        let weight = all.iter().find(|p| p["name"] == format!("{layer}.weight")).expect("the layer's weight");
        let fan_in: usize = self::shape(weight)[1..].iter().product();
        let bound = (1.0 / (fan_in as f64).sqrt()) as f32;
        (0..count as u32).map(|i| (2.0 * unit(pcg4d([7, 0, j, i])[0]) - 1.0) * bound).collect()
    };
    HostTensor::f32(shape, values).expect("as many values as the shape has")
}

fn noise([seed, step, stream]: [u32; 3]) -> Vec<f32> {
    (0..3 * 32 * 32).map(|i| 2.0 * unit(pcg4d([seed, step, stream, i])[0]) - 1.0).collect()
}

fn shape(parameter: &Value) -> Vec<usize> {
    parameter["shape"].as_array().expect("a shape").iter().map(|n| number(n) as usize).collect()
}

fn norm(tensor: &HostTensor) -> f64 {
    let values = tensor.as_f32().expect("f32");
    values.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt()
}

fn assert_close(found: f64, expected: f64, limit: f64, what: &str) {
    // Biases that start at 0 end near it: their norms are held to an absolute limit.
    let difference = (found - expected).abs() / expected.abs().max(1e-2);
    assert!(difference < limit, "{what}: norm {found}, PyTorch's {expected}, difference {difference:e}");
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn load(text: &str) -> Value {
    serde_json::from_str(text).expect("the fixture is JSON")
}
