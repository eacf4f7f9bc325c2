//! `girih inspect`: a model's layers and the plan that runs it.

use std::path::{Path, PathBuf};

use anyhow::Result;
use girih::Error;
use girih::data::ChannelStats;
use girih::gpu::Caps;
use girih::graph::{Graph, NodeId, dot};
use girih::nn::{Layer as _, Net, PARAMETERS, summary};
use girih::plan::{self, PlanError, PlanOptions};
use girih::tensor::TensorType;
use girih::train::{Hyperparameters, ImageModel, Images, largest_batch, scoring_graph, training_graph};
use serde::Serialize;

use crate::args::{self, Global, Train};
use crate::config::Config;
use crate::engine::{self, failed};
use crate::error::told;
use crate::output::Output;
use crate::table::{Align, Table, bytes, count};
use crate::trained::Trained;
use crate::tuning;

/// Runs `girih inspect`. Without an adapter, plans are for WebGPU's default limits.
///
/// # Errors
/// There is no such model or run, or the batch is too large for the adapter.
pub fn run(flags: &args::Inspect, global: &Global, output: Output) -> Result<()> {
    let Subject { model, config, run } = Subject::of(&flags.subject, flags.input, flags.classes)?;
    if flags.dot {
        return show_dot(&dot(&forward(&model, 1)?.0), output);
    }
    let (caps, tuned) = caps(flags, run.as_deref(), global, output)?;
    let batch = flags.batch as usize;
    let hyper = Hyperparameters { batch, ..engine::hyperparameters(&config, model.shape[2]) };
    let training = training_graph(&model, Images::Packed, &hyper).map_err(told)?;
    let training_plan = |options: &PlanOptions| {
        let outputs = [("loss", training.loss), ("logits", training.logits)];
        plan::Plan::new(&training.graph, &outputs, &caps, options).map_err(|error| match error {
            source @ PlanError::TooLarge { .. } => {
                failed(Error::Batch { asked: batch, largest: largest_batch(&model, &hyper, &caps), source })
            }
            other => failed(other.into()),
        })
    };
    if flags.recording {
        let plan = training_plan(&tuned)?;
        tuning::warn(&plan);
        return show_recording(&plan, output);
    }
    let (scoring, scores) = scoring_graph(&model, batch).map_err(told)?;
    let mut plans = Vec::new();
    for fused in [true, false] {
        let options = PlanOptions { fuse: fused, reuse: fused, ..tuned.clone() };
        // Training needs more: where the batch is too large, its error says which would do for both.
        let training = training_plan(&options)?;
        let forward = plan::Plan::new(&scoring, &[("scores", scores)], &caps, &options).map_err(told)?;
        plans.push(Plan::new("forward", flags.batch, fused, &forward));
        plans.push(Plan::new("training", flags.batch, fused, &training));
    }
    plans.sort_by_key(|plan| plan.pass.clone());
    show_layers(&layers(&model)?, output)?;
    show_plans(&plans, output)
}

/// What is looked into: a model and the settings of its training.
pub(super) struct Subject {
    pub model: ImageModel,
    pub config: Config,
    /// The run folder, unless a model was named.
    pub run: Option<PathBuf>,
}

impl Subject {
    /// The model or run called `name`, with another input shape or number of classes where asked for.
    pub fn of(name: &str, input: Option<[u32; 3]>, classes: Option<u32>) -> Result<Self> {
        let named = girih::nn::models::Model::named(name);
        let run = named.is_none().then(|| PathBuf::from(name));
        let (model, config, own_shape, own_classes) = match named {
            Some(model) => (model, Config::new(&Train::default(), String::new()), [3, 32, 32], 10),
            None => {
                let path = Path::new(name);
                if !path.exists() {
                    let known = girih::nn::models::Model::ALL.map(girih::nn::models::Model::name).join(", ");
                    return crate::error::usage(format!("{name} is neither a run folder nor one of {known}"));
                }
                let trained = Trained::open(path)?;
                let images = trained.images()?;
                (images.model, trained.config.clone(), images.shape, images.classes.len())
            }
        };
        let shape = input.map_or(own_shape, |shape| shape.map(|extent| extent as usize));
        let classes = classes.map_or(own_classes, |classes| classes as usize);
        // What images are normalised with changes no plan.
        let stats = ChannelStats { mean: vec![0.0; shape[0]], std: vec![1.0; shape[0]] };
        Ok(Self { model: ImageModel { layers: model.layers(classes), shape, classes, stats }, config, run })
    }
}

/// What the chosen adapter offers, and how strategies are chosen on it. It is opened only where a profile asks for its
/// name.
fn caps(flags: &args::Inspect, run: Option<&Path>, global: &Global, output: Output) -> Result<(Caps, PlanOptions)> {
    if let Some(report) = engine::adapters(global)?.into_iter().find(|report| report.chosen.is_some()) {
        let options = match tuning::file(&flags.tuning, run) {
            Some(file) => tuning::by(&file, &engine::open(global)?),
            None => PlanOptions::default(),
        };
        return Ok((report.caps, options));
    }
    output.remark("There is no adapter; these are the plans for WebGPU's default limits.\n")?;
    Ok((Caps::webgpu_minimum(), PlanOptions::default()))
}

/// The network alone, for evaluation, and its logits.
fn forward(model: &ImageModel, batch: usize) -> Result<(Graph, NodeId)> {
    let mut graph = Graph::new();
    let [c, h, w] = model.shape;
    let x = graph.input("images", TensorType::f32([batch, c, h, w]));
    let logits = model.layers.build(&mut Net::eval(&mut graph), x).map_err(told)?;
    Ok((graph, logits))
}

fn layers(model: &ImageModel) -> Result<Vec<Layer>> {
    let (graph, logits) = forward(model, 1)?;
    let parameters = Net::variables_of(&graph, PARAMETERS);
    let layers = summary(&graph, logits).layers.into_iter().map(|row| {
        // Running statistics are no parameters: no optimiser changes them.
        let own = parameters.iter().map(|&id| graph.node(id)).filter(|node| node.path == row.path);
        let mut kinds = row.ops;
        kinds.dedup();
        Layer {
            kind: kinds.join(", "),
            output: row.output.shape.iter().skip(1).copied().collect(),
            parameters: own.map(|node| node.ty.count() as u64).sum(),
            flops: row.flops,
            path: row.path,
        }
    });
    Ok(layers.collect())
}

/// One layer: a JSON line of `girih inspect`.
#[derive(Serialize, Clone, Debug)]
#[serde(tag = "event", rename = "layer")]
pub struct Layer {
    /// Its path in the model, such as `layer1.conv`.
    pub path: String,
    /// Its operations, such as `conv2d, add`.
    pub kind: String,
    /// The shape of its output for one image.
    pub output: Vec<usize>,
    /// Trained numbers in it.
    pub parameters: u64,
    /// Floating-point operations for one image, a multiply-add counted as two.
    pub flops: u64,
}

/// One plan: a JSON line of `girih inspect`.
#[derive(Serialize, Clone, Debug)]
#[serde(tag = "event", rename = "plan")]
pub struct Plan {
    /// `forward` or `training`.
    pub pass: String,
    /// Images a step.
    pub batch: u32,
    /// Whether operations are fused and buffers reused.
    pub fused: bool,
    /// Dispatches a step.
    pub dispatches: u64,
    /// Buffers on the device.
    pub buffers: u64,
    /// Bytes on the device at the most.
    pub peak_bytes: u64,
    /// Bytes a step reads and writes, as [`girih::gpu::Recording::moved_bytes`] counts them.
    pub moved_bytes: u64,
}

impl Plan {
    fn new(pass: &str, batch: u32, fused: bool, plan: &plan::Plan) -> Self {
        let recording = &plan.recording;
        Self {
            pass: pass.to_owned(),
            batch,
            fused,
            dispatches: recording.dispatches.len() as u64,
            buffers: recording.buffers.len() as u64,
            peak_bytes: recording.peak_bytes(),
            moved_bytes: recording.moved_bytes(),
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "event", rename = "dot")]
struct Dot<'a> {
    dot: &'a str,
}

fn show_dot(dot: &str, output: Output) -> Result<()> {
    output.json(&Dot { dot })?;
    output.text(dot.trim_end())
}

#[derive(Serialize)]
#[serde(tag = "event", rename = "command")]
struct Command<'a> {
    index: usize,
    text: &'a str,
}

fn show_recording(plan: &plan::Plan, output: Output) -> Result<()> {
    for (index, text) in plan.recording.to_string().lines().enumerate() {
        output.json(&Command { index, text })?;
        output.text(text)?;
    }
    Ok(())
}

/// Shows the layer table.
///
/// # Errors
/// Standard output cannot be written.
pub fn show_layers(layers: &[Layer], output: Output) -> Result<()> {
    let mut table = Table::new(&[
        ("layer", Align::Left),
        ("", Align::Left),
        ("output", Align::Left),
        ("parameters", Align::Right),
        ("MFLOP", Align::Right),
    ]);
    let mflop = |flops: u64| format!("{:.2}", flops as f64 / 1e6);
    for layer in layers {
        output.json(layer)?;
        let shape: Vec<String> = layer.output.iter().map(ToString::to_string).collect();
        table.row([
            layer.path.clone(),
            layer.kind.clone(),
            shape.join("×"),
            count(layer.parameters),
            mflop(layer.flops),
        ]);
    }
    table.row([
        "total".into(),
        String::new(),
        String::new(),
        count(layers.iter().map(|layer| layer.parameters).sum()),
        mflop(layers.iter().map(|layer| layer.flops).sum()),
    ]);
    output.text(table.render(output.width()))
}

/// Shows the plans, with and without fusion and reuse.
///
/// # Errors
/// Standard output cannot be written.
pub fn show_plans(plans: &[Plan], output: Output) -> Result<()> {
    let mut table = Table::new(&[
        ("plan", Align::Left),
        ("batch", Align::Right),
        ("dispatches", Align::Right),
        ("buffers", Align::Right),
        ("peak", Align::Right),
        ("moved", Align::Right),
    ]);
    for plan in plans {
        output.json(plan)?;
        let note = if plan.fused { "" } else { ", unfused" };
        table.row([
            format!("{}{note}", plan.pass),
            plan.batch.to_string(),
            count(plan.dispatches),
            count(plan.buffers),
            bytes(plan.peak_bytes),
            bytes(plan.moved_bytes),
        ]);
    }
    output.text("")?;
    output.text(table.render(output.width()))
}
