//! The f64 references, and the gradient graphs evaluated through them, against PyTorch's results in
//! `tests/fixtures/ops.json` (how they were made: `tests/fixtures/README.md`).

use std::collections::{BTreeMap, BTreeSet};

use girih::autodiff::gradients_from;
use girih::graph::{Feeds, Graph, GraphError, Init, NodeId, evaluate};
use girih::ops::conv2d::Conv2d;
use girih::ops::cross_entropy::IGNORED;
use girih::ops::matmul::MatMul;
use girih::ops::pool::Pool2d;
use girih::tensor::{Array, HostTensor, TensorType};
use serde_json::Value;

/// Fixtures have nine significant digits.
const TOLERANCE: f64 = 1e-7;

/// Ops of the fixtures that [`build`] does not know: each is checked elsewhere or waits for its op.
const ELSEWHERE: &[&str] = &[
    // Not there yet.
    "group_norm",
    // tests/torch_optim.rs
    "adam",
    "adamw",
    "clip_grad_norm",
    "schedule_cosine",
    "schedule_linear_warm_up",
    "schedule_one_cycle",
    "schedule_step",
    "sgd",
];

#[test]
fn references_match_pytorch() {
    let records: Vec<Value> = serde_json::from_str(include_str!("fixtures/ops.json")).expect("the fixtures are JSON");
    let (mut failures, mut unknown, mut count) = (Vec::new(), BTreeSet::new(), 0);
    for record in &records {
        let name = format!("{}/{}", text(record, "op"), text(record, "case"));
        match check(record) {
            Ok(true) => count += 1,
            Ok(false) => drop(unknown.insert(text(record, "op"))),
            Err(why) => failures.push(format!("{name}: {why}")),
        }
    }
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
    let unknown: Vec<&str> = unknown.into_iter().filter(|op| !ELSEWHERE.contains(op)).collect();
    assert!(unknown.is_empty(), "no builder for {unknown:?}");
    assert!(count > 100, "only {count} records were checked");
}

/// The op's node, or `None` for an op this file does not know.
fn build(
    op: &str,
    attributes: &Value,
    graph: &mut Graph,
    inputs: &BTreeMap<&str, NodeId>,
) -> Option<Result<NodeId, GraphError>> {
    let input = |name: &str| inputs[name];
    let number = |name: &str| attributes[name].as_f64().expect("a number") as f32;
    let flag = |name: &str| attributes[name].as_bool().expect("a flag");
    let pool = || {
        let pool = Pool2d::new(extents(&attributes["kernel"]));
        let pool = pool.stride(extents(&attributes["stride"])).padding(extents(&attributes["padding"]));
        pool.ceil_mode(flag("ceil_mode"))
    };
    Some(match op {
        "max_pool2d" => graph.max_pool2d(input("x"), &pool()),
        "min_pool2d" => graph.min_pool2d(input("x"), &pool()),
        "avg_pool2d" => graph.avg_pool2d(input("x"), &pool(), flag("count_include_pad")),
        "global_max_pool2d" => graph.global_max_pool2d(input("x")),
        "global_avg_pool2d" => graph.global_avg_pool2d(input("x")),
        "conv2d" => {
            let conv = Conv2d {
                stride: extents(&attributes["stride"]),
                padding: extents(&attributes["padding"]),
                dilation: extents(&attributes["dilation"]),
                groups: attributes["groups"].as_u64().expect("a count") as usize,
            };
            graph.conv2d(input("x"), input("weight"), inputs.get("bias").copied(), &conv)
        }
        "linear" => graph.linear(input("x"), input("weight"), inputs.get("bias").copied()),
        "matmul" => {
            let op = MatMul { transpose_a: flag("transpose_a"), transpose_b: flag("transpose_b") };
            graph.matmul_with(input("a"), input("b"), op)
        }
        "relu" => graph.relu(input("x")),
        "leaky_relu" => {
            let slope = graph.scalar(number("negative_slope"));
            graph.leaky_relu(input("x"), slope)
        }
        "elu" => {
            let alpha = graph.scalar(number("alpha"));
            graph.elu(input("x"), alpha)
        }
        "gelu" if attributes["approximate"] == "tanh" => graph.gelu_tanh(input("x")),
        "gelu" => graph.gelu(input("x")),
        "silu" => graph.silu(input("x")),
        "sigmoid" => graph.sigmoid(input("x")),
        "tanh" => graph.tanh(input("x")),
        "exp" => graph.exp(input("x")),
        "log" => graph.log(input("x")),
        "sqrt" => graph.sqrt(input("x")),
        "rsqrt" => graph.rsqrt(input("x")),
        "reciprocal" => graph.reciprocal(input("x")),
        "softplus" => {
            let beta = graph.scalar(number("beta"));
            let scaled = graph.mul(input("x"), beta);
            let soft = scaled.and_then(|x| graph.softplus(x));
            soft.and_then(|y| graph.div(y, beta))
        }
        "add" => graph.add(input("a"), input("b")),
        "sub" => graph.sub(input("a"), input("b")),
        "mul" => graph.mul(input("a"), input("b")),
        "div" => graph.div(input("a"), input("b")),
        "maximum" => graph.maximum(input("a"), input("b")),
        "minimum" => graph.minimum(input("a"), input("b")),
        "softmax" => graph.softmax(input("x"), extent(&attributes["axis"])),
        "log_softmax" => graph.log_softmax(input("x"), extent(&attributes["axis"])),
        "sum" => graph.sum(input("x"), &axes(attributes), flag("keepdim")),
        "mean" => graph.mean(input("x"), &axes(attributes), flag("keepdim")),
        "amax" => graph.max(input("x"), &axes(attributes), flag("keepdim")),
        "amin" => graph.min(input("x"), &axes(attributes), flag("keepdim")),
        "argmax" => graph.arg_max(input("x"), extent(&attributes["axis"])),
        "argmin" => {
            let opposite = graph.neg(input("x"));
            opposite.and_then(|x| graph.arg_max(x, extent(&attributes["axis"])))
        }
        "batch_norm" => {
            let [x, weight, bias] = ["x", "weight", "bias"].map(input);
            let running = ["running_mean", "running_var"].map(input);
            if flag("training") {
                graph.batch_norm_train(x, weight, bias, running, number("momentum"), number("eps"))
            } else {
                graph.batch_norm_eval(x, weight, bias, running, number("eps"))
            }
        }
        "layer_norm" => graph.layer_norm(input("x"), input("weight"), input("bias"), number("eps")),
        "cross_entropy" => cross_entropy(attributes, graph, inputs["logits"], inputs["target"]),
        "mse" => mse(attributes, graph, inputs["x"], inputs["target"]),
        "bce_with_logits" => bce_with_logits(attributes, graph, inputs["logits"], inputs["target"]),
        _ => return None,
    })
}

fn cross_entropy(
    attributes: &Value,
    graph: &mut Graph,
    mut logits: NodeId,
    mut target: NodeId,
) -> Result<NodeId, GraphError> {
    let shape = graph.ty(logits).shape.clone();
    if shape.rank() > 2 {
        // Our classes are on the last axis.
        let order: Vec<usize> = std::iter::once(0).chain(2..shape.rank()).chain([1]).collect();
        logits = graph.transpose(logits, &order)?;
        logits = graph.reshape(logits, [shape.count() / shape[1], shape[1]])?;
        target = graph.reshape(target, [shape.count() / shape[1]])?;
    }
    let smoothing = attributes["label_smoothing"].as_f64().expect("a number") as f32;
    let ignored = attributes["ignore_index"].as_i64().map_or(IGNORED, |i| i as u32);
    let reduction = text(attributes, "reduction");
    if ignored == IGNORED && reduction == "mean" {
        return graph.cross_entropy(logits, target, smoothing);
    }
    let rows = graph.cross_entropy_rows(logits, target, smoothing, ignored)?;
    if reduction == "none" {
        return Ok(rows);
    }
    let sum = graph.sum(rows, &[0], false)?;
    if reduction == "sum" {
        return Ok(sum);
    }
    let count = graph.count_labels(target, ignored)?;
    graph.div(sum, count)
}

fn mse(attributes: &Value, graph: &mut Graph, x: NodeId, target: NodeId) -> Result<NodeId, GraphError> {
    if attributes["reduction"] == "mean" {
        return graph.mse(x, target);
    }
    let difference = graph.sub(x, target)?;
    if attributes["reduction"] == "none" {
        return graph.square(difference);
    }
    let axes: Vec<usize> = (0..graph.ty(x).shape.rank()).collect();
    graph.sum_squares(difference, &axes, false)
}

fn bce_with_logits(attributes: &Value, graph: &mut Graph, x: NodeId, target: NodeId) -> Result<NodeId, GraphError> {
    if attributes["reduction"] == "mean" {
        return graph.bce_with_logits(x, target);
    }
    let each = graph.bce_with_logits_elements(x, target)?;
    if attributes["reduction"] == "none" {
        return Ok(each);
    }
    let axes: Vec<usize> = (0..graph.ty(x).shape.rank()).collect();
    graph.sum(each, &axes, false)
}

/// Whether the record's op is known; an error when its numbers differ.
fn check(record: &Value) -> Result<bool, String> {
    let mut graph = Graph::new();
    let mut feeds = Feeds::new();
    let mut inputs = BTreeMap::new();
    for (name, value) in fields(&record["inputs"]) {
        let integers = value["dtype"] == "i32";
        // Inputs are exact in f32; the nine digits they are written with are not always.
        let array = if integers { array(value) } else { array(value).map(|v| f64::from(v as f32)) };
        let dtype = if integers { TensorType::u32 } else { TensorType::f32 };
        let ty = dtype(array.shape.clone());
        // What training changes must be a variable.
        let node = match name.starts_with("running_") {
            true => graph.variable("statistics", name, ty, Init::Fill(0.0)),
            false => graph.input(name, ty),
        };
        feeds.insert(node, array);
        inputs.insert(name, node);
    }
    let Some(output) = build(text(record, "op"), &record["attributes"], &mut graph, &inputs) else { return Ok(false) };
    let output = output.map_err(|e| e.to_string())?;
    let mut expected = vec![("y", output, array(&record["outputs"]["y"]))];
    let wanted: Vec<(&str, NodeId)> = fields(&record["gradients"]).map(|(name, _)| (name, inputs[name])).collect();
    if !wanted.is_empty() {
        let d_output = array(&record["d_outputs"]["y"]);
        let values = d_output.values.iter().map(|&v| v as f32).collect();
        let d_output = graph.constant(HostTensor::f32(d_output.shape, values).ok_or("d_output")?);
        let nodes: Vec<NodeId> = wanted.iter().map(|(_, node)| *node).collect();
        let gradients = gradients_from(&mut graph, output, d_output, &nodes).map_err(|e| e.to_string())?;
        for ((name, _), gradient) in wanted.into_iter().zip(gradients) {
            expected.push((name, gradient.ok_or("no gradient")?, array(&record["gradients"][name])));
        }
    }
    let values = evaluate(&graph, &mut feeds);
    for (name, node, expected) in expected {
        compare(&values[node.0 as usize], &expected).map_err(|why| format!("{name}: {why}"))?;
    }
    // Of an output named as an input, what an effect made of it.
    for (name, expected) in fields(&record["outputs"]) {
        if let Some(node) = inputs.get(name) {
            compare(&feeds[node], &array(expected)).map_err(|why| format!("{name} after the effects: {why}"))?;
        }
    }
    Ok(true)
}

fn compare(found: &Array, expected: &Array) -> Result<(), String> {
    if found.shape != expected.shape {
        return Err(format!("shape {} instead of {}", found.shape, expected.shape));
    }
    let right = |f: f64, e: f64| (f - e).abs() <= TOLERANCE * (1.0 + e.abs());
    match found.values.iter().zip(&expected.values).position(|(&f, &e)| !right(f, e)) {
        None => Ok(()),
        Some(i) => Err(format!("element {i}: {} instead of {}", found.values[i], expected.values[i])),
    }
}

fn text<'a>(record: &'a Value, field: &str) -> &'a str {
    record[field].as_str().expect("a name")
}

fn fields(object: &Value) -> impl Iterator<Item = (&str, &Value)> {
    object.as_object().expect("an object").iter().map(|(name, value)| (name.as_str(), value))
}

fn extents<const N: usize>(list: &Value) -> [usize; N] {
    std::array::from_fn(|i| list[i].as_u64().expect("an extent") as usize)
}

fn array(tensor: &Value) -> Array {
    let list = |field: &str| tensor[field].as_array().expect("a list").clone();
    let shape: Vec<usize> = list("shape").iter().map(|n| n.as_u64().expect("an extent") as usize).collect();
    // PyTorch's labels are signed, ours are not.
    let number = |v: &Value| match v.as_i64() {
        Some(label) if tensor["dtype"] == "i32" => f64::from(label as u32),
        _ => v.as_f64().expect("a number"),
    };
    Array::new(shape, list("values").iter().map(number).collect())
}

fn extent(number: &Value) -> usize {
    number.as_u64().expect("an extent") as usize
}

fn axes(attributes: &Value) -> Vec<usize> {
    attributes["axes"].as_array().expect("axes").iter().map(extent).collect()
}
