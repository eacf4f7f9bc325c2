//! Bad input: one clear error, exit code 1, nothing half-written, no panic.

mod place;

use std::fs;

use place::{Place, black_set, failed};

const TRAIN: &str = "train --model linear --epochs 1 --batch 20 --out run";

#[test]
fn data_that_is_wrong_leaves_no_run() {
    let place = Place::with_set(50, 10);
    let file = fs::read(place.path("set/data_batch_2.bin")).unwrap();
    let with = |name: &str, contents: &[u8]| {
        place.copy("set", name);
        place.write(&format!("{name}/data_batch_2.bin"), contents);
    };
    with("short", &file[..file.len() - 1]);
    let mut labelled = file.clone();
    labelled[3 * 3073] = 10;
    with("labelled", &labelled);
    for part in ["train", "t10k"] {
        place.write(&format!("idx/{part}-images-idx3-ubyte"), b"\0\0\x08\x03\0\0\0\x01\0\0\0\x01\0\0\0\x01x");
        place.write(&format!("idx/{part}-labels-idx1-ubyte"), b"\0\0\x08\x03\0\0\0\x01\x01");
    }
    place.write("cut/train-images-idx3-ubyte", b"\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x01x");
    place.write("cut/train-labels-idx1-ubyte", b"\0\0\x08\x01\0\0\0\x02\x01\x01");
    for (data, words) in [
        ("short", ["data_batch_2.bin", "30729 bytes"]),
        ("labelled", ["data_batch_2.bin", "label 10"]),
        ("idx", ["train-labels-idx1-ubyte", "0x00000803"]),
        ("cut", ["train-images-idx3-ubyte", "17"]),
        ("nothing", ["`nothing`", "cifar10"]),
        ("cifar10", ["cifar10", "is not there"]),
    ] {
        let output = place.fails(&format!("{TRAIN} --data {data} --json"), &words);
        assert!(output.stdout.is_empty());
    }
    place.fails(&format!("{TRAIN} --data set --batch 51").replace("--batch 20 ", ""), &["51", "50"]);
    assert!(!place.path("run").exists());
}

#[test]
fn images_too_small_for_the_model_name_the_layer() {
    let place = Place::new();
    for part in ["train", "t10k"] {
        place.write(&format!("idx/{part}-images-idx3-ubyte"), b"\0\0\x08\x03\0\0\0\x01\0\0\0\x01\0\0\0\x01x");
        place.write(&format!("idx/{part}-labels-idx1-ubyte"), b"\0\0\x08\x01\0\0\0\x01\x01");
    }
    place.fails("train --data idx --model cnn --batch 1 --out run", &["pool1: max_pool2d of f32[1, 32, 1, 1]"]);
    assert!(!place.path("run").exists());
}

#[test]
fn a_batch_beyond_the_adapter_says_what_fits() {
    let place = Place::new();
    let words = ["a batch of 50000000 does not fit", "the adapter allows", "the largest that does is"];
    let output = place.run("inspect cnn --batch 50000000");
    failed(output, 1, &words);

    let devices = place.lines("devices --json");
    let chosen = devices.iter().find(|device| device["chosen"] == true).unwrap();
    let limit = chosen["limits"]["binding_bytes"].as_u64().unwrap();
    // The first convolution's output, 32 channels of 32×32, must be bound at once.
    let count = (limit as usize / (32 * 32 * 32 * 4) + 1).next_multiple_of(5);
    if count <= 20_000 {
        black_set(&place, "black", count);
        let error = place.fails(&format!("train --data black --epochs 1 --batch {count} --out run"), &["does not fit"]);
        let error = String::from_utf8(error.stderr).unwrap();
        assert!(
            error.contains(&format!("a batch of {count}")) && error.contains("the largest that does is"),
            "{error}"
        );
        assert!(!place.path("run").exists());
    }
}

#[test]
fn checkpoints_that_are_damaged_or_of_another_model() {
    let place = Place::with_set(50, 10);
    place.lines(&format!("{TRAIN} --data set --json"));
    place.lines("train --data set --model mlp --epochs 1 --batch 20 --out other --json");
    place.picture("cat.png", 32, 32);
    let whole = fs::read(place.path("run/checkpoint.safetensors")).unwrap();
    let replaced = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = whole.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        let mut bytes = whole.clone();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        bytes
    };
    let foreign = br#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}    "#;
    let foreign = [&(foreign.len() as u64).to_le_bytes()[..], foreign, &[0; 4]].concat();
    let cases: [(&[u8], &str); 7] = [
        (&whole[..whole.len() / 2], "damaged or truncated"),
        (&whole[..5], "damaged or truncated"),
        (b"", "damaged or truncated"),
        (&[0xff; 4096], "damaged or truncated"),
        (&foreign, "not a checkpoint of a run"),
        (&replaced("[3,32,32]", "[3,32,16]"), "fc.weight"),
        (&fs::read(place.path("other/checkpoint.safetensors")).unwrap(), "of another model: a mlp"),
    ];
    for (i, (bytes, words)) in cases.into_iter().enumerate() {
        place.copy("run", "damaged");
        place.write("damaged/checkpoint.safetensors", bytes);
        // The image fits any of them.
        place.fails("predict damaged cat.png", &["checkpoint", words]);
        if i != 5 {
            place.fails("eval damaged", &["checkpoint"]);
        }
        place.fails("train --out damaged --resume --epochs 2", &["checkpoint"]);
        assert_eq!(fs::read(place.path("damaged/checkpoint.safetensors")).unwrap(), bytes);
        assert!(fs::read_to_string(place.path("damaged/config.toml")).unwrap().contains("epochs = 1"));
    }
    fs::remove_file(place.path("damaged/checkpoint.safetensors")).unwrap();
    place.fails("predict damaged cat.png", &["damaged has no checkpoint"]);
    place.fails("predict set cat.png", &["set is no run folder"]);

    // A set of other images than the model was trained on.
    place.write("set/batches.meta.txt", b"a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\n");
    place.fails("eval run", &["images in 11 classes, but the model is a linear for 3×32×32 images in 10 classes"]);
    place.fails("train --out run --resume --epochs 2", &["of another model"]);
}

#[test]
fn images_that_cannot_be_read() {
    let place = Place::with_set(50, 10);
    place.lines(&format!("{TRAIN} --data set --json"));
    place.picture("cat.png", 32, 32);
    let png = fs::read(place.path("cat.png")).unwrap();
    place.write("half.png", &png[..png.len() / 2]);
    place.write("text.png", b"no image");
    for (image, words) in [
        ("half.png", "half.png"),
        ("text.png", "text.png"),
        ("absent.jpg", "absent.jpg"),
        ("set:test:10", "set:test:10"),
        ("cifar10:test:1", "cifar10 is not there"),
    ] {
        let output = place.fails(&format!("predict run cat.png {image} --json --sheet sheet.png"), &[words]);
        assert!(output.stdout.is_empty());
        assert!(!place.path("sheet.png").exists());
    }
    let output =
        place.fails("predict run cat.png --json --sheet text.png/sheet.png", &["cannot write text.png/sheet.png"]);
    assert!(output.stdout.is_empty());
}

#[test]
fn places_that_cannot_be_written() {
    let place = Place::with_set(50, 10);
    // A file where a folder is wanted stops root too, whom permissions do not.
    place.write("file", b"");
    place.fails("train --data set --model linear --epochs 1 --batch 20 --out file/run", &["cannot create", "file/run"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_keeps_what_there_was() {
    use std::os::unix::fs::symlink;
    let place = Place::with_set(50, 10);
    fs::create_dir(place.path("run")).unwrap();
    symlink("/dev/full", place.path("run/config.toml.tmp")).unwrap();
    place.fails(&format!("{TRAIN} --data set"), &["config.toml", "No space left"]);
    assert!(place.names("run").is_empty());

    place.lines(&format!("{TRAIN} --data set --json"));
    let saved = fs::read(place.path("run/checkpoint.safetensors")).unwrap();
    let files = place.names("run");
    symlink("/dev/full", place.path("run/checkpoint.partial")).unwrap();
    place.fails("train --out run --resume --epochs 2", &["checkpoint.safetensors", "No space left"]);
    assert_eq!(place.names("run"), files);
    assert_eq!(fs::read(place.path("run/checkpoint.safetensors")).unwrap(), saved);
    // With room again, it goes on from there.
    let told = place.lines("train --out run --resume --json");
    assert_eq!((told.len(), &told[1]["epoch"]), (3, &2.into()));
}

#[test]
fn a_run_that_diverges_stops() {
    let place = Place::with_set(100, 10);
    let command = format!("{TRAIN} --data set --lr 1e30 --schedule constant --epochs 4").replace("--epochs 1 ", "");
    place.fails(&command, &["the run has diverged", "--lr"]);
    assert!(!place.path("run/checkpoint.safetensors").exists());
}

#[test]
fn adapters_that_do_not_exist() {
    let place = Place::with_set(50, 10);
    let output = place.run("devices --json --adapter no-such-adapter");
    assert!(failed(output, 2, &["no-such-adapter", "there are: "]).stdout.is_empty());
    // As scripts leave it.
    let output = place.command("devices --json").env("GIRIH_ADAPTER", "").output().unwrap();
    assert_eq!(output.status.code(), Some(0));

    // The Vulkan loader with no driver; elsewhere there is no such switch.
    if cfg!(target_os = "linux") {
        let without = |words: &str| {
            let nowhere = place.path("no-driver.json");
            let mut command = place.command(words);
            command.env("VK_DRIVER_FILES", &nowhere).env("VK_ICD_FILENAMES", &nowhere);
            command.output().unwrap()
        };
        for command in ["devices", "devices --json", &format!("{TRAIN} --data set")] {
            let output = failed(without(command), 1, &["no", "adapter was found", "mesa-vulkan-drivers"]);
            assert!(output.stdout.is_empty());
        }
        assert!(!place.path("run").exists());
        let output = without("inspect cnn --json");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("WebGPU's default limits"));
    }
}
