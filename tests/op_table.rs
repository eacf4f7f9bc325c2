//! The op table: every op × case × strategy against its f64 reference, with guards around every binding, under what the
//! adapter offers, under WebGPU's minimum, and as if it were a GPU; and every gradient against finite differences of the
//! reference.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use girih::autodiff::gradients_from;
use girih::gpu::{AdapterKind, Caps, Device, Guarded, Profile};
use girih::graph::{Feeds, Graph, Init, Kind, Lowering, NodeId, OpTypes, evaluate};
use girih::kernel::Strategy;
use girih::ops::{Case, OPS};
use girih::plan::{Plan, PlanOptions, Tuning};
use girih::tensor::random::Random;
use girih::tensor::{Array, DType, HostTensor, TensorType};

#[test]
fn kernels_match_the_reference_with_all_the_adapter_offers() {
    let device = support::device(Profile::Offered);
    run_table(&device, device.caps(), None);
}

#[test]
fn kernels_match_the_reference_under_webgpu_minimum() {
    let device = support::device(Profile::WebgpuMinimum);
    run_table(&device, device.caps(), None);
}

/// Software adapters run the kernels that GPUs get as well, if not as fast: what differs from their own is held against the
/// reference on any machine.
#[test]
fn kernels_of_gpus_match_the_reference() {
    let device = support::device(Profile::Offered);
    if device.caps().is_software() {
        let caps = Caps { kind: AdapterKind::Discrete, slow_storage: false, ..device.caps().clone() };
        run_table(&device, &caps, Some(device.caps()));
    }
}

/// Runs all strategies under `caps`, but for those that are the same under `known`.
fn run_table(device: &Device, caps: &Caps, known: Option<&Caps>) {
    let (mut failures, mut count) = (Vec::new(), 0);
    for_each_case(|entry, case| {
        // Mesa 22.3 ends loops that GPUs do not.
        if known.is_some() && case.name.ends_with("many turns") {
            return;
        }
        let known = known.map(|caps| lowered(case, caps)).unwrap_or_default();
        let all = lowered(case, caps);
        let skipped: BTreeSet<_> = all.iter().filter(|s| known.contains(s)).map(|s| s.name).collect();
        for strategy in strategies(case, caps) {
            if strategy.is_some_and(|name| skipped.contains(name)) {
                continue;
            }
            count += 1;
            if let Err(why) = run_case(device, caps, case, strategy) {
                failures.push(format!("{entry} / {} / {strategy:?}: {why}", case.name));
            }
        }
    });
    assert!(failures.is_empty(), "{} of {count} failed:\n{}", failures.len(), failures.join("\n"));
    assert!(count > 0 || std::env::var_os("GIRIH_OP").is_some(), "no row ran");
}

fn for_each_case(mut run: impl FnMut(&str, &Case)) {
    // GIRIH_OP=conv2d narrows the table while a kernel is being written.
    let only = std::env::var("GIRIH_OP").ok();
    for entry in OPS {
        let cases = (entry.cases)();
        assert!(!cases.is_empty(), "op {} has no cases", entry.name);
        if only.as_deref().is_none_or(|name| name == entry.name) {
            cases.iter().for_each(|case| run(entry.name, case));
        }
    }
}

/// The names of the strategies a case has under `caps`; one `None` for a view, which has no kernels; none of what ends in
/// f16 where there are no cooperative matrices, as the planner fuses no such end there.
fn strategies(case: &Case, caps: &Caps) -> Vec<Option<&'static str>> {
    let (types, output) = types(case);
    let names: Vec<_> = lowered(case, caps).iter().map(|s| Some(s.name)).collect();
    let view = case.op.view(&OpTypes { inputs: &types, output: &output }).is_some();
    if names.is_empty() && (view || output.dtype != DType::F16) { vec![None] } else { names }
}

/// The strategies themselves.
fn lowered(case: &Case, caps: &Caps) -> Vec<Strategy> {
    let (types, output) = types(case);
    case.op.lower(&Lowering { inputs: &types, output: &output, caps, epilogue: None })
}

/// The types of a case's inputs and output.
fn types(case: &Case) -> (Vec<TensorType>, TensorType) {
    let types: Vec<TensorType> = case.inputs.iter().map(|i| i.ty.clone()).collect();
    let output = case.op.infer(&types).unwrap_or_else(|e| panic!("{}: {}", case.name, e.0));
    (types, output)
}

/// The case as a graph of one op. Inputs that the op changes are variables, each in a bank of its own.
fn graph_of(case: &Case) -> (Graph, Vec<NodeId>, NodeId) {
    let mut graph = Graph::new();
    let inputs: Vec<NodeId> = (0..)
        .zip(&case.inputs)
        .map(|(i, input)| {
            let name = format!("input{i}");
            if case.op.mutates().contains(&i) {
                graph.variable(&name, &name, input.ty.clone(), Init::Fill(0.0))
            } else {
                graph.input(&name, input.ty.clone())
            }
        })
        .collect();
    let output = graph.apply_shared(Arc::clone(&case.op), &inputs).unwrap_or_else(|e| panic!("{}: {e}", case.name));
    (graph, inputs, output)
}

fn run_case(device: &Device, caps: &Caps, case: &Case, strategy: Option<&str>) -> Result<(), String> {
    let (graph, nodes, output) = graph_of(case);
    let values = support::inputs(case);
    let named = strategy.map(|s| (case.op.name().to_owned(), s.to_owned())).into_iter().collect::<BTreeMap<_, _>>();
    let options = PlanOptions { fuse: false, tuning: Tuning::Named(named), ..PlanOptions::default() };
    let effect = graph.node(output).is_effect();
    let outputs: &[(&str, NodeId)] = if effect { &[] } else { &[("output", output)] };
    let plan = Plan::new(&graph, outputs, caps, &options).map_err(|e| e.to_string())?;
    if let Some(wanted) = strategy
        && plan.strategies.iter().any(|&taken| taken != wanted)
    {
        return Err(format!("the plan took {:?}", plan.strategies));
    }
    girih::gpu::check::check(&plan.recording, caps).map_err(|faults| faults.join("; "))?;
    let guarded = Guarded::new(device, &plan.recording).map_err(|e| e.to_string())?;
    for (i, value) in values.iter().enumerate() {
        let name = format!("input{i}");
        let buffer = match plan.inputs.get(&name) {
            Some(port) => guarded.buffer(port.buffer),
            None => guarded.bank(&name).ok_or("a variable without a bank")?,
        };
        device.queue().write_buffer(buffer, 0, value.bytes());
    }
    // Guards first: a stray write explains a wrong value.
    guarded.run_blocking().map_err(|e| e.to_string())?.map_err(|stray| stray.to_string())?;
    let read = |buffer: &wgpu::Buffer, offset: u64, bytes: u64| {
        device.read(buffer, offset, bytes).and_then(|r| r.wait()).map_err(|e| e.to_string())
    };
    let arrays: Vec<Array> = values.iter().map(HostTensor::to_array).collect();
    if effect {
        let mut expected = arrays.clone();
        case.op.mutate(&mut expected);
        for &i in case.op.mutates() {
            let ty = graph.ty(nodes[i]).clone();
            let bank = guarded.bank(&format!("input{i}")).ok_or("a variable without a bank")?;
            let found = read(bank, 0, ty.bytes())?;
            compare(&expected[i], &ty, &found, case.tolerance, case.defined).map_err(|e| format!("input {i}: {e}"))?;
        }
        return Ok(());
    }
    let references: Vec<&Array> = arrays.iter().collect();
    let expected = case.op.reference(&references);
    let port = &plan.outputs["output"];
    let found = read(guarded.buffer(port.buffer), port.offset, port.ty.bytes())?;
    compare(&expected, &port.ty, &found, case.tolerance, case.defined)
}

fn compare(expected: &Array, ty: &TensorType, found: &[u8], tolerance: f64, defined: usize) -> Result<(), String> {
    if expected.shape != ty.shape {
        return Err(format!("the reference has shape {}, the op infers {}", expected.shape, ty.shape));
    }
    let found = HostTensor::from_bytes(ty, found).ok_or("short read")?.to_array();
    let mut wrong = 0;
    let mut first = None;
    for (i, (&e, &f)) in expected.values.iter().zip(&found.values).enumerate().take(defined) {
        // Written so that NaN is wrong.
        let right = e == f || ty.dtype != DType::U32 && (e - f).abs() <= tolerance * (1.0 + e.abs());
        if !right {
            wrong += 1;
            first.get_or_insert((i, e, f));
        }
    }
    match first {
        None => Ok(()),
        Some((i, e, f)) => Err(format!("{wrong} of {} wrong, first at {i}: {f} instead of {e}", expected.values.len())),
    }
}

#[test]
fn gradients_match_finite_differences() {
    let mut failures = Vec::new();
    for_each_case(|entry, case| {
        if case.gradient
            && let Err(why) = check_gradient(case)
        {
            failures.push(format!("{entry} / {}: {why}", case.name));
        }
    });
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
}

/// Compares d(Σ w·y)/dx, for random w, with central differences at a sample of each input's elements.
fn check_gradient(case: &Case) -> Result<(), String> {
    const STEP: f64 = 1e-5;
    let (mut graph, inputs, output) = graph_of(case);
    let ty = graph.ty(output).clone();
    let mut random = Random::new(2, 0, 0);
    let weights: Vec<f32> = (0..ty.count()).map(|_| 2.0 * random.uniform() - 1.0).collect();
    let weight = HostTensor::f32(ty.shape.clone(), weights.clone()).ok_or("weights")?;
    let d_output = graph.constant(weight);
    let floats: Vec<usize> = (0..inputs.len()).filter(|&i| case.inputs[i].ty.dtype == DType::F32).collect();
    let with_respect_to: Vec<NodeId> = floats.iter().map(|&i| inputs[i]).collect();
    let gradients = gradients_from(&mut graph, output, d_output, &with_respect_to).map_err(|e| e.to_string())?;
    if gradients.iter().all(Option::is_none) {
        return Err("no input has a gradient".into());
    }
    let arrays: Vec<Array> = support::inputs(case).iter().map(HostTensor::to_array).collect();
    let mut feeds: Feeds = inputs.iter().copied().zip(arrays.iter().cloned()).collect();
    let values = evaluate(&graph, &mut feeds);
    let loss = |arrays: &[Array]| -> f64 {
        let y = case.op.reference(&arrays.iter().collect::<Vec<_>>());
        y.values.iter().zip(&weights).map(|(y, &w)| y * f64::from(w)).sum()
    };
    for (&i, gradient) in floats.iter().zip(gradients) {
        let Some(gradient) = gradient else { continue };
        let found = &values[gradient.0 as usize];
        if found.shape != case.inputs[i].ty.shape {
            return Err(format!("input {i}: a gradient of shape {}", found.shape));
        }
        let count = found.values.len();
        for sample in 0..count.min(24) {
            let element = if count <= 24 { sample } else { random.below(count as u32) as usize };
            let mut moved = arrays.clone();
            moved[i].values[element] += STEP;
            let above = loss(&moved);
            moved[i].values[element] -= 2.0 * STEP;
            let difference = (above - loss(&moved)) / (2.0 * STEP);
            let error = (difference - found.values[element]).abs();
            if error.is_nan() || error > 1e-4 * (1.0 + difference.abs()) {
                return Err(format!("input {i}, element {element}: {} instead of {difference}", found.values[element]));
            }
        }
    }
    Ok(())
}

#[test]
fn every_shader_is_used() {
    let mut used = BTreeSet::new();
    let software = Caps { kind: AdapterKind::Software, ..Caps::webgpu_minimum() };
    let software_subgroups = Caps { subgroup: Some((8, 8)), slow_storage: true, ..software.clone() };
    let subgroups = Caps { subgroup: Some((32, 32)), immediate_bytes: 128, ..Caps::webgpu_minimum() };
    let all = Caps { f16: true, cooperative: Some(16), ..subgroups.clone() };
    for entry in OPS {
        for case in (entry.cases)() {
            for caps in [&Caps::webgpu_minimum(), &software, &software_subgroups, &subgroups, &all] {
                let calls = lowered(&case, caps).into_iter().flat_map(|s| s.calls);
                used.extend(calls.map(|c| c.kernel.name().to_owned()));
            }
        }
    }
    used.extend(girih::bench::kernels(&all).iter().map(|kernel| kernel.name().to_owned()));
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/shaders");
    for file in std::fs::read_dir(folder).expect("the shaders folder") {
        let path = file.expect("a folder entry").path();
        if path.extension().is_some_and(|e| e == "wgsl") {
            let name = path.file_stem().and_then(|s| s.to_str()).expect("a name").to_owned();
            assert!(used.contains(&name), "no case of any op and no bench uses shaders/{name}.wgsl");
        }
    }
}

#[test]
fn op_names_are_unique_and_leaves_have_none() {
    let mut names: Vec<_> = OPS.iter().map(|e| e.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    let mut graph = Graph::new();
    let x = graph.input("x", TensorType::f32([1]));
    assert!(matches!(graph.node(x).kind, Kind::Input(_)));
}
