//! Data sets as the commands use them.

use std::path::{Path, absolute};

use anyhow::{Context, Result, bail};
use girih::data::{ImageSet, KNOWN_SETS, Root, Splits};

use crate::error::told;

const SYNTHETIC: &str = "synthetic";
/// What stands before the file of a text.
const TEXT: &str = "text:";

/// A data set as a run remembers it: its name, or the whole path of its folder or file, so that the run can be used from
/// another folder.
///
/// # Errors
/// The current folder is gone, or the path is no text.
pub fn remembered(spec: &str) -> Result<String> {
    let is_known = spec == SYNTHETIC || KNOWN_SETS.iter().any(|set| set.name == spec);
    let (prefix, place) = spec.strip_prefix(TEXT).map_or(("", spec), |file| (TEXT, file));
    if is_known || !(Path::new(place).is_dir() || prefix == TEXT) {
        return Ok(spec.to_owned());
    }
    if place.is_empty() {
        bail!("`{spec}` names no file");
    }
    let path = absolute(place).with_context(|| format!("cannot tell where {place} is"))?;
    let path = path.into_os_string().into_string().ok();
    path.map(|path| format!("{prefix}{path}")).with_context(|| format!("the path of {place} is not Unicode"))
}

/// Loads a data set, and of its training images only the first `limit`.
///
/// # Errors
/// It is not there or damaged.
pub fn load(root: &Root, spec: &str, limit: Option<u32>) -> Result<Splits> {
    let splits = root.load(spec).map_err(told)?;
    match limit {
        Some(limit) if (limit as usize) < splits.train.len() => {
            let train = first(&splits.train, limit as usize)?;
            Splits::new(train, splits.test).map_err(told)
        }
        _ => Ok(splits),
    }
}

fn first(set: &ImageSet, count: usize) -> Result<ImageSet> {
    let pixels = set.pixels()[..count * set.image_bytes()].to_vec();
    let labels = set.labels()[..count].to_vec();
    ImageSet::new(set.name(), set.shape(), set.classes().to_vec(), pixels, labels).map_err(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use girih::data::synth;

    #[test]
    fn folders_are_remembered_whole_and_names_as_they_are() {
        for name in [SYNTHETIC, "cifar10", "fashion-mnist", "no-such-folder"] {
            assert_eq!(remembered(name).unwrap(), name);
        }
        let path = remembered("src").unwrap();
        assert!(Path::new(&path).is_absolute() && path.ends_with("src"), "{path}");
    }

    #[test]
    fn a_limit_takes_the_first_training_images() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("set");
        synth::write_synthetic(&folder, 3, 20, 10).unwrap();
        let root = Root::find(Some(place.path()));
        let spec = folder.to_str().unwrap();
        let whole = load(&root, spec, None).unwrap();
        let part = load(&root, spec, Some(7)).unwrap();
        assert_eq!((part.train.len(), part.test.len()), (7, 10));
        assert_eq!(part.train.record(6), whole.train.record(6));
        assert_eq!(load(&root, spec, Some(99)).unwrap().train.len(), 20);
    }
}
