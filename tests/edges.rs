//! What the op table's drawn values and small shapes do not reach: values that are not finite, sums longer than a driver's
//! loops, nothing at all, and more operands than an adapter binds.

mod support;

use std::collections::BTreeMap;

use girih::gpu::{AdapterKind, Caps, Device, Profile};
use girih::graph::{Graph, Init, NodeId};
use girih::ops::conv2d::Conv2d;
use girih::plan::{Plan, PlanError, PlanOptions, Session, Tuning, Variables};
use girih::tensor::{HostTensor, TensorType};

const INFINITY: f32 = f32::INFINITY;

/// The values of `output` on a device, by the strategy named for an op where one is.
fn computed(
    device: &Device,
    graph: &Graph,
    output: NodeId,
    inputs: &[(&str, HostTensor)],
    named: Option<(&str, &str)>,
) -> Vec<f32> {
    let named = named.into_iter().map(|(op, strategy)| (op.to_owned(), strategy.to_owned()));
    let tuning = Tuning::Named(named.collect::<BTreeMap<_, _>>());
    let options = PlanOptions { tuning, ..PlanOptions::default() };
    let plan = Plan::new(graph, &[("output", output)], device.caps(), &options).expect("a plan");
    let variables = Variables::new(device, graph, 0).expect("variables");
    let session = Session::new(device, plan, &variables).expect("a session");
    for (name, value) in inputs {
        session.write(name, value).expect("an input");
    }
    session.submit();
    let found = session.read("output").and_then(|readback| Ok(readback.wait()?)).expect("results");
    found.as_f32().expect("floats").to_vec()
}

fn floats(shape: impl Into<girih::tensor::Shape>, values: &[f32]) -> HostTensor {
    HostTensor::f32(shape, values.to_vec()).expect("as many values as the shape has")
}

#[test]
fn a_mask_of_infinities_takes_part() {
    let mut graph = Graph::new();
    let mask = graph.input("mask", TensorType::f32([4]));
    let x = graph.input("x", TensorType::f32([4]));
    let out = graph.scalar(-INFINITY);
    let masked = graph.select_by(mask, x, out).expect("a selection");
    let both = graph.add(masked, x).expect("a sum");
    let inputs = [("mask", floats([4], &[1.0, 0.0, 1.0, 0.0])), ("x", floats([4], &[1.0, 2.0, 3.0, 4.0]))];
    for profile in [Profile::Offered, Profile::WebgpuMinimum] {
        let found = computed(&support::device(profile), &graph, both, &inputs, None);
        assert_eq!(found, [2.0, -INFINITY, 6.0, -INFINITY], "{profile:?}");
    }
}

#[test]
fn impossible_classes_and_ignored_rows_leave_the_loss_finite() {
    let device = support::device(Profile::Offered);
    let mut graph = Graph::new();
    let logits = graph.input("logits", TensorType::f32([3, 3]));
    let labels = graph.input("labels", TensorType::u32([3]));
    let losses = graph.cross_entropy_rows(logits, labels, 0.0, u32::MAX).expect("losses");
    let sum = graph.sum(losses, &[0], false).expect("a sum");
    let d_logits = girih::autodiff::gradients(&mut graph, sum, &[logits]).expect("gradients")[0].expect("one");
    let values = [1.0, 2.0, -INFINITY, 1.0, INFINITY, 0.0, 1.0, 2.0, 3.0];
    let inputs = [
        ("logits", floats([3, 3], &values)),
        ("labels", HostTensor::u32([3], vec![1, u32::MAX, 2]).expect("three labels")),
    ];
    for strategy in ["lines", "tree", "row"] {
        let found = computed(&device, &graph, losses, &inputs, Some(("cross_entropy", strategy)));
        // log(1 + 1 / e) and log(1 + 1 / e + 1 / e²).
        for (value, expected) in found.iter().zip([0.313_261_7, 0.0, 0.407_605_97]) {
            assert!((value - expected).abs() < 1e-6, "{strategy}: {found:?}");
        }
        let found = computed(&device, &graph, d_logits, &inputs, Some(("cross_entropy_grad", strategy)));
        assert!(found.iter().all(|value| value.is_finite()), "{strategy}: {found:?}");
        assert_eq!(found[3..6], [0.0; 3], "{strategy}: an ignored row has no gradient");
    }
}

#[test]
fn a_plane_is_pooled_whole_however_large_it_is() {
    let plane = 512 * 512;
    let values: Vec<f32> = (1..=2 * plane).map(|i| if i % plane == 0 { 5.0 } else { 1.0 }).collect();
    let inputs = [("x", floats([1, 2, 512, 512], &values))];
    let mut graph = Graph::new();
    let x = graph.input("x", TensorType::f32([1, 2, 512, 512]));
    let mean = graph.global_avg_pool2d(x).expect("means");
    let largest = graph.global_max_pool2d(x).expect("the largest");
    for profile in [Profile::Offered, Profile::WebgpuMinimum] {
        let device = support::device(profile);
        let found = computed(&device, &graph, mean, &inputs, None);
        let expected = 1.0 + 4.0 / plane as f32;
        assert!(found.iter().all(|value| (value - expected).abs() < 1e-5), "{profile:?}: {found:?}");
        assert_eq!(computed(&device, &graph, largest, &inputs, None), [5.0, 5.0], "{profile:?}");
    }
}

#[test]
fn long_sums_of_convolutions_are_right_or_refused() {
    // Mesa 22.3 ends loops after 65,535 turns without a word.
    for profile in [Profile::Offered, Profile::WebgpuMinimum] {
        let device = support::device(profile);
        for [channels, kernel, results] in [[8000, 3, 4], [8000, 3, 16], [1024, 9, 4], [40_000, 1, 4]] {
            let (x, weight) = ([1, channels, kernel, kernel], [results, channels, kernel, kernel]);
            let ones = |shape: [usize; 4]| floats(shape, &vec![1.0; shape.iter().product()]);
            let mut graph = Graph::new();
            let inputs = [graph.input("x", TensorType::f32(x)), graph.input("weight", TensorType::f32(weight))];
            let y = graph.conv2d(inputs[0], inputs[1], None, &Conv2d::default()).expect("a convolution");
            if let Err(PlanError::NoStrategy { .. }) =
                Plan::new(&graph, &[("y", y)], device.caps(), &PlanOptions::default())
            {
                continue;
            }
            let found = computed(&device, &graph, y, &[("x", ones(x)), ("weight", ones(weight))], None);
            let expected = (channels * kernel * kernel) as f32;
            assert!(found.iter().all(|&value| value == expected), "{profile:?} {x:?} {weight:?}: {found:?}");
        }
    }
}

#[test]
fn nothing_to_compute_is_an_error_of_the_graph() {
    let mut graph = Graph::new();
    let none = graph.input("none", TensorType::f32([0, 64]));
    let some = graph.input("some", TensorType::f32([64, 64]));
    let error = graph.matmul(none, some).expect_err("a product of nothing").to_string();
    assert!(error.contains("matmul") && error.contains("nothing to compute"), "{error}");
    let images = graph.input("images", TensorType::f32([0, 3, 8, 8]));
    let d_y = graph.input("d_y", TensorType::f32([0, 64, 8, 8]));
    assert!(graph.conv2d_d_weight(images, d_y, &Conv2d::same(3), [3, 3]).is_err());
    let channels = graph.input("channels", TensorType::f32([2, 4, 8, 8]));
    let no_results = graph.input("no_results", TensorType::f32([2, 0, 8, 8]));
    assert!(graph.conv2d_d_weight(channels, no_results, &Conv2d::same(3).groups(4), [3, 3]).is_err());
    assert!(graph.concat(&[none, some], 0).is_err());
}

#[test]
fn what_is_fused_fits_the_least_that_adapters_bind() {
    let ty = TensorType::f32([2, 8, 4, 4]);
    let mut graph = Graph::new();
    let x = graph.input("x", ty.clone());
    let [weight, bias] = ["weight", "bias"].map(|name| graph.input(name, TensorType::f32([8])));
    let stats = graph.input("stats", TensorType::f32([2, 8]));
    let mut y = graph.batch_norm(x, weight, bias, stats, 1e-5).expect("a normalisation");
    for name in ["a", "b", "c", "d"] {
        let more = graph.input(name, ty.clone());
        y = graph.add(y, more).expect("a sum");
    }
    let software = Caps {
        kind: AdapterKind::Software,
        subgroup: Some((8, 8)),
        immediate_bytes: 128,
        slow_storage: true,
        ..Caps::webgpu_minimum()
    };
    for caps in [Caps::webgpu_minimum(), software] {
        let plan = Plan::new(&graph, &[("y", y)], &caps, &PlanOptions::default()).expect("a plan");
        assert!(plan.recording.dispatches.len() > 1, "not all of it in one dispatch");
    }
}

#[test]
fn a_view_of_a_variable_shows_it_as_it_was_before_the_run() {
    let mut graph = Graph::new();
    let ty = TensorType::f32([64]);
    let [a, b] = ["a", "b"].map(|name| graph.variable(name, name, ty.clone(), Init::Fill(1.0)));
    let x = graph.input("x", ty);
    let old = graph.reshape(a, [8, 8]).expect("a view");
    graph.assign(a, x).expect("an effect");
    let flat = graph.reshape(old, [64]).expect("a view of it");
    graph.assign(b, flat).expect("another");
    let device = support::device(Profile::Offered);
    let plan = Plan::new(&graph, &[("old", old)], device.caps(), &PlanOptions::default()).expect("a plan");
    let variables = Variables::new(&device, &graph, 0).expect("variables");
    let session = Session::new(&device, plan, &variables).expect("a session");
    session.write_f32("x", &[2.0; 64]).expect("an input");
    session.submit();
    let read = |tensor: HostTensor| tensor.as_f32().expect("floats").to_vec();
    assert_eq!(read(session.read("old").expect("an output").wait().expect("its values")), [1.0; 64]);
    for (name, expected) in [("a", 2.0), ("b", 1.0)] {
        assert_eq!(
            read(variables.read(name).expect("a variable").wait().expect("its values")),
            [expected; 64],
            "{name}"
        );
    }
}

#[test]
fn what_no_one_waits_for_is_refused_without_a_panic() {
    let device = support::device(Profile::Offered);
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
    let descriptor = wgpu::BufferDescriptor { label: None, size: 16, usage, mapped_at_creation: false };
    let buffer = device.wgpu().create_buffer(&descriptor);
    assert!(device.read(&buffer, 8, 16).is_err(), "past the end");
    assert!(device.read(&buffer, 2, 4).is_err(), "no whole word");
    device.queue().write_buffer(&buffer, 8, &[0; 16]);
    let error = device.wait().expect_err("the write was refused").to_string();
    assert!(error.contains("refused what was written or submitted"), "{error}");
    device.wait().expect("told once");
}
