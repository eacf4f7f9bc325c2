//! `girih inspect` and `girih devices`, as a user runs them.

mod place;

use place::{Place, failed};

#[test]
fn models_show_layers_and_plans() {
    let place = Place::new();
    for (model, parameters) in [("linear", 30_730), ("mlp", 1_707_274), ("cnn", 620_362), ("resnet9", 6_573_130)] {
        let lines = place.lines(&format!("inspect {model} --batch 16 --json"));
        let layers = lines.iter().filter(|line| line["event"] == "layer");
        let sum: u64 = layers.map(|layer| layer["parameters"].as_u64().unwrap()).sum();
        assert_eq!(sum, parameters, "{model}");
        let plan = |pass: &str, fused: bool| {
            let mut plans = lines.iter().filter(|line| line["event"] == "plan");
            let plan = plans.find(|plan| plan["pass"] == pass && plan["fused"] == fused).unwrap();
            ["dispatches", "buffers", "peak_bytes", "moved_bytes"].map(|key| plan[key].as_u64().unwrap())
        };
        for pass in ["forward", "training"] {
            let (fused, plain) = (plan(pass, true), plan(pass, false));
            assert!(fused[0] < plain[0] && fused[1] < plain[1], "{model} {pass}: {fused:?} {plain:?}");
            assert!(fused[2] <= plain[2], "{model} {pass}: {fused:?} {plain:?}");
            // A product with an epilogue may take another strategy, so that small models move about as much.
            let saves = fused[3] < plain[3] || !["cnn", "resnet9"].contains(&model);
            assert!(fused[3] > 0 && saves, "{model} {pass}: {fused:?} {plain:?}");
        }
    }
    let text = place.text("inspect cnn");
    assert!(text.contains("conv2") && text.contains("64×16×16") && text.contains("620,362"), "{text}");
    assert!(text.contains("moved") && text.contains("training, unfused"), "{text}");
}

#[test]
fn graphs_and_recordings_are_printed() {
    let place = Place::new();
    let dot = place.text("inspect mlp --dot --input 1x28x28 --classes 5");
    assert!(dot.starts_with("digraph") && dot.trim_end().ends_with('}') && dot.contains("fc3"), "{dot}");
    assert_eq!(place.lines("inspect mlp --dot --json").len(), 1);
    let recording = place.text("inspect cnn --recording --batch 8");
    assert!(recording.starts_with("buffer b0") && recording.contains("conv1"), "{recording}");
    let commands = place.lines("inspect cnn --recording --batch 8 --json");
    assert_eq!(commands.len(), recording.lines().count());
    failed(place.run("inspect vgg"), 2, &["vgg is neither a run folder nor one of linear, mlp, cnn, resnet9"]);
}

#[test]
fn one_adapter_is_chosen() {
    let place = Place::new();
    let devices = place.lines("devices --json");
    let chosen: Vec<_> = devices.iter().filter(|device| device["chosen"] == true).collect();
    assert_eq!(chosen.len(), 1);
    let device = chosen[0];
    let kind = device["kind"].as_str().unwrap();
    assert!(["discrete", "integrated", "virtual", "software", "other"].contains(&kind), "{kind}");
    assert!(device["reason"].is_string() && device["limits"]["binding_bytes"].is_u64(), "{device}");
    // By number, and by a part of its name in other letters.
    let name: String = device["name"].as_str().unwrap().to_uppercase().chars().take_while(|c| *c != ' ').collect();
    for wanted in [device["index"].to_string(), name] {
        let again = place.lines(&format!("devices --json --adapter {wanted}"));
        let chosen = again.iter().find(|device| device["chosen"] == true).unwrap();
        assert_eq!(
            (&chosen["index"], chosen["reason"].as_str().unwrap().contains("asked for")),
            (&device["index"], true)
        );
    }
    assert!(place.text("devices").contains("Runs on"));
}
