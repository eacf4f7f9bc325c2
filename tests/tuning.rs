//! Choosing strategies by measurement: before a plan is made, within a bound, and never while it runs.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use girih::data::synth::synthetic;
use girih::gpu::{Caps, Profile};
use girih::graph::{Graph, NodeId};
use girih::kernel::CustomKernel;
use girih::nn::models::Model;
use girih::plan::{Choices, Measured, Plan, PlanOptions, Tuner, Tuning, TuningProfile};
use girih::tensor::TensorType;
use girih::train::{Hyperparameters, ImageModel, ImageTask, Trainer, TrainerOptions};

const LONG: Duration = Duration::from_secs(60);

/// relu(x · w), and the sum of its rows.
fn graph() -> (Graph, NodeId) {
    let mut graph = Graph::new();
    let x = graph.input("x", TensorType::f32([40, 64]));
    let w = graph.input("w", TensorType::f32([64, 48]));
    let y = graph.matmul(x, w).and_then(|y| graph.relu(y)).and_then(|y| graph.sum(y, &[1], false)).expect("a graph");
    (graph, y)
}

fn by(tuning: Tuning) -> PlanOptions {
    PlanOptions { tuning, ..PlanOptions::default() }
}

#[test]
fn what_was_fastest_is_taken_and_measured_once() {
    let device = support::device(Profile::Offered);
    let told = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&told);
    let tuner = Arc::new(Tuner::new(LONG).on_progress(move |at| {
        seen.lock().expect("no panic").push((at.done, at.count, at.op.to_owned()));
    }));
    let (graph, y) = graph();
    let plan = |tuning| Plan::for_device(&graph, &[("y", y)], &device, &by(tuning)).expect("a plan");
    let measured = plan(Tuning::Measure(Arc::clone(&tuner)));
    let choices = tuner.choices();
    let of = |op: &str| choices.iter().find(|(name, ..)| *name == op).map(|(_, key, m)| (key.to_owned(), m.clone()));
    let (key, product) = of("matmul").expect("products have several strategies");
    assert_eq!(key, "MatMul { transpose_a: false, transpose_b: false }, then relu: f32[40, 64], f32[64, 48]");
    assert!(product.seconds > 0.0 && product.gap() >= 0.0, "{product:?}");
    assert!(measured.strategies.contains(&product.strategy.as_str()), "{:?}", measured.strategies);
    assert!(plan(Tuning::Heuristic).strategies.contains(&product.heuristic.as_str()));
    let told_before = told.lock().expect("no panic").clone();
    assert_eq!(told_before[0], (0, choices.len(), "matmul".to_owned()));
    assert_eq!(told_before.last(), Some(&(choices.len(), choices.len(), String::new())));
    // A second plan finds everything known.
    let again = plan(Tuning::Measure(Arc::clone(&tuner)));
    assert_eq!(again.strategies, measured.strategies);
    assert_eq!(told.lock().expect("no panic")[told_before.len()..], [(0, 0, String::new())]);
    // So does one by the profile.
    let tuning = tuner.profile(&device).tuning(&device).expect("of this adapter");
    assert_eq!(plan(tuning).strategies, measured.strategies);
}

#[test]
fn a_profile_that_names_what_is_not_there_is_ignored_with_a_warning() {
    let device = support::device(Profile::Offered);
    let (graph, y) = graph();
    let tuner = Tuner::new(LONG);
    tuner.measure(&device, &graph, &[("y", y)], &PlanOptions::default()).expect("measurements");
    let renamed = |strategy: &str| {
        let mut choices = Choices::default();
        for (op, key, measured) in tuner.choices().iter().filter(|(op, ..)| *op == "matmul") {
            choices.insert(op, key, Measured { strategy: strategy.to_owned(), ..measured.clone() });
        }
        let plan = Plan::new(&graph, &[("y", y)], device.caps(), &by(Tuning::Profile(Arc::new(choices))));
        plan.expect("a plan")
    };
    let simple = renamed("simple");
    assert!(simple.strategies.contains(&"simple") && simple.warnings.is_empty(), "{:?}", simple.warnings);
    let absent = renamed("absent");
    let own = Plan::new(&graph, &[("y", y)], device.caps(), &PlanOptions::default()).expect("a plan");
    assert_eq!(absent.strategies, own.strategies);
    assert!(absent.warnings.len() == 1 && absent.warnings[0].contains("names absent"), "{:?}", absent.warnings);
    // One for other adapters says so.
    let error = TuningProfile::default().tuning(&device).expect_err("an empty profile").to_string();
    assert!(error.contains(device.name()), "{error}");
}

#[test]
fn without_time_the_ops_choose() {
    let device = support::device(Profile::Offered);
    let (graph, y) = graph();
    let tuner = Arc::new(Tuner::new(Duration::ZERO));
    let plan =
        Plan::for_device(&graph, &[("y", y)], &device, &by(Tuning::Measure(Arc::clone(&tuner)))).expect("a plan");
    assert!(tuner.choices().is_empty() && tuner.left_out() > 0);
    let own = Plan::new(&graph, &[("y", y)], device.caps(), &PlanOptions::default()).expect("a plan");
    assert_eq!(plan.strategies, own.strategies);
    // Nor does a plan without a device measure.
    Plan::new(&graph, &[("y", y)], &Caps::webgpu_minimum(), &by(Tuning::Measure(Arc::clone(&tuner)))).expect("a plan");
    assert!(tuner.choices().is_empty());
}

#[test]
fn what_a_kernel_from_outside_takes_is_not_measured() {
    let device = support::device(Profile::Offered);
    let (graph, y) = graph();
    let kernel = CustomKernel::parse("matmul.wgsl", include_str!("../examples/matmul.wgsl")).expect("a kernel");
    let tuner = Arc::new(Tuner::new(LONG));
    let options = PlanOptions { kernels: vec![Arc::new(kernel)], ..by(Tuning::Measure(Arc::clone(&tuner))) };
    let plan = Plan::for_device(&graph, &[("y", y)], &device, &options).expect("a plan");
    assert!(plan.strategies.contains(&"matmul.wgsl"));
    assert!(tuner.choices().iter().all(|(op, ..)| op != "matmul"));
}

#[test]
fn a_tuned_run_measures_before_its_first_step_alone() {
    let device = support::device(Profile::Offered);
    let count = Arc::new(AtomicUsize::new(0));
    let calls = Arc::clone(&count);
    let tuner = Arc::new(Tuner::new(LONG).on_progress(move |_| {
        calls.fetch_add(1, Ordering::Relaxed);
    }));
    let data = synthetic(1, 96, 32).expect("the procedural set");
    let stats = data.train.channel_stats();
    let model = ImageModel { layers: Model::Mlp.layers(10), shape: [3, 32, 32], classes: 10, stats };
    let hyper = Hyperparameters { batch: 16, ..Hyperparameters::default() };
    let options =
        TrainerOptions { hyper, epochs: 1, plan: by(Tuning::Measure(Arc::clone(&tuner))), ..Default::default() };
    let mut trainer = Trainer::new(&device, Arc::new(ImageTask::new(model, data)), options).expect("a trainer");
    let before = (count.load(Ordering::Relaxed), tuner.spent());
    assert!(before.0 > 2 && !tuner.choices().is_empty());
    let submits = device.submit_count();
    while !trainer.step_blocking().expect("a step") {}
    assert_eq!(device.submit_count() - submits, 6);
    assert!(trainer.training_metrics_blocking().expect("metrics").loss.is_finite());
    trainer.evaluate_blocking().expect("an evaluation");
    assert_eq!((count.load(Ordering::Relaxed), tuner.spent()), before);
}
