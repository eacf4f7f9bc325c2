//! Runs on text and on series: trained, resumed, judged, asked to write; and what is wrong with their data.

mod place;

use place::{Place, failed, tensors};
use serde_json::Value;

const TRAIN: &str = "train --data text:knots.txt --hidden 16 --batch 4 --unroll 8 --json";

fn with_text() -> Place {
    let place = Place::new();
    place.write("knots.txt", "girih: a knot of five tiles, ñ\n".repeat(40).as_bytes());
    place
}

#[test]
fn a_text_is_trained_and_written() {
    let place = with_text();
    let told = place.lines(&format!("{TRAIN} --epochs 2 --out run"));
    let config = &told[0]["config"];
    assert_eq!((&config["model"], &config["optimizer"]), (&"char-lstm".into(), &"adam".into()));
    assert_eq!((&told[0]["train_characters"], &told[0]["test_characters"]), (&1116.into(), &124.into()));
    assert!(told[1]["characters_per_s"].is_f64() && told[1]["images_per_s"].is_null(), "{}", told[1]);
    assert!(told[2]["train_loss"].as_f64() < told[1]["train_loss"].as_f64());
    let eval = &place.lines("eval run --json")[0];
    assert_eq!(eval["test_loss"], told[3]["test_loss"]);
    // 123 characters have one that follows them; four stretches of 30 are read.
    assert_eq!(eval["characters"], 120);

    let generate = "generate run --prompt girih --length 30 --temperature 0.7 --top-k 5 --seed 3";
    let line = &place.lines(&format!("{generate} --json"))[0];
    let text = line["text"].as_str().unwrap();
    assert_eq!((text.chars().count(), &line["prompt"]), (30, &"girih".into()));
    assert_eq!(place.text(generate), format!("girih{text}\n"));
    let file = std::fs::read_to_string(place.path("knots.txt")).unwrap();
    assert!(text.chars().all(|character| file.contains(character)), "{text}");
    assert_eq!(place.text("generate run --length 0"), "\n\n");

    place.fails("generate run --prompt gi§", &["character 3, '§', is none of the"]);
    place.write("other.txt", "knot\n§".repeat(20).as_bytes());
    place.fails("eval run --data text:other.txt", &["other.txt, line 2: '§' is none of the"]);
    failed(place.command("generate run --prompt").arg("").output().unwrap(), 2, &["--prompt is empty"]);
    failed(place.run("generate run --temperature -1"), 2, &["below 0"]);
    failed(place.run("predict run a.png"), 2, &["not a classifier of images"]);
    place.write("knots.txt", "another text altogether\n".repeat(30).as_bytes());
    place.fails("train --out run --resume --epochs 3", &["is of another model", "for 19 characters"]);
}

#[test]
fn a_text_goes_on_bit_for_bit() {
    let place = with_text();
    place.lines(&format!("{TRAIN} --epochs 2 --schedule constant --out whole"));
    place.lines(&format!("{TRAIN} --epochs 1 --schedule constant --out parts"));
    place.lines("train --out parts --resume --epochs 2 --json");
    let [whole, parts] = ["whole", "parts"].map(|run| tensors(&place.path(run).join("checkpoint.safetensors")));
    assert_eq!(whole.0, parts.0);
    assert!(whole.1 == parts.1, "the weights differ");
}

#[test]
fn texts_that_are_none() {
    let place = Place::new();
    place.fails("train --data text:none.txt --out run", &["could not read", "none.txt"]);
    place.fails("train --data text: --out run", &["`text:` names no file"]);
    place.write("empty.txt", b"");
    place.fails("train --data text:empty.txt --out run", &["0 characters, 20 or more wanted"]);
    place.write("bytes.txt", b"one\ntwo\xfe");
    place.fails("train --data text:bytes.txt --out run", &["bytes.txt, line 2: it is not UTF-8"]);
    place.write("short.txt", &b"abcdefghij".repeat(5));
    place.fails("train --data text:short.txt --out run", &["32 stretches of 64 characters"]);
    failed(place.run("train --data text:short.txt --model cnn --out run"), 2, &["cnn learns from images, but"]);
    failed(place.run("train --data text:short.txt --augment --out run"), 2, &["--augment is not for char-lstm"]);
    failed(place.run("train --data synthetic --hidden 4 --out run"), 2, &["--hidden is not for cnn"]);
    place.fails("train --data text:tinyshakespeare --out run", &["tinyshakespeare is not there"]);
    assert!(!place.path("run").exists(), "what fails leaves no run folder");
}

fn series(count: usize) -> String {
    let mut text = "@problemName Steps\n@classLabel true up down\n@data\n".to_owned();
    for i in 0..count {
        let values: Vec<String> = (0..2 + i % 5).map(|t| if i % 2 == 0 { t } else { 9 - t }.to_string()).collect();
        text += &format!("{0}:{0}:{1}\n", values.join(","), ["up", "down"][i % 2]);
    }
    text
}

#[test]
fn series_are_trained_and_judged() {
    let place = Place::new();
    place.write("set/Steps_TRAIN.ts", series(40).as_bytes());
    place.write("set/Steps_TEST.ts", series(15).as_bytes());
    let told = place.lines("train --data set --model gru-classifier --hidden 8 --batch 10 --epochs 8 --out run --json");
    assert_eq!((&told[0]["train_sequences"], &told[0]["test_sequences"]), (&40.into(), &15.into()));
    let done: &Value = told.last().unwrap();
    assert!(done["test_accuracy"].as_f64().unwrap() > 0.9, "{done}");
    let eval = &place.lines("eval run --batch 4 --json")[0];
    assert_eq!((&eval["sequences"], &eval["test_accuracy"]), (&15.into(), &done["test_accuracy"]));
    for part in ["TRAIN", "TEST"] {
        place.write(&format!("other/Steps_{part}.ts"), series(15).replace("true up down", "true down up").as_bytes());
    }
    place.fails("eval run --data other", &["the classes of", "are down, up, but the model's are up, down"]);
    place.fails("generate run", &["no model of text"]);

    place.write("set/Steps_TRAIN.ts", format!("{}1,2:3:up\n", series(3)).as_bytes());
    place.fails(
        "train --data set --model gru-classifier --out b",
        &["Steps_TRAIN.ts, line 7: dimension 2 has 1 values"],
    );
    std::fs::remove_file(place.path("set/Steps_TEST.ts")).unwrap();
    place.write("set/Steps_TRAIN.ts", series(9).as_bytes());
    place.fails("train --data set --model gru-classifier --out b", &["_TEST.ts is missing"]);
    place.fails("train --data japanese-vowels --out b", &["japanese-vowels is not there"]);
}
