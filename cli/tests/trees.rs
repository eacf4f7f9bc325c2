//! Models of trees as a user makes and uses them, and what is said of trees that do not do.

mod place;

use place::{Place, failed};
use serde_json::Value;

const GOOD: &str = "(4 (2 a) (4 (4 good) (2 film)))\n";
const BAD: &str = "(0 (2 a) (0 (0 bad) (2 film)))\n(1 (2 the) (1 bad))\n";

fn set() -> Place {
    let place = Place::new();
    place.write("sst/train.txt", (GOOD.to_owned() + BAD).repeat(12).as_bytes());
    place.write("sst/dev.txt", GOOD.as_bytes());
    place.write("sst/test.txt", BAD.as_bytes());
    place
}

#[test]
fn a_model_of_trees_is_trained_and_used() {
    let place = set();
    for model in ["tree-lstm", "child-sum-tree-lstm", "rntn"] {
        let told = place.lines(&format!("train --model {model} --epochs 4 --batch 4 --lr 0.01 --out {model} --json"));
        assert_eq!((&told[0]["config"]["data"], &told[0]["train_nodes"]), (&"sst".into(), &156.into()), "{model}");
        let last = &told[4];
        for key in ["root_accuracy", "root_binary_accuracy", "node_accuracy", "node_binary_accuracy", "nodes_per_s"] {
            assert!(last[key].is_f64(), "{key}: {last}");
        }
        assert!(last["train_loss"].as_f64() < told[1]["train_loss"].as_f64(), "{model}");
        let eval = &place.lines(&format!("eval {model} --json"))[0];
        assert_eq!((&eval["trees"], &eval["nodes"], &eval["unknown_words"]), (&2.into(), &8.into(), &0.into()));
        assert_eq!(eval["root_accuracy"], last["root_accuracy"]);
    }
    let dev = &place.lines("eval tree-lstm --data sst:dev --json")[0];
    assert_eq!((&dev["part"], &dev["trees"]), (&"dev".into(), &1.into()));
    assert!(place.text("eval tree-lstm").contains("0 of 5 words unknown"));
    // A run that goes on ends as one that did not stop would: the curves go on too.
    let more = place.lines("train --out tree-lstm --resume --epochs 5 --json");
    assert_eq!(more[0]["epochs_done"], 4);

    let mut command = place.command("predict tree-lstm sst:test:0 --svg trees.svg --json");
    let output = command.args(["(? (? a) (? gripping))", "so bad a film"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = place::lines(&output);
    let counts: Vec<(&Value, &Value, usize)> = told
        .iter()
        .map(|line| (&line["words"], &line["unknown_words"], line["nodes"].as_array().unwrap().len()))
        .collect();
    let [three, one, two, four] = [3, 1, 2, 4].map(Value::from);
    assert_eq!(counts, [(&three, &Value::from(0), 5), (&two, &one, 3), (&four, &one, 7)]);
    let node = &told[0]["nodes"][4];
    assert_eq!((&node["words"], &node["label"]), (&"a bad film".into(), &"very negative".into()));
    let sum: f64 = node["scores"].as_array().unwrap().iter().map(|score| score.as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-5);
    let svg = std::fs::read_to_string(place.path("trees.svg")).unwrap();
    assert_eq!(svg.matches("<circle").count(), 15);
    assert!(place.text("predict tree-lstm sst:test:1").contains("└─ "));
}

#[test]
fn trees_that_do_not_do_are_told_of() {
    let place = set();
    place.lines("train --model tree-lstm --epochs 1 --batch 4 --out run --json");
    let predict = |words: &[&str], code, say: &str| {
        failed(place.command("predict run").args(words).output().unwrap(), code, &[say]);
    };
    predict(&["(? (? a) (? b)"], 1, "the tree, line 1, column 1: this `(` is never closed");
    predict(&["()"], 1, "line 1, column 1: this node is empty");
    predict(&["(7 a)"], 1, "line 1, column 2: label 7, expected 0 to 4");
    predict(&["(? (? a) (? b) (? c))"], 1, "a node has 3 children, and the model takes 2 at most");
    predict(&[" "], 2, "a sentence without words");
    predict(&["sst:test:9"], 1, "sst has 2 there");
    predict(&["a film", "--sheet", "s.png"], 2, "--svg draws trees");
    place.fails("eval run --data nowhere", &["`nowhere` is neither a folder nor a set of trees: sst"]);
    failed(place.run("eval run --data sst:valid"), 2, &["sst has the parts train, dev and test, and no valid"]);
    failed(place.run("inspect run"), 2, &["not a classifier of images"]);

    for (file, text, say) in [
        ("test", "(0 (2 a) (0 b))\n(1 (2 c) (1 d)", "test.txt, line 2, column 1: this `(` is never closed"),
        ("dev", "", "dev.txt has 0 bytes"),
        ("train", "(3 (2 a) (2 b) (2 c))\n", "a node has 3 children"),
        ("train", "(3 a)\n(2 b)) ", "train.txt, line 2, column 6: this `)` closes nothing"),
    ] {
        let place = set();
        place.write(&format!("sst/{file}.txt"), text.as_bytes());
        place.fails("train --model rntn --batch 1 --out other", &[say]);
        assert!(!place.path("other").exists());
    }
    place.fails("train --model rntn --batch 1000 --out other", &["batch: 1000", "only 36"]);

    for file in ["train", "test"] {
        let place = set();
        place.write(&format!("sst/{file}.txt"), b"(? (? a) (? b))\n");
        place.fails("train --model rntn --batch 1 --out other", &["no node of the", "has a label"]);
    }
}

#[test]
fn sums_over_children_take_as_many_as_there_are() {
    let place = set();
    place.write("t:x/train.txt", b"(3 (2 a) (2 bad) (2 film))\n(1 (2 bad) (2 film))\n");
    for part in ["dev", "test"] {
        place.write(&format!("t:x/{part}.txt"), b"(3 (2 a) (2 bad) (2 film))\n");
    }
    place.lines("train --data t:x --model child-sum-tree-lstm --epochs 1 --batch 1 --out three --json");
    // The folder's name has a colon, which is not that before a part.
    assert_eq!(place.lines("eval three --json")[0]["nodes"], 4);
    let mut command = place.command("predict three");
    let output = command.args(["(? (? a) (? a) (? bad) (? film))"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
