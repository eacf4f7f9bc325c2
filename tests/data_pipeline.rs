//! The data room from outside: a set is written, found, loaded, batched and prefetched, and gives back its own bytes.

use girih::data::synth::{synthetic, write_synthetic};
use girih::data::{Batches, DataError, Feed, Loader, Order, PAD_INDEX, Position, Root, SetStatus, Tail, packed_words};
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

/// A folder that goes when it is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("girih-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn from_files_to_batches_and_back() -> Result<(), Box<dyn Error>> {
    let scratch = Scratch::new("pipeline");
    let folder = scratch.0.join("figures");
    write_synthetic(&folder, 11, 103, 20)?;
    let splits = Root::find(Some(&scratch.0)).load(&folder.to_string_lossy())?;
    let made = synthetic(11, 103, 20)?;
    assert_eq!((splits.train.pixels(), splits.test.labels()), (made.train.pixels(), made.test.labels()));

    let set = Arc::new(splits.train);
    let words = packed_words(&set);
    let row = words.len() / set.len();
    let batches = Batches::new(set.len(), 16, Order::Shuffled { seed: 2 }, Tail::Pad)?;
    let loader = Loader::start(Arc::clone(&set), batches, Position::default(), 2, Feed::Pixels, 3)?;

    let mut seen = vec![0; set.len()];
    for batch in loader {
        let batch = batch?;
        assert_eq!((batch.indices.len(), batch.words.len()), (16, 16 * row));
        for (at, &index) in batch.indices.iter().enumerate() {
            if index == PAD_INDEX {
                assert!(at >= batch.real_count);
                continue;
            }
            let index = index as usize;
            seen[index] += 1;
            assert_eq!(batch.words[at * row..(at + 1) * row], words[index * row..(index + 1) * row]);
            assert_eq!(batch.labels[at], set.labels()[index]);
        }
    }
    assert!(seen.iter().all(|&count| count == 2), "each image once an epoch");
    Ok(())
}

#[test]
fn a_part_of_a_known_set_is_damaged_by_name_and_fine_by_path() -> Result<(), Box<dyn Error>> {
    let scratch = Scratch::new("damaged");
    let folder = scratch.0.join("cifar10");
    write_synthetic(&folder, 0, 10, 2)?;
    let root = Root::find(Some(&scratch.0));
    let (_, status) = root.list().find(|(set, _)| set.name == "cifar10").ok_or("no row")?;
    assert!(matches!(status, SetStatus::Damaged { .. }));
    let Err(error @ DataError::Damaged { .. }) = root.load("cifar10") else {
        return Err("it loaded".into());
    };
    assert!(error.to_string().contains("data_batch_1.bin has 6146 bytes, expected 30730000"), "{error}");
    assert_eq!(root.load(&folder.to_string_lossy())?.train.len(), 10);

    // Cut in the middle of a record: an error by path too.
    let file = folder.join("data_batch_2.bin");
    fs::write(&file, &fs::read(&file)?[..5000])?;
    let Err(error) = root.load(&folder.to_string_lossy()) else {
        return Err("it loaded".into());
    };
    assert!(error.to_string().contains("data_batch_2.bin has 5000 bytes"), "{error}");
    Ok(())
}
