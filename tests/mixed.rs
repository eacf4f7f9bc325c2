//! Mixed precision: what is planned for a device that can, what one that cannot says, and training beside f32.

mod support;

use girih::data::ChannelStats;
use girih::gpu::check::check;
use girih::gpu::{AdapterKind, Caps, Device, Profile};
use girih::nn::models::Model;
use girih::optim::{LOSS_SCALE, LossScale};
use girih::plan::{Plan, PlanOptions, Precision, Tuning};
use girih::tensor::random::Random;
use girih::train::{Hyperparameters, ImageModel, Images, Learner, training_graph};

const BATCH: usize = 16;
const CLASSES: usize = 8;
const MIXED: PlanOptions = PlanOptions {
    fuse: true,
    reuse: true,
    tuning: Tuning::Heuristic,
    kernels: Vec::new(),
    precision: Precision::Mixed,
};

fn image_model(model: Model) -> ImageModel {
    let stats = ChannelStats { mean: vec![0.0; 3], std: vec![1.0; 3] };
    ImageModel { layers: model.layers(CLASSES), shape: [3, 8, 8], classes: CLASSES, stats }
}

fn hyper(loss_scale: Option<LossScale>) -> Hyperparameters {
    Hyperparameters { batch: BATCH, loss_scale, ..Hyperparameters::default() }
}

/// A learner with a batch of images whose mean says their class.
fn learner(device: &Device, model: Model, hyper: &Hyperparameters, options: &PlanOptions) -> Result<Learner, String> {
    let graph = training_graph(&image_model(model), Images::Tensors, hyper).expect("a graph");
    let learner = Learner::new(device, &graph, hyper.optimizer, 3, options).map_err(|error| error.to_string())?;
    let mut random = Random::new(5, 0, 0);
    let class = |i: usize| i / (3 * 8 * 8) % CLASSES;
    let pixel = |i: usize| 0.4 * class(i) as f32 - 0.8 + 0.5 * (random.uniform() - 0.5);
    let images: Vec<f32> = (0..BATCH * 3 * 8 * 8).map(pixel).collect();
    let labels: Vec<u32> = (0..BATCH).map(|i| (i % CLASSES) as u32).collect();
    learner.session().write_f32("images", &images).expect("the images");
    learner.session().write_u32("labels", &labels).expect("the labels");
    Ok(learner)
}

/// The loss of each step.
fn losses(learner: &mut Learner, steps: usize) -> Vec<f32> {
    let loss = |_| {
        learner.reset_metrics().expect("sums that start anew");
        learner.step(0.02).expect("a step");
        learner.metrics_blocking().expect("the sums").loss
    };
    (0..steps).map(loss).collect()
}

fn scale(learner: &Learner) -> f32 {
    let read = learner.variables().read(LOSS_SCALE).expect("the scale").wait().expect("its value");
    read.as_f32().expect("an f32")[0]
}

#[test]
fn every_product_that_gains_is_planned_in_f16() {
    let caps = Caps {
        kind: AdapterKind::Discrete,
        f16: true,
        subgroup: Some((32, 32)),
        cooperative: Some(16),
        invocations: 1024,
        workgroup_bytes: 48 << 10,
        ..Caps::webgpu_minimum()
    };
    for model in [Model::Linear, Model::Mlp, Model::Cnn, Model::Resnet9] {
        let model = if model == Model::Resnet9 {
            ImageModel { shape: [3, 32, 32], ..image_model(model) }
        } else {
            image_model(model)
        };
        let built = training_graph(&model, Images::Tensors, &hyper(Some(LossScale::default()))).expect("a graph");
        let outputs = [("loss", built.loss), ("logits", built.logits)];
        let plan = Plan::new(&built.graph, &outputs, &caps, &MIXED).expect("a plan");
        check(&plan.recording, &caps).unwrap_or_else(|faults| panic!("{}", faults.join("\n")));
        let mut products = 0;
        for dispatch in &plan.recording.dispatches {
            let kernel = &plan.recording.pipelines[dispatch.pipeline.0 as usize].label;
            let product = kernel.starts_with("matmul_") || kernel.starts_with("conv2d_");
            let second_pass = kernel == "matmul_sum" || kernel == "conv2d_sum_parts";
            if product && !second_pass {
                // Convolutions do not gain from it on GPUs.
                let coop = kernel.contains("_coop");
                assert!(coop || dispatch.label.contains(": conv2d"), "{}: {kernel}", dispatch.label);
                products += usize::from(coop);
            }
        }
        assert!(products >= 2, "{:?}", plan.strategies);
        let f32_plan = Plan::new(&built.graph, &outputs, &caps, &PlanOptions::default()).expect("a plan");
        assert!(f32_plan.strategies.iter().all(|strategy| !strategy.starts_with("coop")));
    }
}

#[test]
fn hidden_values_are_stored_in_f16_alone() {
    let caps = Caps { f16: true, subgroup: Some((32, 32)), cooperative: Some(16), ..Caps::webgpu_minimum() };
    let model = image_model(Model::Mlp);
    let built = training_graph(&model, Images::Tensors, &hyper(None)).expect("a graph");
    let plan = Plan::new(&built.graph, &[("loss", built.loss)], &caps, &MIXED).expect("a plan");
    // Bias, ReLU and the cast are the end of the product, which stores half the bytes. Their gradient is stored in both
    // types: the sum that is the bias's gradient reads f32.
    let of_layer: Vec<_> = plan.recording.dispatches.iter().filter(|d| d.label.starts_with("relu1: ")).collect();
    let stores = |label: &str, bytes: usize| {
        let of_label = of_layer.iter().filter(|d| d.label == label);
        of_label.filter(|d| d.bindings.iter().any(|binding| binding.bytes == bytes as u64)).count()
    };
    assert!(stores("relu1: matmul", BATCH * 512 * 2) >= 1);
    assert_eq!(stores("relu1: to_f16", BATCH * 512 * 2), 1);
}

#[test]
fn a_device_that_cannot_says_why() {
    let device = support::device(Profile::WebgpuMinimum);
    let error = learner(&device, Model::Linear, &hyper(None), &MIXED).err().expect("an error");
    assert_eq!(error, "no mixed precision here: the adapter has no f16 in kernels");
}

#[test]
fn training_keeps_step_with_f32() {
    let device = support::device(Profile::Offered);
    let scaled = hyper(Some(LossScale::default()));
    let mixed = learner(&device, Model::Cnn, &scaled, &MIXED);
    if device.caps().cooperative.is_none() {
        let error = mixed.err().expect("an error");
        assert!(error.starts_with("no mixed precision here: ") && error.contains("cooperative matrices"), "{error}");
        return;
    }
    let mut mixed = mixed.expect("a learner");
    let mut full = learner(&device, Model::Cnn, &hyper(None), &PlanOptions::default()).expect("a learner");
    let (halves, floats) = (losses(&mut mixed, 25), losses(&mut full, 25));
    assert!(floats[24] < 0.9 * floats[0], "f32 learns: {floats:?}");
    for (step, (half, float)) in halves.iter().zip(&floats).enumerate() {
        assert!((half - float).abs() < 0.01 * float, "step {step}: {half} beside {float}");
    }
    assert_eq!(scale(&mixed), LossScale::default().initial, "no step overflowed");
}

#[test]
fn a_step_that_overflows_changes_nothing_but_the_scale() {
    for profile in [Profile::Offered, Profile::WebgpuMinimum] {
        let device = support::device(profile);
        let mixed = Precision::Mixed.check(&device).is_ok();
        let options = if mixed { MIXED } else { PlanOptions::default() };
        let scaled = hyper(Some(LossScale { initial: 1e38, ..LossScale::default() }));
        let mut learner = learner(&device, Model::Mlp, &scaled, &options).expect("a learner");
        let before = learner.variables().snapshot_blocking().expect("the variables");
        let loss = losses(&mut learner, 1)[0];
        assert!(loss.is_finite(), "{loss}");
        let after = learner.variables().snapshot_blocking().expect("the variables");
        for (name, value) in before.iter().filter(|(name, _)| !name.starts_with("metrics") && *name != LOSS_SCALE) {
            assert_eq!(value, &after[name], "{name}");
        }
        assert_eq!(scale(&learner), 0.5e38);
        // Halved until the gradients fit: then it learns.
        let losses = losses(&mut learner, 150);
        assert!(losses[149] < losses[0], "{losses:?}");
        assert!(scale(&learner) < 1e30);
    }
}
