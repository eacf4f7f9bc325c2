//! Winograd convolutions of more images than their transforms have room for.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use girih::gpu::{AdapterKind, Caps, Profile};
use girih::graph::{Graph, Op};
use girih::ops::CaseInput;
use girih::ops::conv2d::{Conv2d, Conv2dDInput, Conv2dDWeight};
use girih::plan::{Plan, PlanOptions, Session, Tuning, Variables};
use girih::tensor::{Array, HostTensor};

/// The transforms of fifteen images and less of thirty fit.
const BINDING_BYTES: u64 = 400 << 10;

#[test]
fn images_are_taken_in_turns() {
    let conv = Conv2d::same(3);
    let (x, weight) = ([30, 32, 8, 8], [32, 32, 3, 3]);
    let ops: [(Arc<dyn Op>, [CaseInput; 2]); 4] = [
        (Arc::new(conv), [CaseInput::f32(x), CaseInput::f32(weight)]),
        (Arc::new(Conv2dDInput { conv, size: [8, 8] }), [CaseInput::f32(x), CaseInput::f32(weight)]),
        (Arc::new(Conv2dDWeight { conv, kernel: [3, 3] }), [CaseInput::f32(x), CaseInput::f32(x)]),
        // Fewer channels than results, which GPUs turn around.
        (Arc::new(Conv2dDWeight { conv, kernel: [3, 3] }), [CaseInput::f32([30, 16, 8, 8]), CaseInput::f32(x)]),
    ];
    let device = support::device(Profile::Offered);
    let software = Caps { binding_bytes: BINDING_BYTES, ..device.caps().clone() };
    let gpu = Caps { kind: AdapterKind::Discrete, slow_storage: false, ..software.clone() };
    for ((op, inputs), caps) in ops.into_iter().flat_map(|op| [(op.clone(), &software), (op, &gpu)]) {
        let mut graph = Graph::new();
        let nodes = [0, 1].map(|i| graph.input(["a", "b"][i], inputs[i].ty.clone()));
        let output = graph.apply_shared(Arc::clone(&op), &nodes).expect("a graph");
        let named = BTreeMap::from([(op.name().to_owned(), "winograd".to_owned())]);
        let options = PlanOptions { tuning: Tuning::Named(named), ..PlanOptions::default() };
        let plan = Plan::new(&graph, &[("output", output)], caps, &options).expect("a plan");
        let labels: Vec<_> = plan.recording.pipelines.iter().map(|pipeline| pipeline.label.as_str()).collect();
        // A turn ends with one of these.
        let turns = plan.recording.dispatches.iter().filter(|dispatch| {
            ["conv2d_winograd_y", "conv2d_winograd_d_weight"].contains(&labels[dispatch.pipeline.0 as usize])
        });
        assert_eq!(turns.count(), 2, "{}", op.name());
        let session =
            Session::new(&device, plan, &Variables::new(&device, &graph, 0).expect("none")).expect("a session");
        let values: Vec<HostTensor> =
            (1..).zip(&inputs).map(|(stream, input)| input.draw(stream).expect("values")).collect();
        for (name, value) in ["a", "b"].into_iter().zip(&values) {
            session.write(name, value).expect("written");
        }
        session.submit();
        let found = session.read("output").expect("a read").wait().expect("read").to_array();
        let arrays: Vec<Array> = values.iter().map(HostTensor::to_array).collect();
        let expected = op.reference(&arrays.iter().collect::<Vec<_>>());
        for (f, e) in found.values.iter().zip(&expected.values) {
            assert!((f - e).abs() <= 3e-4 * (1.0 + e.abs()), "{}: {f} instead of {e}", op.name());
        }
    }
}
