//! Recurrent layers beyond PyTorch's fixtures: both walks at sizes that the windows take, lengths at their edges, gradients
//! of what PyTorch has not, learning a text and writing one.

mod support;

use std::sync::Arc;

use girih::Error;
use girih::autodiff::gradients;
use girih::data::{SeriesSet, TextSet};
use girih::gpu::{Device, Profile};
use girih::graph::{Feeds, Graph, Kind, NodeId, evaluate};
use girih::nn::models::{CharModel, SeriesClassifier};
use girih::nn::{Net, PARAMETERS, Recurrent, Sequence};
use girih::ops::recurrent::Cell;
use girih::optim::{Adam, Optimizer};
use girih::plan::{Plan, PlanOptions, Session, Variables};
use girih::tensor::random::Random;
use girih::tensor::{Array, HostTensor, TensorType};
use girih::train::{Hyperparameters, Sampling, SeriesTask, TextTask, Trainer, TrainerOptions, Writer};

const CELLS: [Cell; 5] = [Cell::RnnTanh, Cell::RnnRelu, Cell::Lstm, Cell::GruResetAfter, Cell::GruResetBefore];

/// A layer's `Σ w · output` for some w, and its gradients.
struct Walked {
    graph: Graph,
    x: NodeId,
    lengths: NodeId,
    outputs: Vec<(String, NodeId)>,
    /// x and the parameters.
    leaves: Vec<NodeId>,
}

fn walked(layer: &Recurrent, [steps, batch, features]: [usize; 3]) -> Walked {
    let mut graph = Graph::new();
    let x = graph.input("x", TensorType::f32([steps, batch, features]));
    let lengths = graph.input("lengths", TensorType::u32([batch]));
    let sequence = Sequence { lengths: Some(lengths), initial: Vec::new() };
    let unrolled = layer.unroll(&mut Net::eval(&mut graph), x, &sequence).expect("a layer");
    let mut outputs = vec![("y".to_owned(), unrolled.output)];
    for (i, states) in unrolled.last.iter().enumerate() {
        outputs.push((format!("h {i}"), states.h));
        outputs.extend(states.c.map(|c| (format!("c {i}"), c)));
    }
    let mut loss = graph.scalar(0.0);
    for (i, (_, node)) in outputs.iter().enumerate() {
        let shape = graph.ty(*node).shape.clone();
        let mut random = Random::new(7, 0, i as u32);
        let weights = (0..shape.count()).map(|_| 2.0 * random.uniform() - 1.0).collect();
        let weights = graph.constant(HostTensor::f32(shape.clone(), weights).expect("weights"));
        let product = graph.mul(*node, weights).expect("a product");
        let axes: Vec<usize> = (0..shape.rank()).collect();
        let sum = graph.sum(product, &axes, false).expect("a sum");
        loss = graph.add(loss, sum).expect("a sum");
    }
    let mut leaves = vec![x];
    leaves.extend(Net::variables_of(&graph, PARAMETERS));
    let found = gradients(&mut graph, loss, &leaves).expect("gradients");
    outputs.extend((0..).zip(found).map(|(i, g): (usize, _)| (format!("gradient {i}"), g.expect("a gradient"))));
    outputs.push(("loss".to_owned(), loss));
    Walked { graph, x, lengths, outputs, leaves }
}

/// The layer's own initial values, and x uniform in [-1, 1).
fn values(walked: &Walked) -> Vec<Array> {
    let draw = |(i, &node): (u32, &NodeId)| {
        let shape = walked.graph.ty(node).shape.clone();
        let count = shape.count();
        let values = match walked.graph.node(node).kind {
            Kind::Variable(id) => walked.graph.variables()[id.0 as usize].init.values(3, i, count),
            _ => (0..count).scan(Random::new(3, 1, 0), |r, _| Some(2.0 * r.uniform() - 1.0)).collect(),
        };
        Array::new(shape, values.into_iter().map(f64::from).collect())
    };
    (0..).zip(&walked.leaves).map(draw).collect()
}

fn evaluated(walked: &Walked, leaves: &[Array], lengths: &[u32]) -> Vec<Array> {
    let mut feeds: Feeds = walked.leaves.iter().copied().zip(leaves.iter().cloned()).collect();
    feeds.insert(walked.lengths, Array::new([lengths.len()], lengths.iter().map(|&l| f64::from(l)).collect()));
    let all = evaluate(&walked.graph, &mut feeds);
    walked.outputs.iter().map(|(_, node)| all[node.0 as usize].clone()).collect()
}

fn on_device(device: &Device, walked: &Walked, leaves: &[Array], lengths: &[u32]) -> Vec<Array> {
    let outputs: Vec<(&str, NodeId)> = walked.outputs.iter().map(|(name, node)| (name.as_str(), *node)).collect();
    let plan = Plan::new(&walked.graph, &outputs, device.caps(), &PlanOptions::default()).expect("a plan");
    let variables = Variables::new(device, &walked.graph, 0).expect("variables");
    let session = Session::new(device, plan, &variables).expect("a session");
    for (node, value) in walked.leaves.iter().zip(leaves) {
        let values = value.values.iter().map(|&v| v as f32).collect();
        let value = HostTensor::f32(value.shape.clone(), values).expect("a value");
        match &walked.graph.node(*node).kind {
            Kind::Variable(id) => variables.write(&walked.graph.variables()[id.0 as usize].name, &value),
            _ => session.write("x", &value),
        }
        .expect("a leaf");
    }
    session.write_u32("lengths", lengths).expect("lengths");
    session.submit();
    let read = |name: &str| session.read(name).expect("an output").wait().expect("an output").to_array();
    outputs.iter().map(|(name, _)| read(name)).collect()
}

#[test]
fn two_layers_both_ways_with_lengths_match_f64() {
    let device = support::device(Profile::Offered);
    for cell in CELLS {
        let layer = Recurrent::new(cell, 36).layers(2).bidirectional(true);
        let walked = walked(&layer, [6, 9, 5]);
        let (leaves, lengths) = (values(&walked), [6, 1, 3, 6, 2, 5, 4, 1, 6]);
        let expected = evaluated(&walked, &leaves, &lengths);
        let found = on_device(&device, &walked, &leaves, &lengths);
        for (((name, _), expected), found) in walked.outputs.iter().zip(expected).zip(found) {
            let scale = expected.values.iter().fold(1e-3, |m: f64, v| m.max(v.abs()));
            let errors = expected.values.iter().zip(&found.values).map(|(e, f)| (e - f).abs() / scale);
            let error = errors.fold(0.0, |m: f64, e| if e.is_nan() { e } else { m.max(e) });
            assert!(error < 1e-4, "{cell:?}, {name}: relative error {error:e}");
        }
    }
}

#[test]
fn gradients_of_walks_match_finite_differences() {
    const STEP: f64 = 1e-5;
    for cell in CELLS {
        let walked = walked(&Recurrent::new(cell, 3).layers(2).bidirectional(true), [4, 3, 2]);
        let (leaves, lengths) = (values(&walked), [4, 0, 2]);
        let found = evaluated(&walked, &leaves, &lengths);
        let loss = |leaves: &[Array]| evaluated(&walked, leaves, &lengths).last().expect("the loss").values[0];
        let first = walked.outputs.iter().position(|(name, _)| name == "gradient 0").expect("a gradient");
        let mut random = Random::new(1, 2, 3);
        for (i, leaf) in leaves.iter().enumerate() {
            for _ in 0..3 {
                let element = random.below(leaf.values.len() as u32) as usize;
                let mut moved = leaves.clone();
                moved[i].values[element] += STEP;
                let above = loss(&moved);
                moved[i].values[element] -= 2.0 * STEP;
                let difference = (above - loss(&moved)) / (2.0 * STEP);
                let gradient = found[first + i].values[element];
                assert!((difference - gradient).abs() < 1e-6, "{cell:?}, leaf {i}: {gradient} instead of {difference}");
            }
        }
    }
}

/// A sequence of no steps keeps its initial state; one longer than there are steps has all of them; and what lies behind a
/// sequence's end is never looked at.
#[test]
fn lengths_at_their_edges() {
    let device = support::device(Profile::Offered);
    let walked = walked(&Recurrent::lstm(8).bidirectional(true), [3, 4, 2]);
    let mut leaves = values(&walked);
    let lengths = [0, 2, 3, 9];
    let clean = on_device(&device, &walked, &leaves, &lengths);
    let all = on_device(&device, &walked, &leaves, &[0, 2, 3, 3]);
    assert_eq!(clean, all);
    for name in ["h 0", "c 0", "h 1", "c 1"] {
        let at = walked.outputs.iter().position(|(output, _)| output == name).expect("a state");
        assert!(clean[at].values[..8].iter().all(|&v| v == 0.0), "{name}: {:?}", &clean[at].values[..8]);
    }
    // The second sequence's third step, and all of the first's.
    for t in 0..3 {
        leaves[0].values[t * 8..][..2].fill(f64::NAN);
    }
    leaves[0].values[2 * 8 + 2..][..2].fill(f64::INFINITY);
    assert!(walked.x == walked.leaves[0]);
    assert_eq!(on_device(&device, &walked, &leaves, &lengths), clean);
}

fn text() -> Arc<TextSet> {
    let words = ["the knot ", "of five tiles ", "lies in a pattern ", "without an end\n"];
    let mut random = Random::new(1, 0, 0);
    let text: String = (0..300).map(|_| words[random.below(4) as usize]).collect();
    Arc::new(TextSet::new("knots", &text).expect("a text"))
}

fn model(cell: Cell, text: &TextSet) -> CharModel {
    CharModel { cell, characters: text.vocabulary.len(), hidden: 24, layers: 2, dropout: 0.1 }
}

fn options(epochs: u32) -> TrainerOptions {
    let hyper = Hyperparameters {
        batch: 8,
        optimizer: Optimizer::Adam(Adam::default()),
        clip_norm: Some(1.0),
        ..Hyperparameters::default()
    };
    TrainerOptions { hyper, learning_rate: 0.02, epochs, ..TrainerOptions::default() }
}

fn trainer(device: &Device, cell: Cell, epochs: u32) -> Trainer {
    let text = text();
    let task = TextTask::new(model(cell, &text), text, 16);
    Trainer::new(device, Arc::new(task), options(epochs)).expect("a trainer")
}

#[test]
fn a_text_is_learnt_step_by_step_with_no_allocation() {
    let device = support::device(Profile::Offered);
    let mut trainer = trainer(&device, Cell::GruResetAfter, 3);
    let steps = trainer.steps_per_epoch();
    trainer.step_blocking().expect("a step");
    let (buffers, submits) = (device.buffer_count(), device.submit_count());
    for _ in 1..steps {
        trainer.step_blocking().expect("a step");
    }
    assert_eq!(device.buffer_count(), buffers);
    assert_eq!(device.submit_count() - submits, u64::from(steps - 1));
    let before = trainer.training_metrics_blocking().expect("sums");
    assert_eq!(before.count, u64::from(steps) * 8 * 16);
    while !trainer.step_blocking().expect("a step") {}
    while !trainer.step_blocking().expect("a step") {}
    let after = trainer.evaluate_blocking().expect("a test");
    assert!(after.loss < 0.8 * before.loss, "{before:?} {after:?}");
    assert!(matches!(trainer.step_blocking(), Err(Error::Finished)));
}

/// Stopped in the middle of an epoch, with states that steps carry on.
#[test]
fn a_resumed_text_ends_in_the_same_bits() {
    let device = support::device(Profile::Offered);
    let (mut whole, mut first) = (trainer(&device, Cell::Lstm, 2), trainer(&device, Cell::Lstm, 2));
    let steps = whole.steps_per_epoch();
    for _ in 0..2 * steps {
        whole.step_blocking().expect("a step");
    }
    for _ in 0..steps + 3 {
        first.step_blocking().expect("a step");
    }
    let checkpoint = first.checkpoint_blocking().expect("a checkpoint");
    assert!(checkpoint.variables.keys().any(|name| name == "c_l1"), "the states are in it");
    let mut second = trainer(&device, Cell::Lstm, 2);
    second.restore(&checkpoint).expect("the same model");
    for _ in steps + 3..2 * steps {
        second.step_blocking().expect("a step");
    }
    let [whole, resumed] = [whole, second].map(|trainer| trainer.checkpoint_blocking().expect("a checkpoint"));
    for (name, value) in &whole.variables {
        assert!(value.bytes() == resumed.variables[name].bytes(), "{name} differs");
    }
}

/// What a writer draws at temperature 0 is what the whole text's scores say, character for character; and at another, the
/// same seed draws the same text.
#[test]
fn a_writer_follows_the_model() {
    let device = support::device(Profile::Offered);
    for cell in [Cell::RnnTanh, Cell::Lstm, Cell::GruResetAfter] {
        let text = text();
        let model = model(cell, &text);
        let mut trainer = trainer(&device, cell, 2);
        while !trainer.step_blocking().expect("a step") {}
        let checkpoint = trainer.checkpoint_blocking().expect("a checkpoint");
        let prompt = text.vocabulary.encode("the kn").expect("known characters");
        let written = |temperature, seed| {
            let sampling = Sampling { temperature, top_k: 0, seed };
            let mut writer = Writer::new(&device, &model, sampling, &PlanOptions::default()).expect("a writer");
            writer.restore(&checkpoint.variables).expect("the same model");
            writer.read(&prompt).expect("a prompt");
            let mut drawn = Vec::new();
            writer
                .write_blocking(20, |number| {
                    drawn.push(number);
                    true
                })
                .expect("a text");
            drawn
        };
        let likeliest = written(0.0, 1);
        let mut graph = Graph::new();
        let whole: Vec<u32> = prompt.iter().chain(&likeliest).copied().collect();
        let numbers = graph.input("numbers", TensorType::u32([whole.len()]));
        let (logits, _) = model.build(&mut Net::eval(&mut graph), numbers, 1, Vec::new()).expect("a model");
        let mut feeds =
            Feeds::from([(numbers, Array::new([whole.len()], whole.iter().map(|&n| f64::from(n)).collect()))]);
        for node in Net::variables_of(&graph, PARAMETERS) {
            let Kind::Variable(id) = graph.node(node).kind else { continue };
            feeds.insert(node, checkpoint.variables[&graph.variables()[id.0 as usize].name].to_array());
        }
        let scores = &evaluate(&graph, &mut feeds)[logits.0 as usize];
        let rows: Vec<&[f64]> = scores.values.chunks(model.characters).collect();
        for (i, &drawn) in likeliest.iter().enumerate() {
            let row = rows[prompt.len() - 1 + i];
            let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            assert!(row[drawn as usize] > largest - 1e-4, "{cell:?}: character {i} is not the likeliest");
        }
        assert_eq!(written(1.5, 4), written(1.5, 4));
        assert_ne!(written(1.5, 4), written(1.5, 5));
    }
}

#[test]
fn series_of_any_length_are_told_apart() {
    let device = support::device(Profile::Offered);
    // The class is the sign of the second dimension at a series' last step; behind it there is nothing.
    let set = |seed: u32, count: usize| {
        let mut random = Random::new(seed, 0, 0);
        let (mut series, mut labels) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let steps = 1 + random.below(6) as usize;
            let values: Vec<f32> = (0..2 * steps).map(|_| 2.0 * random.uniform() - 1.0).collect();
            labels.push(u32::from(values[2 * steps - 1] > 0.0));
            series.push(values);
        }
        let classes = vec!["below".to_owned(), "above".to_owned()];
        Arc::new(SeriesSet { name: "signs".into(), classes, dimensions: 2, series, labels })
    };
    let (train, test) = (set(1, 160), set(2, 50));
    let cell = Cell::GruResetAfter;
    let model = SeriesClassifier { cell, classes: 2, hidden: 12, layers: 1, dropout: 0.0 };
    let stats = train.stats();
    let task = SeriesTask::new(model, train, test, stats).expect("a task");
    let mut trainer = Trainer::new(&device, Arc::new(task), options(12)).expect("a trainer");
    while trainer.progress().epoch < 12 {
        trainer.step_blocking().expect("a step");
    }
    let told = trainer.evaluate_blocking().expect("a test");
    assert_eq!(told.count, 50);
    assert!(told.accuracy > 0.9, "{told:?}");
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut graph = Graph::new();
    let x = graph.input("x", TensorType::f32([3, 2, 4]));
    let flat = graph.input("flat", TensorType::f32([3, 2]));
    let lengths = graph.input("lengths", TensorType::u32([3]));
    let layer = Recurrent::gru(5);
    let refused = |graph: &mut Graph, layer: &Recurrent, x, sequence: &Sequence| {
        layer.unroll(&mut Net::eval(graph), x, sequence).expect_err("it does not fit").to_string()
    };
    let error = refused(&mut graph, &layer, flat, &Sequence::default());
    assert!(error.contains("[T, B, features]"), "{error}");
    let error = refused(&mut graph, &layer, x, &Sequence { lengths: Some(lengths), initial: Vec::new() });
    assert!(error.contains("u32[2]") && error.contains("one a sequence"), "{error}");
    let state = girih::ops::recurrent::States { h: flat, c: None };
    let error = refused(&mut graph, &layer, x, &Sequence { lengths: None, initial: vec![state] });
    assert!(error.contains("the initial hidden state must be [2, 5]"), "{error}");
    let error = refused(&mut graph, &layer.layers(2), x, &Sequence { lengths: None, initial: vec![state] });
    assert!(error.contains("2 initial states"), "{error}");
    let text = text();
    let task = TextTask::new(model(Cell::Lstm, &text), text, 5000);
    let device = support::device(Profile::Offered);
    let error = Trainer::new(&device, Arc::new(task), options(1)).err().expect("a text too short").to_string();
    assert!(error.contains("8 stretches of 5000 characters"), "{error}");
}
