//! Recursive networks against PyTorch's results in `tests/fixtures/trees.json`: logits of all nodes, the loss and every
//! gradient, through the f64 references and on the device.

mod support;

use std::path::Path;

use girih::autodiff::gradients;
use girih::data::trees::{Forest, Order, Room, Tree, Vocabulary, parse_trees};
use girih::gpu::{Device, Profile};
use girih::graph::{Feeds, Graph, NodeId, evaluate};
use girih::nn::models::TreeNet;
use girih::nn::{Net, PARAMETERS};
use girih::ops::cross_entropy::IGNORED;
use girih::ops::tree::Cell;
use girih::plan::{Plan, PlanOptions, Session, Variables};
use girih::tensor::{Array, HostTensor, TensorType};
use serde_json::Value;

#[test]
fn references_match_pytorch() {
    for record in &records() {
        let built = Built::new(record);
        let mut feeds: Feeds =
            built.parameters.iter().map(|(name, node)| (*node, array(&record["parameters"][name]))).collect();
        for (node, words, shape) in &built.tables {
            feeds.insert(*node, Array::new(shape.clone(), words.iter().map(|&w| f64::from(w)).collect()));
        }
        let values = evaluate(&built.graph, &mut feeds);
        built.compare(record, |name| values[built.node(name).0 as usize].values.clone(), 1e-7);
    }
}

#[test]
fn networks_match_pytorch_on_the_device() {
    let device = support::device(Profile::Offered);
    records().iter().for_each(|record| run(&device, record));
}

#[test]
fn networks_match_pytorch_under_webgpu_minimum() {
    let device = support::device(Profile::WebgpuMinimum);
    records().iter().for_each(|record| run(&device, record));
}

fn run(device: &Device, record: &Value) {
    let built = Built::new(record);
    let outputs: Vec<(&str, NodeId)> = built.outputs.iter().map(|(name, node)| (name.as_str(), *node)).collect();
    let plan = Plan::new(&built.graph, &outputs, device.caps(), &PlanOptions::default()).expect("a plan");
    let variables = Variables::new(device, &built.graph, 0).expect("variables");
    for (name, _) in &built.parameters {
        let value = array(&record["parameters"][name]);
        let values = value.values.iter().map(|&v| v as f32).collect();
        variables.write(name, &HostTensor::f32(value.shape.to_vec(), values).expect("values")).expect("a parameter");
    }
    let session = Session::new(device, plan, &variables).expect("a session");
    for ((_, words, _), name) in built.tables.iter().zip(["words", "children", "levels", "labels"]) {
        session.write_u32(name, words).expect("a table");
    }
    session.submit();
    let read = |name: &str| {
        let tensor = session.read(name).expect("an output").wait().expect("a value");
        tensor.to_array().values
    };
    built.compare(record, read, 2e-5);
}

fn records() -> Vec<Value> {
    let records: Vec<Value> = serde_json::from_str(include_str!("fixtures/trees.json")).expect("the fixtures are JSON");
    assert_eq!(records.len(), 5);
    records
}

fn array(value: &Value) -> Array {
    let numbers = |key: &str| value[key].as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number"));
    let shape: Vec<usize> = numbers("shape").map(|n| n as usize).collect();
    Array::new(shape, numbers("values").collect())
}

/// A record's network, with room to spare.
struct Built {
    graph: Graph,
    parameters: Vec<(String, NodeId)>,
    tables: Vec<(NodeId, Vec<u32>, Vec<usize>)>,
    /// `logits`, `loss`, and the gradients by the names of their parameters.
    outputs: Vec<(String, NodeId)>,
    forest: Forest,
}

impl Built {
    fn new(record: &Value) -> Self {
        let size = |key: &str| record[key].as_u64().expect("a number") as usize;
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let words = record["words"].as_array().expect("words").iter().map(text).collect();
        let vocabulary = Vocabulary::new(words);
        let trees = parse_trees(&text(&record["trees"]), Path::new("trees.json"), 5).expect("trees");
        let trees: Vec<&Tree> = trees.iter().collect();
        let cell = match record["cell"].as_str() {
            Some("nary_lstm") => Cell::NaryLstm,
            Some("child_sum_lstm") => Cell::ChildSumLstm,
            _ => Cell::Tensor,
        };
        let (arity, hidden, embedding) = (size("arity"), size("hidden"), size("embedding"));
        let net = TreeNet { cell, arity, vocabulary: vocabulary.size(), embedding, hidden, classes: 5, dropout: 0.0 };
        let room = Room { leaves: 16, inner: 12, levels: 5, arity };
        let forest = Forest::new(&trees, &vocabulary, &room, Order::Heights).expect("a forest");
        let mut graph = Graph::new();
        let tables = net.tables(&mut Net::eval(&mut graph), room.leaves, room.inner, room.levels);
        let labels = graph.input("labels", TensorType::u32([room.rows()]));
        let logits = net.build(&mut Net::eval(&mut graph), &tables).expect("a network");
        let rows = graph.cross_entropy_rows(logits, labels, 0.0, IGNORED).expect("losses");
        let loss = graph.sum(rows, &[0], false).expect("a loss");
        let nodes = Net::variables_of(&graph, PARAMETERS);
        let found = gradients(&mut graph, loss, &nodes).expect("gradients");
        let names: Vec<String> = graph.variables().iter().map(|variable| variable.name.clone()).collect();
        let mut outputs = vec![("logits".to_owned(), logits), ("loss".to_owned(), loss)];
        outputs.extend(names.iter().cloned().zip(found.into_iter().map(|g| g.expect("a gradient"))));
        let tables = vec![
            (tables.words, forest.words.clone(), vec![room.leaves]),
            (tables.children, forest.children.clone(), vec![room.inner, arity]),
            (tables.levels, forest.levels.clone(), vec![1 + room.levels, 2]),
            (labels, forest.labels.clone(), vec![room.rows()]),
        ];
        Self { graph, parameters: names.into_iter().zip(nodes).collect(), tables, outputs, forest }
    }

    fn node(&self, name: &str) -> NodeId {
        self.outputs.iter().find(|(output, _)| output == name).expect("an output").1
    }

    fn compare(&self, record: &Value, value: impl Fn(&str) -> Vec<f64>, tolerance: f64) {
        let place = format!("{} of {}", record["cell"], record["arity"]);
        let close = |name: &str, found: &[f64], expected: &[f64]| {
            assert_eq!(found.len(), expected.len(), "{place}: {name}");
            for (i, (f, e)) in found.iter().zip(expected).enumerate() {
                assert!((f - e).abs() <= tolerance * (1.0 + e.abs()), "{place}: {name}[{i}] is {f}, not {e}");
            }
        };
        let logits = value("logits");
        let of_nodes: Vec<f64> =
            self.forest.rows.iter().flatten().flat_map(|&row| logits[5 * row as usize..][..5].to_vec()).collect();
        close("logits", &of_nodes, &array(&record["logits"]).values);
        close("loss", &value("loss"), &[record["loss"].as_f64().expect("a number")]);
        for (name, _) in &self.parameters {
            close(name, &value(name), &array(&record["gradients"][name]).values);
        }
    }
}
