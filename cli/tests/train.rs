//! Runs as a user makes and uses them: trained, resumed, interrupted, evaluated, asked for scores.

mod place;

use place::{Place, failed, lines, tensors};
use serde_json::Value;

fn of<'a>(lines: &'a [Value], event: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["event"] == event).collect()
}

#[test]
fn a_run_is_trained_and_used() {
    let place = Place::with_set(100, 40);
    let told = place.lines("train --data set --model linear --epochs 2 --batch 20 --lr 0.01 --out run --json");
    assert_eq!(told.len(), 4);
    let [start, done] = [&told[0], &told[3]];
    assert_eq!((&start["event"], &start["run"], &start["train_images"]), (&"start".into(), &"run".into(), &100.into()));
    assert_eq!((&start["parameters"], &start["config"]["model"]), (&30_730.into(), &"linear".into()));
    for (epoch, line) in (1..).zip(&told[1..3]) {
        assert_eq!((&line["event"], &line["epoch"]), (&"epoch".into(), &epoch.into()));
        for key in ["train_loss", "train_accuracy", "test_loss", "test_accuracy", "learning_rate", "images_per_s"] {
            assert!(line[key].is_f64(), "{key}: {line}");
        }
    }
    assert!(told[2]["train_loss"].as_f64() < told[1]["train_loss"].as_f64());
    assert_eq!((&done["event"], &done["interrupted"], &done["epochs"]), (&"done".into(), &false.into(), &2.into()));
    assert_eq!(done["test_accuracy"], told[2]["test_accuracy"]);
    assert_eq!(place.names("run"), ["checkpoint.safetensors", "config.toml", "curves.svg", "metrics.jsonl"]);

    let eval = &place.lines("eval run --json --batch 16")[0];
    assert_eq!((&eval["images"], &eval["test_accuracy"]), (&40.into(), &done["test_accuracy"]));
    let difference = eval["test_loss"].as_f64().unwrap() - done["test_loss"].as_f64().unwrap();
    assert!(difference.abs() < 1e-5, "{difference}");
    let classes = eval["classes"].as_array().unwrap();
    let right = |class: &Value| class["images"].as_f64().unwrap() * class["accuracy"].as_f64().unwrap();
    let mean = classes.iter().map(right).sum::<f64>() / 40.0;
    assert!((mean - eval["test_accuracy"].as_f64().unwrap()).abs() < 1e-6, "{eval}");
    assert!(place.text("eval run").contains("of 40 test images right"));

    place.picture("cat.png", 90, 47);
    place.picture("dog.jpg", 8, 300);
    let scores = place.lines("predict run cat.png set:test:7 dog.jpg set:train:99 --json --sheet sheet.png");
    assert_eq!(scores.len(), 4);
    for line in &scores {
        let scores = line["scores"].as_array().unwrap();
        let values: Vec<f64> = scores.iter().map(|score| score["score"].as_f64().unwrap()).collect();
        assert_eq!(values.len(), 10);
        assert!((values.iter().sum::<f64>() - 1.0).abs() < 1e-5 && values.is_sorted_by(|a, b| a >= b), "{line}");
    }
    assert!(scores[0]["label"].is_null() && scores[1]["label"].is_string(), "{scores:?}");
    assert!(image::open(place.path("sheet.png")).unwrap().width() > 400);
    let alone = place.lines("predict run set:test:7 --top 3 --json");
    assert_eq!(alone[0]["scores"].as_array().unwrap()[..], scores[1]["scores"].as_array().unwrap()[..3]);
    assert!(place.text("predict run cat.png --top 2").contains('%'));

    let inspected = place.lines("inspect run --batch 8 --json");
    assert_eq!(of(&inspected, "layer").len(), 2);
    assert_eq!(of(&inspected, "plan").len(), 4);
}

#[test]
fn mixed_precision_or_a_line_that_says_why_not() {
    let place = Place::with_set(40, 20);
    let train = "train --data set --model mlp --epochs 1 --batch 20 --precision mixed --out run --json";
    let output = place.run(train);
    let remarks = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{remarks}");
    let start = &lines(&output)[0];
    assert_eq!(start["config"]["precision"], "mixed");
    let remark = remarks.lines().find(|line| line.starts_with("no mixed precision here: "));
    match start["precision"].as_str() {
        Some("mixed") => assert!(remark.is_none(), "{remarks}"),
        _ => assert!(remark.is_some_and(|line| line.ends_with(": computing in f32.")), "{start} {remarks}"),
    }
    failed(place.run("train --out run --resume --epochs 2 --precision f32"), 2, &["--precision is"]);
    assert!(place.text("eval run").contains("of 20 test images right"));
}

#[test]
fn grey_images_of_another_size() {
    let place = Place::new();
    for (part, count) in [("train", 12_u8), ("t10k", 5)] {
        let mut images = vec![0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 9, 0, 0, 0, 14];
        images.extend((0..usize::from(count) * 9 * 14).map(|i| (i * 7) as u8));
        let mut labels = vec![0, 0, 8, 1, 0, 0, 0, count];
        labels.extend((0..count).map(|i| i % 3));
        place.write(&format!("grey/{part}-images-idx3-ubyte"), &images);
        place.write(&format!("grey/{part}-labels-idx1-ubyte"), &labels);
    }
    place.write("grey/classes.txt", b"low\nmiddle\nhigh\n");
    place.lines("train --data grey --model mlp --optimizer adamw --epochs 1 --batch 4 --out run --json");
    place.picture("cat.png", 40, 40);
    let scores = place.lines("predict run cat.png grey:test:1 --json --sheet sheet.png");
    assert_eq!(scores[0]["scores"].as_array().unwrap().len(), 3);
    assert_eq!(scores[1]["label"], "middle");
    let eval = &place.lines("eval run --json")[0];
    assert_eq!(eval["classes"][2]["class"], "high");
}

#[test]
fn the_cnn_learns() {
    let place = Place::with_set(160, 40);
    let told = place.lines("train --data set --epochs 3 --batch 16 --augment=flip --seed 4 --out run --json");
    let epochs = of(&told, "epoch");
    assert_eq!(told[0]["parameters"], 620_362);
    assert!(epochs[2]["train_loss"].as_f64() < epochs[0]["train_loss"].as_f64(), "{epochs:?}");
}

#[test]
fn more_epochs_go_on_and_no_epochs_do_nothing() {
    let place = Place::with_set(60, 20);
    let train = "train --data set --model linear --batch 20 --out run --json";
    place.lines(&format!("{train} --epochs 1"));
    place.fails(&format!("{train} --epochs 1"), &["holds a run already", "--resume", "--overwrite"]);
    failed(place.run("train --out run --resume --batch 30"), 2, &["--batch is 30, but the run to go on with has 20"]);
    let told = place.lines("train --out run --resume --epochs 2 --json");
    assert_eq!((told.len(), &told[0]["epochs_done"], &told[1]["epoch"]), (3, &1.into(), &2.into()));
    let before = std::fs::read(place.path("run/checkpoint.safetensors")).unwrap();
    let told = place.lines("train --out run --resume --json");
    assert_eq!((told.len(), &told[1]["event"], &told[1]["epochs"]), (2, &"done".into(), &2.into()));
    assert_eq!(std::fs::read(place.path("run/checkpoint.safetensors")).unwrap(), before);
    // Without its checkpoint, the run begins anew; it was never saved.
    std::fs::remove_file(place.path("run/checkpoint.safetensors")).unwrap();
    let told = place.lines("train --out run --resume --json");
    assert_eq!(of(&told, "epoch").len(), 2);
    assert_eq!(tensors(&place.path("run/checkpoint.safetensors")).1.len(), before.len() - header_bytes(&before));
}

fn header_bytes(file: &[u8]) -> usize {
    8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize
}

#[test]
fn without_data_the_procedural_set_is_taken_and_said() {
    let place = Place::new();
    let output = place.run("train --model linear --limit 100 --batch 50 --epochs 1 --json");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("procedural set"));
    assert_eq!(
        (&lines(&output)[0]["config"]["data"], &lines(&output)[0]["run"]),
        (&"synthetic".into(), &"runs/1".into())
    );
    assert_eq!(place.lines("predict runs/1 synthetic:test:3 --json")[0]["scores"].as_array().unwrap().len(), 10);
}

/// Ctrl-C in the middle of an epoch, then `--resume`: the same bits as a run that never stopped.
#[cfg(unix)]
#[test]
fn an_interrupted_run_goes_on_bit_for_bit() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let place = Place::with_set(1000, 20);
    let train = "train --data set --model linear --epochs 2 --batch 5 --augment --optimizer adam --seed 7 --json";
    place.lines(&format!("{train} --out whole"));

    let mut child = place.command(&format!("{train} --out parts")).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert!(line.contains("\"start\""), "{line}");
    std::thread::sleep(std::time::Duration::from_millis(150));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let mut last = String::new();
    while stdout.read_line(&mut line).unwrap() > 0 {
        last = std::mem::take(&mut line);
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(serde_json::from_str::<Value>(last.lines().last().unwrap()).unwrap()["interrupted"], true);
    let saved = tensors(&place.path("parts/checkpoint.safetensors")).0;
    let steps: u32 = saved["__metadata__"]["girih.total_steps"].as_str().unwrap().parse().unwrap();
    assert!(steps > 0 && steps < 400 && !steps.is_multiple_of(200), "stopped after {steps} steps");
    // It can be used as it is.
    place.lines("predict parts set:test:0 --json");

    let told = place.lines("train --out parts --resume --json");
    assert_eq!(told.last().unwrap()["interrupted"], false);
    let [whole, parts] = ["whole", "parts"].map(|run| tensors(&place.path(run).join("checkpoint.safetensors")));
    assert_eq!(whole.0, parts.0);
    assert!(whole.1 == parts.1, "the weights differ");
    let [whole, parts] = ["whole", "parts"].map(|run| {
        let text = std::fs::read_to_string(place.path(run).join("metrics.jsonl")).unwrap();
        let epochs = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let keys = ["epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "learning_rate"];
        epochs.map(|epoch| keys.map(|key| epoch[key].to_string())).collect::<Vec<_>>()
    });
    assert_eq!(whole, parts);
}
