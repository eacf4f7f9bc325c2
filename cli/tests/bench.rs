//! `girih bench`, as a user runs it, on shapes that are over in a moment. No test looks at how long anything took.

mod place;

use place::{Place, failed};
use serde_json::Value;

const SHAPES: &str = "\
matmul = [{ m = 20, n = 24, k = 16 }, { m = 8, n = 8, k = 8, transpose_b = true, batch = 3 }]
conv = [{ batch = 2, channels = 4, size = [8, 8], filters = 8, passes = [\"forward\", \"d_weight\"] }]
pool = [{ batch = 2, channels = 3, size = [8, 8] }]
reduce = [{ shape = [4, 30], axes = [1], kind = \"max\" }]
softmax = [{ shape = [9, 10] }]
batch-norm = [{ shape = [4, 3, 5, 5] }]
cross-entropy = [{ rows = 6, classes = 11 }]
gather = [{ rows = 9, columns = 8, count = 12 }]
transpose = [{ shape = [5, 6, 7], order = [2, 0, 1] }]
dropout = [{ shape = [9, 8] }]
pointwise = [{ function = \"gelu\", shape = [7, 9] }]
";

fn of<'a>(lines: &'a [Value], event: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["event"] == event).collect()
}

fn positive(line: &Value, keys: &[&str]) {
    for key in keys {
        assert!(line[key].as_f64().is_some_and(|value| value > 0.0), "{key}: {line}");
    }
}

#[test]
fn every_case_runs_under_every_strategy() {
    let place = Place::new();
    place.write("shapes.toml", SHAPES.as_bytes());
    let words = "bench --shapes shapes.toml --rounds 2 --json --blas --csv out.csv --plot roofline.svg";
    let lines = place.lines(words);
    positive(of(&lines, "roofline")[0], &["gflops", "gbs"]);
    let cases = of(&lines, "case");
    for case in &cases {
        positive(case, &["ms", "ms_low", "ms_high", "gbs", "roofline_percent", "samples", "dispatches"]);
        // A transposition computes nothing.
        assert!(case["gflops"].as_f64().is_some_and(|value| value >= 0.0), "{case}");
        let error = case["max_error"].as_f64().unwrap();
        assert!((0.0..1e-3).contains(&error), "{case}");
        assert!(case["op"].is_string() && case["shape"].is_string() && case["strategy"].is_string(), "{case}");
    }
    // One strategy of each case is what the engine takes.
    let chosen = cases.iter().filter(|case| case["chosen"] == true).count();
    assert_eq!(chosen, 2 + 2 + 4 + 1 + 2 + 4 + 2 + 2 + 1 + 1 + 1);
    let product = cases.iter().filter(|case| case["shape"] == "20x24x16 NN");
    assert!(product.clone().count() > 1, "products have several strategies");
    product.for_each(|case| positive(case, &["blas_ms", "blas_fraction"]));
    let csv = std::fs::read_to_string(place.path("out.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + cases.len());
    assert!(csv.starts_with("op,shape,strategy,"), "{csv}");
    let svg = std::fs::read_to_string(place.path("roofline.svg")).unwrap();
    assert!(svg.contains("matmul 20x24x16 NN"), "{svg}");

    let text = place.text("bench matmul --shapes shapes.toml --rounds 1 --filter 20x24 --strategy simple");
    assert!(text.contains("Measured roofline") && text.contains("20x24x16 NN"), "{text}");
    assert!(!text.contains("8x8x8") && !text.contains("wide"), "{text}");
}

#[test]
fn a_kernel_of_ones_own_is_checked_and_timed() {
    let place = Place::new();
    place.write("shapes.toml", SHAPES.as_bytes());
    let mine = include_str!("../../examples/matmul.wgsl");
    place.write("mine.wgsl", mine.as_bytes());
    let bench = "bench matmul --shapes shapes.toml --rounds 1 --wgsl mine.wgsl --json";
    let lines = place.lines(bench);
    let own: Vec<&Value> = of(&lines, "case").into_iter().filter(|case| case["strategy"] == "mine.wgsl").collect();
    assert_eq!((own.len(), &own[0]["shape"], &own[0]["chosen"]), (1, &"20x24x16 NN".into(), &false.into()));
    positive(own[0], &["ms", "gflops", "roofline_percent"]);
    // The batch is not its business.
    let declined = of(&lines, "left_out").into_iter().find(|line| line["strategy"] == "mine.wgsl").unwrap();
    assert_eq!(declined["reason"], "it does not mind batch, which is 3");
    let gaps = of(&lines, "gap");
    assert_eq!(gaps.len(), 2);
    assert!(gaps.iter().all(|gap| gap["percent"].as_f64().unwrap() >= 0.0 && gap["fastest"] != "mine.wgsl"));

    // The last rows are left out; a sum goes on past the end; the guard is written to.
    place.write("wrong.wgsl", mine.replace("i < p.m && j", "i + 4u < p.m && j").as_bytes());
    let wrong = "bench matmul --shapes shapes.toml --rounds 1 --filter 20x24 --wgsl wrong.wgsl";
    let output = place.fails(wrong, &["wrong results", "96 of 480", "[16, 0]"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains(&"·".repeat(24)) && text.contains(&"█".repeat(24)), "{text}");
    place.write("far.wgsl", mine.replace("i < p.m && j < p.n", "i < p.m + 1u && j < p.n").as_bytes());
    place.fails(
        &wrong.replace("wrong.wgsl", "far.wgsl"),
        &["far.wgsl", "it writes past the end of the output: word 1 behind it"],
    );

    place.write("broken.wgsl", mine.replace("workgroupBarrier", "workgroupBarier").as_bytes());
    place.fails(&bench.replace("mine", "broken"), &["broken.wgsl:41: ", "workgroupBarier"]);
    place.write("other.wgsl", mine.replace("op = matmul", "op = conv2d").as_bytes());
    place.fails(&bench.replace("mine", "other"), &["other.wgsl is for conv2d"]);
    place.fails(&bench.replace("mine", "none"), &["none.wgsl"]);
}

#[test]
fn kernels_are_told_apart_and_must_run() {
    let place = Place::new();
    place.write("shapes.toml", SHAPES.as_bytes());
    let mine = include_str!("../../examples/matmul.wgsl");
    place.write("old/mine.wgsl", mine.as_bytes());
    place.write("new/mine.wgsl", mine.replace("i < p.m && j", "i + 4u < p.m && j").as_bytes());
    let bench = "bench matmul --shapes shapes.toml --rounds 1 --filter 20x24 --json";
    // The right one first: each runs as itself.
    let output = place.fails(
        &format!("{bench} --wgsl old/mine.wgsl --wgsl new/mine.wgsl"),
        &["new/mine.wgsl: 96 of 480 results are wrong"],
    );
    let timed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(timed.contains("old/mine.wgsl") && timed.contains("\"strategy\":\"simple\""), "{timed}");
    failed(place.run(&format!("{bench} --wgsl old/mine.wgsl --wgsl old/mine.wgsl")), 2, &["given twice"]);
    // It could be taken for a strategy of the engine.
    place.write("wide", mine.as_bytes());
    place.fails(&format!("{bench} --wgsl wide"), &["kernel wide: its name has no ending"]);

    place.write("far.wgsl", mine.replace("// girih: op", "// girih: where = k > 2000\n// girih: op").as_bytes());
    place.fails(&format!("{bench} --wgsl far.wgsl"), &["far.wgsl computed none of these cases", "`k > 2000` does not"]);
    let faulty = mine.replacen("// girih: dispatch = ", "// girih: dispatch = k - 20, ", 1);
    place.write("faulty.wgsl", faulty.as_bytes());
    let output = place.fails(&format!("{bench} --wgsl faulty.wgsl"), &["16 - 20 is no whole number"]);
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(lines.contains("\"event\":\"faulty\"") && lines.contains("\"event\":\"case\""), "{lines}");
    failed(place.run(&format!("{bench} --strategy nosuch")), 2, &["a strategy called nosuch", "simple"]);
    failed(place.run(&format!("{bench} --csv nowhere/a.csv")), 1, &["there is no folder nowhere"]);
}

#[test]
fn damaged_shapes_are_one_clear_error() {
    let place = Place::new();
    place.write("broken.toml", b"matmul = [\n  { m = 2, n = 3 },\n]\n");
    place.fails("bench --shapes broken.toml", &["broken.toml, line 2", "missing field `k`"]);
    place.write("unknown.toml", b"attention = [{ m = 2 }]\n");
    place.fails("bench --shapes unknown.toml", &["unknown.toml", "attention"]);
    place.write("unfit.toml", b"pool = [{ batch = 1, channels = 1, size = [1, 1] }]\n");
    place.fails("bench --shapes unfit.toml", &["pool 1", "does not fit"]);
    place.write("empty.toml", b"matmul = [{ m = 0, n = 3, k = 2 }]\n");
    place.fails("bench matmul --shapes empty.toml", &["matmul 1", "nothing to compute"]);
    place.fails("bench --shapes nowhere.toml", &["nowhere.toml", "cifar, deepbench"]);
    place.write("shapes.toml", SHAPES.as_bytes());
    place.fails("bench --shapes shapes.toml --filter nothing", &["no such shapes"]);
}

#[test]
fn peaks_are_all_there() {
    let place = Place::new();
    let devices = place.lines("devices --json");
    let device = devices.iter().find(|device| device["chosen"] == true).unwrap();
    let has = |feature: &str| device["features"].as_array().unwrap().iter().any(|name| name == feature);
    let mut wanted = vec![
        "fma f32",
        "read",
        "write",
        "copy",
        "workgroup memory",
        "uniform buffer",
        "dispatch",
        "submit",
        "submit and wait",
    ];
    wanted.extend(has("f16").then_some("fma f16"));
    wanted.extend(has("subgroups").then_some("subgroup add"));
    wanted.extend(has("subgroups").then_some("subgroup shuffle"));
    let lines = place.lines("bench peak --json");
    let mut names: Vec<&str> = lines.iter().map(|line| line["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(names, wanted);
    for line in &lines {
        positive(line, &["value", "low", "high", "best", "samples"]);
        assert!(["GFLOP/s", "GB/s", "Gop/s", "us"].contains(&line["unit"].as_str().unwrap()), "{line}");
    }
}

#[test]
fn a_model_is_timed() {
    let place = Place::new();
    let lines = place.lines("bench model linear --batch 4 --rounds 2 --json");
    let modes: Vec<&Value> = lines.iter().map(|line| &line["mode"]).collect();
    assert_eq!(modes, ["train", "infer"]);
    for line in &lines {
        positive(line, &["images_per_s", "ms", "ms_low", "ms_high", "first_s", "dispatches", "recording_us"]);
        assert_eq!((&line["model"], &line["batch"]), (&"linear".into(), &4.into()));
    }
    let text = place.text("bench model linear --infer --batch 2 --rounds 1");
    assert!(text.contains("infer, batch 2") && !text.contains("train"), "{text}");
}

#[test]
fn differences_beyond_the_noise_are_told() {
    let place = Place::new();
    let case = |strategy: &str, low: f64, ms: f64, high: f64| {
        format!(
            "{{\"event\":\"case\",\"op\":\"matmul\",\"shape\":\"8x8x8 NN\",\"strategy\":\"{strategy}\",\
             \"ms\":{ms},\"ms_low\":{low},\"ms_high\":{high}}}\n"
        )
    };
    let peak = |value: f64| {
        format!(
            "{{\"event\":\"peak\",\"name\":\"fma f32\",\"unit\":\"GFLOP/s\",\"value\":{value},\"low\":{value},\"high\":{value}}}\n"
        )
    };
    let model = |ms: f64| {
        format!(
            "{{\"event\":\"model\",\"model\":\"cnn\",\"mode\":\"train\",\"batch\":64,\"images_per_s\":1,\"ms\":{ms}}}\n"
        )
    };
    let before = [
        "{\"event\":\"roofline\",\"gflops\":1,\"gbs\":1}\n".to_owned(),
        case("tile", 9.0, 10.0, 11.0),
        case("wide", 9.0, 10.0, 11.0),
        case("gone", 9.0, 10.0, 11.0),
        peak(50.0),
        model(8.0),
    ];
    let after = [case("tile", 4.5, 5.0, 5.5), case("wide", 9.5, 10.5, 12.0), peak(40.0), model(8.0)];
    place.write("a.json", before.concat().as_bytes());
    place.write("b.json", after.concat().as_bytes());
    let lines = place.lines("bench diff a.json b.json --json");
    let found: Vec<(&str, &str)> =
        lines.iter().map(|line| (line["what"].as_str().unwrap(), line["verdict"].as_str().unwrap())).collect();
    assert_eq!(
        found,
        [
            ("cnn train batch 64", "same"),
            ("matmul 8x8x8 NN: tile", "faster"),
            ("matmul 8x8x8 NN: wide", "same"),
            ("peak fma f32", "slower"),
        ]
    );
    assert_eq!(lines[1]["speedup"], 2.0);
    let text = place.text("bench diff a.json b.json");
    assert!(text.contains("1 faster, 2 same, 1 slower.") && text.contains("1 only in a.json"), "{text}");

    place.write("damaged.json", b"{\"ms\":\n");
    place.fails("bench diff a.json damaged.json", &["damaged.json, line 1"]);
    place.fails("bench diff a.json none.json", &["none.json"]);
    failed(place.run("bench diff a.json"), 2, &["required"]);
}
