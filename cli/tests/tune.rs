//! `girih tune`, `--tune` and `--tuning`, as a user runs them.

mod place;

use place::Place;

#[test]
fn what_was_measured_is_kept_and_taken() {
    let place = Place::new();
    let lines = place.lines("tune linear --batch 8 --out t.toml --json");
    let (done, rows) = lines.split_last().unwrap();
    assert_eq!((&done["event"], &done["out"], &done["left_out"]), (&"tune".into(), &"t.toml".into(), &0.into()));
    assert_eq!(done["measured"], rows.len());
    for row in rows {
        let time = |key: &str| row[key].as_f64().unwrap();
        assert!(time("ms") > 0.0 && time("heuristic_ms") >= time("ms") && time("gap_percent") >= 0.0, "{row}");
        assert!(row["op"].is_string() && row["use"].is_string() && row["strategy"].is_string(), "{row}");
    }
    // A second command adds to the file.
    let text = place.text("tune linear --batch 4 --out t.toml");
    assert!(text.contains("uses measured in") && text.contains("t.toml has them"), "{text}");
    let written = std::fs::read_to_string(place.path("t.toml")).unwrap();
    assert!(written.contains("f32[8, 3072]") && written.contains("f32[4, 3072]"), "{written}");

    // What it has is not measured again, unless that is asked for.
    let again = place.lines("tune linear --batch 4 --out t.toml --json");
    assert_eq!((again.len(), &again[0]["measured"], &again[0]["left_out"]), (1, &0.into(), &0.into()));
    assert!(again[0]["known"].as_u64().unwrap() > 0, "{}", again[0]);
    let again = place.lines("tune linear --batch 4 --out t.toml --again --json");
    assert!(again.len() > 1 && again.last().unwrap()["known"] == 0, "{again:?}");

    // A file that is none of its own is left as it is; that of another version is set aside.
    place.write("precious.csv", b"a,b\n");
    place.fails("tune linear --batch 4 --out precious.csv", &["precious.csv is damaged", "left as it is"]);
    assert_eq!(std::fs::read(place.path("precious.csv")).unwrap(), b"a,b\n");
    place.fails("tune linear --out nowhere/t.toml", &["there is no folder nowhere"]);
    place.write("older.toml", written.replace("version = \"", "version = \"0.").as_bytes());
    let output = place.run("tune linear --batch 4 --out older.toml");
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stderr).contains("it is now older.toml.old"));
    assert!(place.path("older.toml.old").exists() && place.path("older.toml").exists());

    let quiet = |words: &str| {
        let output = place.run(words);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{words}: {error}");
        assert!(!error.contains("warning"), "{words}: {error}");
    };
    quiet("inspect linear --batch 8 --tuning t.toml --recording");
    quiet("bench model linear --infer --batch 8 --rounds 1 --tuning t.toml");
    let warned = |from: &str, to: &str, words: &str| {
        assert!(written.contains(from), "{written}");
        place.write("other.toml", written.replace(from, to).as_bytes());
        let output = place.run("inspect linear --batch 8 --tuning other.toml --recording");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{error}");
        assert!(error.contains("warning: ") && error.contains(words), "{words:?} wanted: {error}");
    };
    warned("driver = \"", "driver = \"other ", "the tuning profile is not for");
    warned("strategy = \"", "strategy = \"un", "which is no strategy of it here");
    warned("version = \"", "version = \"9.", "is stale");
    warned("[[adapter]]", "[[adapter", "is damaged: line ");
    let output = place.run("inspect linear --tuning none.toml");
    assert!(String::from_utf8_lossy(&output.stderr).contains("none.toml: cannot be read"));
}

#[test]
fn a_tuned_run_keeps_what_chose_its_strategies() {
    let place = Place::with_set(64, 32);
    place.lines("train --data set --model linear --epochs 1 --batch 16 --out a --tune --json");
    assert_eq!(
        place.names("a"),
        ["checkpoint.safetensors", "config.toml", "curves.svg", "metrics.jsonl", "tuning.toml"]
    );
    place.lines("train --out a --resume --epochs 2 --json");
    for words in ["eval a --json", "predict a set:test:3 --json", "inspect a --json"] {
        let output = place.run(words);
        assert_eq!(output.status.code(), Some(0), "{words}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(!String::from_utf8_lossy(&output.stderr).contains("warning"), "{words}");
    }
    // A copy of another's; a new run without one has none.
    place.lines("train --data set --model linear --epochs 1 --batch 16 --out b --tuning a/tuning.toml --json");
    let read = |name: &str| std::fs::read_to_string(place.path(name)).unwrap();
    assert_eq!(read("a/tuning.toml"), read("b/tuning.toml"));
    place.lines("train --data set --model linear --epochs 1 --batch 16 --out b --overwrite --json");
    assert!(!place.names("b").contains(&"tuning.toml".to_owned()));
    // Into the run folder, by the run's batch.
    let lines = place.lines("tune b --json");
    assert!(lines.iter().any(|line| line["use"].as_str().is_some_and(|key| key.contains("f32[16, 3072]"))));
    assert!(place.names("b").contains(&"tuning.toml".to_owned()));
    place::failed(place.run("train --out a --resume --tune"), 2, &["cannot be used with"]);
    place::failed(place.run("tune nothing"), 2, &["neither a run folder nor one of"]);
}
