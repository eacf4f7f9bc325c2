//! Optimisers, clipping and schedules against PyTorch's results in `tests/fixtures/ops.json` (how they were made:
//! `tests/fixtures/README.md`). Steps are evaluated through the f64 references.

use girih::graph::{Feeds, Graph, Init, Kind, NodeId, evaluate};
use girih::optim::{Adam, OneCycle, Optimizer, RATES, Schedule, Sgd};
use girih::tensor::{Array, TensorType};
use serde_json::Value;

/// Fixtures have nine significant digits; rates travel in f32.
const TOLERANCE: f64 = 2e-7;

#[test]
fn optimizers_follow_pytorch() {
    let mut count = 0;
    for record in records(|op| ["sgd", "adam", "adamw"].contains(&op)) {
        count += 1;
        let optimizer = optimizer(&record);
        let number = |name: &str| record["attributes"][name].as_f64().expect("a number");
        let start = values(&record["inputs"]["parameter"]);
        let n = start.len();
        let mut graph = Graph::new();
        graph.variable("parameters", "p", TensorType::f32([n]), Init::Fill(0.0));
        let bank = graph.banks_named("parameters")[0];
        let gradient = graph.input("gradient", TensorType::f32([n]));
        let rates = graph.input("rates", TensorType::f32([RATES]));
        optimizer.build(&mut graph, &[(bank, gradient)], rates, None).expect("an optimiser");
        let mut feeds: Feeds = leaves(&graph).map(|id| (id, Array::zeros(graph.ty(id).shape.clone()))).collect();
        let banks: Vec<NodeId> = leaves(&graph).filter(|&id| matches!(graph.node(id).kind, Kind::Bank(_))).collect();
        feeds.insert(banks[0], Array::new([n], start));
        for (step, d) in values(&record["inputs"]["d_parameter"]).chunks(n).enumerate() {
            feeds.insert(gradient, Array::new([n], d.to_vec()));
            let host = optimizer.rates(number("lr"), step as u64).map(f64::from);
            feeds.insert(rates, Array::new([RATES], host.to_vec()));
            evaluate(&graph, &mut feeds);
            let names = ["parameter", "momentum_buffer", "exp_avg", "exp_avg_sq"];
            let outputs = names.into_iter().filter(|name| !record["outputs"][name].is_null());
            for (bank, name) in banks.iter().zip(outputs) {
                let expected = &values(&record["outputs"][name])[step * n..][..n];
                close(&feeds[bank].values, expected, &format!("{}: {name} after step {step}", title(&record)));
            }
        }
    }
    assert_eq!(count, 12);
}

#[test]
fn clipping_follows_pytorch() {
    for record in records(|op| op == "clip_grad_norm") {
        let mut graph = Graph::new();
        let mut feeds = Feeds::new();
        let inputs: Vec<(String, NodeId)> = record["inputs"]
            .as_object()
            .expect("inputs")
            .iter()
            .map(|(name, tensor)| {
                let values = values(tensor);
                let node = graph.input(name, TensorType::f32([values.len()]));
                feeds.insert(node, Array::new([values.len()], values));
                (name.clone(), node)
            })
            .collect();
        let gradients: Vec<NodeId> = inputs.iter().map(|(_, node)| *node).collect();
        let norm = graph.global_norm(&gradients).expect("a norm");
        let max_norm = record["attributes"]["max_norm"].as_f64().expect("a number") as f32;
        let factor = graph.clip_factor(&gradients, max_norm).expect("a factor");
        let clipped: Vec<NodeId> = gradients.iter().map(|&g| graph.mul(g, factor).expect("a product")).collect();
        let found = evaluate(&graph, &mut feeds);
        let expect = |name: &str, node: NodeId| {
            let what = format!("{}: {name}", title(&record));
            close(&found[node.0 as usize].values, &values(&record["outputs"][name]), &what);
        };
        expect("norm", norm);
        inputs.iter().zip(clipped).for_each(|((name, _), node)| expect(name, node));
    }
}

#[test]
fn schedules_follow_pytorch() {
    let mut count = 0;
    for record in records(|op| op.starts_with("schedule_")) {
        let attributes = &record["attributes"];
        let number = |name: &str| attributes[name].as_f64().expect("a number");
        let steps = |name: &str| attributes[name].as_u64().expect("a number of steps");
        let (base, schedule) = match text(&record, "op") {
            "schedule_step" => (number("lr"), Schedule::Step { period: steps("step_size"), factor: number("gamma") }),
            "schedule_cosine" => (number("lr"), Schedule::Cosine { steps: steps("T_max"), end: number("eta_min") }),
            "schedule_linear_warm_up" => {
                let (steps, start) = (steps("total_iters"), number("start_factor"));
                (number("lr"), Schedule::WarmUp { steps, start, then: Box::default() })
            }
            // Linear annealing and a third phase are not ours.
            _ if attributes["anneal_strategy"] == "linear" || attributes["three_phase"] == true => continue,
            _ => {
                let cycle = OneCycle {
                    steps: steps("total_steps"),
                    rise: number("pct_start"),
                    start_divisor: number("div_factor"),
                    end_divisor: number("final_div_factor"),
                };
                (number("max_lr"), Schedule::OneCycle(cycle))
            }
        };
        count += 1;
        let expected = values(&record["outputs"]["lr"]);
        let found: Vec<f64> = (0..expected.len() as u64).map(|step| schedule.rate(base, step)).collect();
        close(&found, &expected, &title(&record));
    }
    assert_eq!(count, 7);
}

fn optimizer(record: &Value) -> Optimizer {
    let attributes = &record["attributes"];
    let number = |name: &str| attributes[name].as_f64().expect("a number");
    let weight_decay = number("weight_decay") as f32;
    match text(record, "op") {
        "sgd" => {
            let nesterov = attributes["nesterov"].as_bool().expect("a flag");
            Optimizer::Sgd(Sgd { momentum: number("momentum") as f32, nesterov, weight_decay })
        }
        op => {
            let beta = |i: usize| attributes["betas"][i].as_f64().expect("a number");
            let (eps, decoupled) = (number("eps") as f32, op == "adamw");
            Optimizer::Adam(Adam { beta1: beta(0), beta2: beta(1), eps, weight_decay, decoupled })
        }
    }
}

fn leaves(graph: &Graph) -> impl Iterator<Item = NodeId> {
    graph.ids().filter(|&id| matches!(graph.node(id).kind, Kind::Input(_) | Kind::Variable(_) | Kind::Bank(_)))
}

fn close(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f - e).abs() <= TOLERANCE * (1.0 + e.abs()), "{what}: element {i}: {f} instead of {e}");
    }
}

fn records(wanted: impl Fn(&str) -> bool) -> Vec<Value> {
    let all: Vec<Value> = serde_json::from_str(include_str!("fixtures/ops.json")).expect("the fixtures are JSON");
    all.into_iter().filter(|record| wanted(text(record, "op"))).collect()
}

fn title(record: &Value) -> String {
    format!("{}/{}", text(record, "op"), text(record, "case"))
}

fn text<'a>(record: &'a Value, field: &str) -> &'a str {
    record[field].as_str().expect("a name")
}

fn values(tensor: &Value) -> Vec<f64> {
    tensor["values"].as_array().expect("values").iter().map(|v| v.as_f64().expect("a number")).collect()
}
