//! Images per second of a model's training step and of its inference, and where the time goes.
//!
//! `cargo run --release --example throughput -- [MODEL] [--profile]`: medians over several rounds, interleaved.

use std::collections::BTreeMap;
use std::time::Instant;

use girih::data::ChannelStats;
use girih::gpu::Device;
use girih::nn::models::Model;
use girih::plan::{PlanOptions, Session};
use girih::train::{Hyperparameters, ImageModel, Images, Learner, Scorer};

const ROUNDS: usize = 7;

fn main() -> Result<(), girih::Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let model = arguments.iter().find_map(|name| Model::named(name)).unwrap_or(Model::Cnn);
    let profile = arguments.iter().any(|a| a == "--profile");
    let device = Device::open_blocking(&Default::default())?;
    println!("{} on {} ({})", model.name(), device.name(), device.driver());
    let stats = ChannelStats { mean: vec![0.5; 3], std: vec![0.25; 3] };
    let described = ImageModel { layers: model.layers(10), shape: [3, 32, 32], classes: 10, stats };

    let hyper = Hyperparameters { batch: 64, ..Default::default() };
    let options = PlanOptions::default();
    let mut learner = Learner::new(&device, &described, Images::Tensors, &hyper, 0, &options)?;
    let images: Vec<f32> = (0..64 * 3072).map(|i| ((i * 37 % 101) as f32 - 50.0) / 50.0).collect();
    learner.session().write_f32("images", &images)?;
    learner.session().write_u32("labels", &(0..64).map(|i| i % 10).collect::<Vec<_>>())?;
    let mut steps = Vec::new();
    let first = Instant::now();
    learner.step(0.01)?;
    device.wait()?;
    println!("first training step: {:.0} ms", first.elapsed().as_secs_f64() * 1e3);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..3 {
            learner.step(0.01)?;
            learner.settle_blocking()?;
        }
        device.wait()?;
        steps.push(start.elapsed().as_secs_f64() / 3.0);
    }
    report("train", 64, &mut steps);
    let count = learner.session().playback().dispatch_count();
    let mut recordings: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let mut encoder = device.encoder("recording");
            let start = Instant::now();
            learner.session().encode(&mut encoder);
            drop(encoder.finish());
            start.elapsed().as_secs_f64() / count as f64
        })
        .collect();
    recordings.sort_by(f64::total_cmp);
    println!("recording: {count} dispatches, {:.2} us each on the host", recordings[ROUNDS / 2] * 1e6);
    if profile {
        breakdown(&device, learner.session())?;
    }
    for batch in [1, 64, 256] {
        let scorer = Scorer::new(&device, &described, batch, &options)?;
        let input: Vec<f32> = images.iter().copied().cycle().take(batch * 3072).collect();
        scorer.session().write_f32("images", &input)?;
        let mut passes = Vec::new();
        let repeats = (64 / batch).max(1);
        for round in 0..=ROUNDS {
            let start = Instant::now();
            for _ in 0..repeats {
                scorer.score()?.wait()?;
            }
            if round > 0 {
                passes.push(start.elapsed().as_secs_f64() / repeats as f64);
            }
        }
        report("infer", batch, &mut passes);
        if profile {
            breakdown(&device, scorer.session())?;
        }
    }
    Ok(())
}

fn report(mode: &str, batch: usize, seconds: &mut [f64]) {
    seconds.sort_by(f64::total_cmp);
    let median = seconds[seconds.len() / 2];
    let (low, high) = (seconds[0] * 1e3, seconds[seconds.len() - 1] * 1e3);
    println!(
        "{mode} batch {batch}: {:.0} images/s, {:.2} ms ({low:.2} to {high:.2})",
        batch as f64 / median,
        median * 1e3
    );
}

/// Time by dispatch label, from GPU timestamps.
fn breakdown(device: &Device, session: &Session) -> Result<(), girih::Error> {
    let times = session.playback().time_blocking(device)?;
    let recording = &session.plan().recording;
    let mut rows: BTreeMap<String, (f64, u64)> = BTreeMap::new();
    for (dispatch, seconds) in recording.dispatches.iter().zip(times) {
        let kernel = &recording.pipelines[dispatch.pipeline.0 as usize].label;
        let row = rows.entry(format!("{:24} {kernel}", dispatch.label)).or_default();
        row.0 += seconds * 1e3;
        row.1 += dispatch.flops;
    }
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_by(|a, b| b.1.0.total_cmp(&a.1.0));
    for (label, (ms, flops)) in rows.iter().take(24) {
        println!("  {ms:8.3} ms {:6.1} GFLOP/s  {label}", *flops as f64 / ms / 1e6);
    }
    Ok(())
}
