//! Class names: the standard sets', and those a folder brings.

use super::DataError;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// CIFAR-10's classes, in label order.
pub const CIFAR10_CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// The digits of MNIST.
pub const MNIST_CLASSES: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// Fashion-MNIST's classes, in label order.
pub const FASHION_MNIST_CLASSES: [&str; 10] =
    ["t-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"];

/// CIFAR-100's fine classes, in label order, which is alphabetical.
#[rustfmt::skip]
pub const CIFAR100_CLASSES: [&str; 100] = [
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle",
    "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle",
    "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur",
    "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard",
    "lamp", "lawn_mower", "leopard", "lion", "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain",
    "mouse", "mushroom", "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree",
    "plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket",
    "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider",
    "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger", "tractor",
    "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman", "worm",
];

/// Labels are bytes in every format read here.
const MOST_CLASSES: usize = 256;

/// The lines of the file at `path`, or `standard` when there is no such file.
pub(super) fn read_names(path: &Path, standard: &[&str]) -> Result<Vec<String>, DataError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(standard.iter().map(|&name| name.to_owned()).collect());
        }
        Err(error) => return Err(DataError::io("read", path)(error)),
    };
    let fail = |problem| Err(DataError::Names { path: path.to_owned(), problem });
    let Ok(text) = String::from_utf8(bytes) else {
        return fail("class names must be UTF-8, one a line".to_owned());
    };
    let names: Vec<String> = text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect();
    match names.len() {
        1..=MOST_CLASSES => Ok(names),
        count => fail(format!("{count} class names, expected 1 to {MOST_CLASSES}, one a line")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::scratch::Scratch;

    #[test]
    fn names_come_from_the_file_or_the_standard() {
        let scratch = Scratch::new("names");
        let file = scratch.write("names.txt", b"one\r\ntwo words\n\n");
        assert_eq!(read_names(&file, &["x"]).unwrap(), ["one", "two words"]);
        assert_eq!(read_names(&scratch.path().join("none.txt"), &["x"]).unwrap(), ["x"]);
    }

    #[test]
    fn unusable_names_are_refused() {
        let scratch = Scratch::new("names-bad");
        let many = "x\n".repeat(257);
        for (bytes, words) in
            [(&b"\n \n"[..], "0 class names"), (many.as_bytes(), "257 class names"), (b"\xff", "UTF-8")]
        {
            let file = scratch.write("names.txt", bytes);
            let error = read_names(&file, &[]).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("names.txt"), "{error}");
        }
    }

    #[test]
    fn the_fine_classes_are_alphabetical() {
        assert!(CIFAR100_CLASSES.is_sorted());
    }
}
