//! Trains a network whose matrix products are a kernel of one's own, `examples/matmul.wgsl`, and says which dispatches
//! it took: `cargo run --release --example custom_kernel`.

use std::sync::Arc;

use girih::gpu::Device;
use girih::kernel::CustomKernel;
use girih::nn::models::Model;
use girih::plan::PlanOptions;
use girih::train::{Hyperparameters, ImageModel, ImageTask, Trainer, TrainerOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kernel = Arc::new(CustomKernel::parse("matmul.wgsl", include_str!("matmul.wgsl"))?);
    let device = Device::open_blocking(&Default::default())?;
    let data = girih::data::synth::synthetic(0, 2048, 256)?;
    let stats = data.train.channel_stats();
    let model = ImageModel { layers: Model::Mlp.layers(10), shape: [3, 32, 32], classes: 10, stats };
    let options = TrainerOptions {
        hyper: Hyperparameters { batch: 64, ..Default::default() },
        epochs: 3,
        plan: PlanOptions { kernels: vec![Arc::clone(&kernel)], ..Default::default() },
        ..Default::default()
    };
    let mut trainer = Trainer::new(&device, Arc::new(ImageTask::new(model, data)), options)?;
    let strategies = &trainer.learner().session().plan().strategies;
    let own = strategies.iter().filter(|&&strategy| strategy == kernel.name()).count();
    println!("{own} of {} dispatches of a step are {}", strategies.len(), kernel.name());
    for epoch in 1..=3 {
        while !trainer.step_blocking()? {}
        let (train, test) = (trainer.training_metrics_blocking()?, trainer.evaluate_blocking()?);
        println!("epoch {epoch}: loss {:.3}, test accuracy {:.1} %", train.loss, 100.0 * test.accuracy);
    }
    Ok(())
}
