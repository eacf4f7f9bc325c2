//! The fit loop on a device: one submit and no allocation a step, resuming bit for bit, clear errors.

mod support;

use girih::Error;
use girih::data::synth::synthetic;
use girih::gpu::{Device, Profile};
use girih::nn::models::Model;
use girih::ops::image_batch::Augmentation;
use girih::optim::{OneCycle, Optimizer, Schedule, Sgd};
use girih::plan::PlanOptions;
use girih::train::{Hyperparameters, ImageModel, ImageTask, Trainer, TrainerOptions};
use std::sync::Arc;

fn options(batch: usize) -> TrainerOptions {
    let optimizer = Optimizer::Sgd(Sgd { momentum: 0.9, nesterov: true, weight_decay: 5e-4 });
    let augmentation = Augmentation { crop: 4, flip: true, cutout: 0 };
    TrainerOptions {
        hyper: Hyperparameters {
            batch,
            optimizer,
            clip_norm: Some(1.0),
            label_smoothing: 0.1,
            augmentation,
            ..Default::default()
        },
        learning_rate: 0.05,
        schedule: Schedule::OneCycle(OneCycle::new(24)),
        epochs: 3,
        seed: 5,
        resident_bytes: 1 << 30,
        plan: PlanOptions::default(),
    }
}

fn trainer(device: &Device, model: Model, options: TrainerOptions) -> Result<Trainer, Error> {
    let data = synthetic(1, 128, 64).expect("the procedural set");
    let stats = data.train.channel_stats();
    let model = ImageModel { layers: model.layers(10), shape: [3, 32, 32], classes: 10, stats };
    Trainer::new(device, Arc::new(ImageTask::new(model, data)), options)
}

#[test]
fn a_resumed_run_ends_in_the_same_bits() {
    let device = support::device(Profile::Offered);
    let mut whole = trainer(&device, Model::Mlp, options(16)).expect("a trainer");
    let mut first = trainer(&device, Model::Mlp, options(16)).expect("a trainer");
    for _ in 0..24 {
        whole.step_blocking().expect("a step");
    }
    assert!(matches!(whole.step_blocking(), Err(Error::Finished)));
    // Stopped in the middle of the second epoch.
    for _ in 0..11 {
        first.step_blocking().expect("a step");
    }
    let checkpoint = first.checkpoint_blocking().expect("a checkpoint");
    assert_eq!((checkpoint.progress.epoch, checkpoint.progress.step), (1, 3));
    drop(first);
    let mut second = trainer(&device, Model::Mlp, options(16)).expect("a trainer");
    second.restore(&checkpoint).expect("the same model");
    for _ in 11..24 {
        second.step_blocking().expect("a step");
    }
    let (whole, resumed) =
        (whole.checkpoint_blocking().expect("a checkpoint"), second.checkpoint_blocking().expect("a checkpoint"));
    assert_eq!(whole.progress, resumed.progress);
    for (name, value) in &whole.variables {
        assert!(value.bytes() == resumed.variables[name].bytes(), "{name} differs");
    }
}

#[test]
fn sending_pixels_and_keeping_them_on_the_device_are_the_same() {
    let device = support::device(Profile::Offered);
    let run = |resident_bytes| {
        let mut trainer =
            trainer(&device, Model::Linear, TrainerOptions { resident_bytes, ..options(16) }).expect("a trainer");
        for _ in 0..9 {
            trainer.step_blocking().expect("a step");
        }
        trainer.checkpoint_blocking().expect("a checkpoint").variables
    };
    assert!(run(0) == run(1 << 30));
}

#[test]
fn a_step_is_one_submit_and_allocates_nothing_after_the_first() {
    let device = support::device(Profile::Offered);
    let mut trainer = trainer(&device, Model::Mlp, options(16)).expect("a trainer");
    trainer.step_blocking().expect("a step");
    let (buffers, submits) = (device.buffer_count(), device.submit_count());
    for _ in 1..24 {
        trainer.step_blocking().expect("a step");
    }
    assert_eq!(device.buffer_count(), buffers);
    assert_eq!(device.submit_count() - submits, 23);
}

#[test]
fn a_batch_beyond_the_adapter_names_the_largest_that_fits() {
    let device = support::device(Profile::WebgpuMinimum);
    let data = synthetic(1, 6000, 64).expect("the procedural set");
    let stats = data.train.channel_stats();
    let model = ImageModel { layers: Model::Cnn.layers(10), shape: [3, 32, 32], classes: 10, stats };
    let task = Arc::new(ImageTask::new(model, data));
    let error = Trainer::new(&device, task, options(5000)).err().expect("too large a batch");
    let Error::Batch { asked, largest, .. } = &error else { panic!("{error}") };
    assert_eq!(*asked, 5000);
    // The first convolution's output: 32 × 32 × 32 × 4 bytes an image, of 128 MiB.
    assert_eq!(*largest, 1024, "{error}");
}
