//! Trees on a device: one recording for batches of any shapes, orders that agree, room that doubles, training that learns.

mod support;

use std::path::Path;
use std::sync::Arc;

use girih::data::trees::{Order, Room, Tree, Vocabulary, parse_trees};
use girih::gpu::{Device, Profile};
use girih::nn::models::TreeNet;
use girih::ops::tree::Cell;
use girih::optim::{Adam, Optimizer};
use girih::plan::PlanOptions;
use girih::tensor::random::Random;
use girih::train::{Evaluator, Hyperparameters, Task, Trainer, TrainerOptions, TreeScorer, TreeTask};

/// A tree over random letters, split at random; a node is 4 where there are more a's than b's under it, else 0.
fn random_tree(random: &mut Random, words: u32) -> (String, i32) {
    if words == 1 {
        let (word, worth) = [("a", 1), ("b", -1), ("c", 0)][random.below(3) as usize];
        return (format!("({} {word})", if worth > 0 { 4 } else { 0 }), worth);
    }
    let left = 1 + random.below(words - 1);
    let ((left, a), (right, b)) = (random_tree(random, left), random_tree(random, words - left));
    (format!("({} {left} {right})", if a + b > 0 { 4 } else { 0 }), a + b)
}

fn random_trees(seed: u32, count: usize, most: u32) -> Vec<Tree> {
    let mut random = Random::new(seed, 0, 0);
    let mut text = String::new();
    for _ in 0..count {
        let words = 1 + random.below(most);
        text.push_str(&random_tree(&mut random, words).0);
    }
    parse_trees(&text, Path::new("random trees"), 5).expect("trees")
}

fn net(cell: Cell, vocabulary: &Vocabulary) -> TreeNet {
    TreeNet { cell, arity: 2, vocabulary: vocabulary.size(), embedding: 12, hidden: 12, classes: 5, dropout: 0.0 }
}

fn options(batch: usize, epochs: u32) -> TrainerOptions {
    let optimizer = Optimizer::Adam(Adam::decoupled(0.0));
    let hyper = Hyperparameters { batch, optimizer, ..Hyperparameters::default() };
    TrainerOptions { hyper, learning_rate: 0.01, epochs, ..TrainerOptions::default() }
}

#[test]
fn one_recording_serves_batches_of_any_shapes() {
    for profile in [Profile::Offered, Profile::WebgpuMinimum] {
        let device = support::device(profile);
        for cell in [Cell::NaryLstm, Cell::ChildSumLstm, Cell::Tensor] {
            one_recording(&device, cell);
        }
    }
}

/// Trees scored together, in changing company, have the scores they have alone.
fn one_recording(device: &Device, cell: Cell) {
    let trees = random_trees(3, 40, 30);
    let vocabulary = Vocabulary::of_trees(&trees, 1);
    let model = net(cell, &vocabulary);
    let scorer = |room: Room| {
        let room = Room { arity: 2, ..room };
        TreeScorer::new(device, &model, vocabulary.clone(), room, &PlanOptions::default()).expect("a scorer")
    };
    let shared = scorer(Room { leaves: 500, inner: 500, levels: 40, arity: 2 });
    let buffers = device.buffer_count();
    let mut found = Vec::new();
    for batch in [&trees[..1], &trees[1..20], &trees[20..23], &trees[23..]] {
        found.extend(shared.score_blocking(&batch.iter().collect::<Vec<_>>()).expect("scores"));
    }
    // What reads the scores back is all that was made.
    assert!(device.buffer_count() - buffers <= 2, "{} buffers", device.buffer_count() - buffers);
    assert_eq!(shared.score_blocking(&[]).expect("no trees"), Vec::<Vec<Vec<f32>>>::new());
    for (tree, found) in trees.iter().zip(found).step_by(7) {
        let alone = scorer(Room::for_trees([tree], Order::Heights)).score_blocking(&[tree]).expect("scores");
        assert_eq!(found.len(), tree.nodes().len());
        for (found, alone) in found.iter().flatten().zip(alone[0].iter().flatten()) {
            assert!((found - alone).abs() < 1e-5, "{cell:?}: {found}, alone {alone}");
        }
    }
}

#[test]
fn what_does_not_fit_a_scorer_is_refused() {
    let device = support::device(Profile::Offered);
    let trees = parse_trees("(4 (3 a) (2 b) (1 c))(0 (1 (2 d) (3 e)) (4 f))", Path::new("t"), 5).expect("trees");
    let vocabulary = Vocabulary::of_trees(&trees, 1);
    let room = Room { leaves: 64, inner: 1, levels: 1, arity: 2 };
    let scorer = TreeScorer::new(&device, &net(Cell::NaryLstm, &vocabulary), vocabulary, room, &PlanOptions::default());
    let scorer = scorer.expect("a scorer");
    let error = |tree: &Tree| scorer.score_blocking(&[tree]).expect_err("too much").to_string();
    assert!(error(&trees[0]).contains("3 children, and the model takes 2"), "{}", error(&trees[0]));
    assert!(error(&trees[1]).contains("levels: 2"), "{}", error(&trees[1]));
    let vocabulary = Vocabulary::of_trees(&trees, 1);
    let task = TreeTask::new(net(Cell::NaryLstm, &vocabulary), vocabulary, trees.clone(), trees);
    assert!(task.expect_err("too many").to_string().contains("3 children"));
}

#[test]
fn both_orders_learn_the_same() {
    let device = support::device(Profile::Offered);
    for cell in [Cell::NaryLstm, Cell::ChildSumLstm, Cell::Tensor] {
        let run = |order| {
            let trees = random_trees(5, 24, 12);
            let vocabulary = Vocabulary::of_trees(&trees, 1);
            let task = TreeTask::new(net(cell, &vocabulary), vocabulary, trees.clone(), trees).expect("a task");
            let mut trainer = Trainer::new(&device, Arc::new(task.order(order)), options(8, 1)).expect("a trainer");
            while !trainer.step_blocking().expect("a step") {}
            trainer.checkpoint_blocking().expect("a checkpoint").variables
        };
        let (levels, one_by_one) = (run(Order::Heights), run(Order::OneByOne));
        for (name, value) in levels.iter().filter(|(name, _)| name.ends_with("weight") && !name.contains("adam")) {
            let (found, other) = (value.as_f32().expect("f32"), one_by_one[name].as_f32().expect("f32"));
            let most = found.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(most < 1e-3, "{cell:?}, {name}: {most}");
        }
    }
}

#[test]
fn a_batch_beyond_the_room_is_played_with_twice_as_much() {
    let device = support::device(Profile::Offered);
    // Most trees are small: a batch of the large ones needs far more than an average one.
    let mut trees = random_trees(7, 64, 2);
    trees.extend(random_trees(8, 1, 1));
    let mut random = Random::new(9, 0, 0);
    let text: String = (0..3).map(|_| random_tree(&mut random, 90).0).collect();
    trees.extend(parse_trees(&text, Path::new("t"), 5).expect("trees"));
    let vocabulary = Vocabulary::of_trees(&trees, 1);
    let task = TreeTask::new(net(Cell::NaryLstm, &vocabulary), vocabulary, trees.clone(), trees).expect("a task");
    let task = Arc::new(task);
    let options = options(4, 2);
    let mut trainer = Trainer::new(&device, Arc::<TreeTask>::clone(&task), options).expect("a trainer");
    for _ in 0..2 * trainer.steps_per_epoch() {
        trainer.step_blocking().expect("a step");
    }
    assert!(trainer.learner().program(1).is_some(), "no batch needed more room");
    assert!(trainer.training_metrics_blocking().expect("metrics").loss.is_finite());
    let setup = trainer.evaluation_setup();
    let mut programs: Vec<u32> =
        task.steps(&setup, Default::default()).expect("steps").map(|step| step.expect("a step").program).collect();
    programs.sort_unstable();
    assert!(programs[0] == 0 && programs[programs.len() - 1] > 0, "{programs:?}");
}

#[test]
fn counting_letters_is_learnt_and_judged() {
    let device = support::device(Profile::Offered);
    let (train, test) = (random_trees(11, 200, 12), random_trees(12, 50, 12));
    let vocabulary = Vocabulary::of_trees(&train, 1);
    let task = TreeTask::new(net(Cell::NaryLstm, &vocabulary), vocabulary, train, test).expect("a task");
    let task = Arc::new(task);
    let options = options(10, 6);
    let mut trainer = Trainer::new(&device, Arc::<TreeTask>::clone(&task), options.clone()).expect("a trainer");
    for _ in 0..6 * trainer.steps_per_epoch() {
        trainer.step_blocking().expect("a step");
    }
    let mut evaluator = Evaluator::new(&device, Arc::<TreeTask>::clone(&task), 7, &options, trainer.variables());
    let evaluator = evaluator.as_mut().expect("an evaluator");
    let mut tally = task.tally(&evaluator.setup()).expect("a tally");
    let metrics = evaluator.run_with_logits_blocking(trainer.variables(), |logits| {
        tally.add(logits.as_f32().expect("f32"));
    });
    let (metrics, scores) = (metrics.expect("metrics"), tally.scores());
    // The device and the host count alike.
    assert_eq!((scores.nodes, scores.roots), (metrics.count, 50));
    assert!((scores.node_accuracy - metrics.accuracy).abs() < 1e-6);
    assert!(scores.root_accuracy > 0.7 && scores.node_binary_accuracy > 0.9, "{scores:?}");
}
