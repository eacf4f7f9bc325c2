//! Recurrent layers against PyTorch's results in `tests/fixtures/recurrent.json`: outputs, last states and every gradient,
//! through the f64 references and on the device.

mod support;

use std::collections::BTreeMap;

use girih::autodiff::gradients;
use girih::gpu::{Device, Profile};
use girih::graph::{Feeds, Graph, Kind, NodeId, evaluate};
use girih::nn::{Net, PARAMETERS, Recurrent, Sequence};
use girih::ops::recurrent::{Cell, States};
use girih::plan::{Plan, PlanOptions, Session, Variables};
use girih::tensor::{Array, HostTensor, TensorType};
use serde_json::Value;

#[test]
fn references_match_pytorch() {
    each_record(|record| {
        let built = Built::new(record, false);
        let mut feeds: Feeds = built.leaves.iter().map(|(name, node)| (*node, exact(&built.inputs[name]))).collect();
        if let Some((node, lengths)) = &built.lengths {
            feeds.insert(*node, Array::new([lengths.len()], lengths.iter().map(|&l| f64::from(l)).collect()));
        }
        let values = evaluate(&built.graph, &mut feeds);
        built.compare(|node| values[node.0 as usize].clone(), 1e-7)
    });
}

#[test]
fn layers_match_pytorch_on_the_device() {
    let device = support::device(Profile::Offered);
    each_record(|record| run(&device, &Built::new(record, false), 1e-5));
}

#[test]
fn layers_match_pytorch_under_webgpu_minimum_and_batch_first() {
    let device = support::device(Profile::WebgpuMinimum);
    each_record(|record| run(&device, &Built::new(record, true), 1e-5));
}

fn each_record(check: impl Fn(&Value) -> Result<f64, String>) {
    let text = include_str!("fixtures/recurrent.json");
    let records: Vec<Value> = serde_json::from_str(text).expect("the fixtures are JSON");
    let (mut failures, mut largest) = (Vec::new(), 0.0_f64);
    for record in &records {
        match check(record) {
            Ok(error) => largest = largest.max(error),
            Err(why) => failures.push(format!("{}/{}: {why}", record["op"], record["case"])),
        }
    }
    println!("largest error relative to the largest of its tensor: {largest:.1e}");
    assert!(failures.is_empty(), "{} of {} failed:\n{}", failures.len(), records.len(), failures.join("\n"));
    assert!(records.len() >= 24, "only {} records", records.len());
}

/// A record's layer with the gradients of `Σ d · output`, and what PyTorch says they are.
struct Built {
    graph: Graph,
    inputs: BTreeMap<String, Array>,
    /// Parameters, x and initial states.
    leaves: Vec<(String, NodeId)>,
    lengths: Option<(NodeId, Vec<u32>)>,
    expected: Vec<(String, NodeId, Array)>,
}

impl Built {
    fn new(record: &Value, batch_first: bool) -> Self {
        let attributes = &record["attributes"];
        let count = |name: &str| attributes[name].as_u64().expect("a count") as usize;
        let cell = match record["op"].as_str().expect("a name") {
            "rnn_tanh" => Cell::RnnTanh,
            "rnn_relu" => Cell::RnnRelu,
            "lstm" => Cell::Lstm,
            "gru" => Cell::GruResetAfter,
            other => panic!("no cell {other}"),
        };
        let layer = Recurrent::new(cell, count("hidden_size"))
            .layers(count("layers"))
            .bidirectional(attributes["bidirectional"] == true)
            .bias(attributes["bias"] == true)
            .batch_first(batch_first);
        let mut inputs: BTreeMap<String, Array> = fields(&record["inputs"]).collect();
        let turned = |x: &Array| {
            let (t, b, n) = (x.shape[0], x.shape[1], x.shape[2]);
            Array::from_fn([b, t, n], |i| x.at(&[i[1], i[0], i[2]]))
        };
        let as_laid = |x: &Array| if batch_first { turned(x) } else { x.clone() };
        let x = as_laid(&inputs["x"]);
        inputs.insert("x".into(), x);
        let mut graph = Graph::new();
        let f32_of = |inputs: &BTreeMap<String, Array>, name: &str| TensorType::f32(inputs[name].shape.clone());
        let x = graph.input("x", f32_of(&inputs, "x"));
        let h = graph.input("h_0", f32_of(&inputs, "h_0"));
        let c = inputs.contains_key("c_0").then(|| graph.input("c_0", f32_of(&inputs, "c_0")));
        let lengths = attributes["lengths"].as_array().map(|lengths| {
            let lengths: Vec<u32> = lengths.iter().map(|l| l.as_u64().expect("a length") as u32).collect();
            (graph.input("lengths", TensorType::u32([lengths.len()])), lengths)
        });
        let state = |graph: &mut Graph, all: NodeId, i: usize| {
            let one = graph.slice(all, 0, i, i + 1).expect("a state");
            let shape = graph.ty(one).shape[1..].to_vec();
            graph.reshape(one, shape).expect("a state")
        };
        let initial = (0..layer.state_count())
            .map(|i| States { h: state(&mut graph, h, i), c: c.map(|c| state(&mut graph, c, i)) })
            .collect();
        let sequence = Sequence { lengths: lengths.as_ref().map(|(node, _)| *node), initial };
        let unrolled = layer.unroll(&mut Net::eval(&mut graph), x, &sequence).expect("a layer");
        let stacked = |graph: &mut Graph, states: Vec<NodeId>| {
            let rows: Vec<NodeId> = states
                .into_iter()
                .map(|s| {
                    let mut shape = vec![1];
                    shape.extend_from_slice(&graph.ty(s).shape);
                    graph.reshape(s, shape).expect("a row")
                })
                .collect();
            if rows.len() == 1 { rows[0] } else { graph.concat(&rows, 0).expect("rows") }
        };
        let mut outputs =
            vec![("y", unrolled.output), ("h_n", stacked(&mut graph, unrolled.last.iter().map(|s| s.h).collect()))];
        if c.is_some() {
            outputs.push(("c_n", stacked(&mut graph, unrolled.last.iter().filter_map(|s| s.c).collect())));
        }
        let mut expected = Vec::new();
        let mut loss: Option<NodeId> = None;
        for &(name, node) in &outputs {
            let lay = |x: Array| if name == "y" { as_laid(&x) } else { x };
            expected.push((name.to_owned(), node, lay(array(&record["outputs"][name]))));
            let d = lay(array(&record["d_outputs"][name]));
            let d = HostTensor::f32(d.shape, d.values.iter().map(|&v| v as f32).collect()).expect("d_output");
            let d = graph.constant(d);
            let part = graph.mul(node, d).expect("a product");
            let part = graph.sum(part, &[0, 1, 2], false).expect("a sum");
            loss = Some(match loss {
                None => part,
                Some(sum) => graph.add(sum, part).expect("a sum"),
            });
        }
        let mut leaves = vec![("x".to_owned(), x), ("h_0".to_owned(), h)];
        leaves.extend(c.map(|c| ("c_0".to_owned(), c)));
        for node in Net::variables_of(&graph, PARAMETERS) {
            let Kind::Variable(id) = graph.node(node).kind else { continue };
            leaves.push((graph.variables()[id.0 as usize].name.clone(), node));
        }
        assert_eq!(leaves.len(), inputs.len(), "parameters are named as PyTorch's");
        let nodes: Vec<NodeId> = leaves.iter().map(|(_, node)| *node).collect();
        let found = gradients(&mut graph, loss.expect("an output"), &nodes).expect("gradients");
        for ((name, _), gradient) in leaves.iter().zip(found) {
            let wanted = array(&record["gradients"][name]);
            let wanted = if name == "x" { as_laid(&wanted) } else { wanted };
            expected.push((format!("the gradient of {name}"), gradient.expect("a gradient"), wanted));
        }
        Self { graph, inputs, leaves, lengths, expected }
    }

    /// The largest error, relative to the largest of its tensor.
    fn compare(&self, value: impl Fn(NodeId) -> Array, tolerance: f64) -> Result<f64, String> {
        let mut largest = 0.0_f64;
        for (name, node, expected) in &self.expected {
            let found = value(*node);
            if found.shape != expected.shape {
                return Err(format!("{name}: shape {} instead of {}", found.shape, expected.shape));
            }
            let scale = expected.values.iter().fold(1e-3, |m: f64, v| m.max(v.abs()));
            for (i, (f, e)) in found.values.iter().zip(&expected.values).enumerate() {
                let error = (f - e).abs() / scale;
                if error.is_nan() || error > tolerance {
                    return Err(format!("{name}, element {i}: {f} instead of {e}"));
                }
                largest = largest.max(error);
            }
        }
        Ok(largest)
    }
}

/// The record on the device: every output and gradient within `tolerance` of the largest of its tensor.
fn run(device: &Device, built: &Built, tolerance: f64) -> Result<f64, String> {
    let names: Vec<String> = built.expected.iter().map(|(name, ..)| name.clone()).collect();
    let outputs: Vec<(&str, NodeId)> =
        names.iter().map(String::as_str).zip(built.expected.iter().map(|e| e.1)).collect();
    let plan = Plan::new(&built.graph, &outputs, device.caps(), &PlanOptions::default()).map_err(|e| e.to_string())?;
    let variables = Variables::new(device, &built.graph, 0).map_err(|e| e.to_string())?;
    let session = Session::new(device, plan, &variables).map_err(|e| e.to_string())?;
    for (name, node) in &built.leaves {
        let array = &built.inputs[name];
        let value = HostTensor::f32(array.shape.clone(), array.values.iter().map(|&v| v as f32).collect());
        let value = value.ok_or("a value")?;
        let written = match built.graph.node(*node).kind {
            Kind::Variable(_) => variables.write(name, &value),
            _ => session.write(name, &value),
        };
        written.map_err(|e| e.to_string())?;
    }
    if let Some((_, lengths)) = &built.lengths {
        session.write_u32("lengths", lengths).map_err(|e| e.to_string())?;
    }
    session.submit();
    let mut values = BTreeMap::new();
    for (name, node) in &outputs {
        let value = session.read(name).and_then(|read| Ok(read.wait()?)).map_err(|e| e.to_string())?;
        values.insert(*node, value.to_array());
    }
    built.compare(|node| values[&node].clone(), tolerance)
}

/// As the device gets it: rounded to f32.
fn exact(array: &Array) -> Array {
    array.map(|v| f64::from(v as f32))
}

fn fields(object: &Value) -> impl Iterator<Item = (String, Array)> {
    object.as_object().expect("an object").iter().map(|(name, value)| (name.clone(), array(value)))
}

fn array(tensor: &Value) -> Array {
    let list = |field: &str| tensor[field].as_array().expect("a list").clone();
    let shape: Vec<usize> = list("shape").iter().map(|n| n.as_u64().expect("an extent") as usize).collect();
    Array::new(shape, list("values").iter().map(|v| v.as_f64().expect("a number")).collect())
}
