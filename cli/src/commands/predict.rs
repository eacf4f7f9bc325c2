//! `girih predict`: class scores of images.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use girih::data::{ImageSet, Root, Split};
use girih::train::Scorer;
use image::RgbImage;
use serde::Serialize;

use super::predict_trees;
use crate::args::{self, Global};
use crate::engine::{self, failed};
use crate::error::{told, usage};
use crate::image_file::{self, Named};
use crate::output::Output;
use crate::sheet;
use crate::table::{Score, score_bars};
use crate::task::Description;
use crate::task::images::ImageDescription;
use crate::trained::Trained;
use crate::tuning;

/// Images at a time, at the most.
const BATCH: usize = 64;

/// Runs `girih predict`.
///
/// # Errors
/// The run, an image or the adapter cannot be used, or the sheet cannot be written.
pub fn run(flags: &args::Predict, global: &Global, output: Output) -> Result<()> {
    let trained = Trained::open(&flags.run)?;
    if let Description::Trees(trees) = &trained.description {
        return predict_trees::run(flags, &trained, trees, global, output);
    }
    if flags.svg.is_some() {
        return usage("--svg draws trees; --sheet draws images");
    }
    let description = trained.images()?;
    let mut reader = Reader { root: Root::find(global.data_root.as_deref()), description, sets: BTreeMap::new() };
    let inputs = flags.inputs.iter().map(|name| reader.read(name)).collect::<Result<Vec<Input>>>()?;

    let device = engine::open(global)?;
    let batch = inputs.len().min(BATCH);
    let plan = tuning::options(&flags.tuning, Some(&flags.run), &device);
    let scorer = Scorer::new(&device, &description.image_model(), batch, &plan).map_err(failed)?;
    tuning::warn(scorer.session().plan());
    trained.restore(scorer.variables())?;
    let mut predictions = Vec::with_capacity(inputs.len());
    let mut inputs = inputs.into_iter().peekable();
    while inputs.peek().is_some() {
        let part: Vec<Input> = inputs.by_ref().take(batch).collect();
        let pixels: Vec<u8> = part.iter().flat_map(|input| &input.planes).copied().collect();
        scorer.write_bytes(&pixels).map_err(failed)?;
        let scores = scorer.score().and_then(|pending| Ok(pending.wait()?)).map_err(failed)?;
        let rows = scores.as_f32().unwrap_or_default().chunks_exact(description.classes.len());
        predictions.extend(part.into_iter().zip(rows).map(|(input, row)| Prediction {
            image: input.name,
            label: input.label,
            scores: ranked(&description.classes, row),
            seen: input.seen,
        }));
    }
    show(&predictions, flags.top.map(|top| top as usize), flags.sheet.as_deref(), output)
}

/// An image as the network takes it.
struct Input {
    name: String,
    label: Option<String>,
    planes: Vec<u8>,
    seen: RgbImage,
}

/// Reads images for a model; each part of a data set is read once, and only where an image of it is asked for.
struct Reader<'a> {
    root: Root,
    description: &'a ImageDescription,
    sets: BTreeMap<(String, Split), ImageSet>,
}

impl Reader<'_> {
    fn read(&mut self, name: &str) -> Result<Input> {
        let (image, label) = match Named::parse(name) {
            Named::File(path) => (image_file::read(&path)?, None),
            Named::Record { data, split, index } => {
                let set = self.set(data, split)?;
                let Some((label, planes)) = set.record(index) else {
                    bail!("there is no image {name}: {} has {} there, counted from 0", set.name(), set.len());
                };
                let [channels, h, w] = set.shape();
                let image = image_file::from_planes(planes, channels, w as u32, h as u32)
                    .with_context(|| format!("{name} has {channels} channels; only 1 or 3 can be shown"))?;
                (image, set.class_name(label).map(str::to_owned))
            }
        };
        let [channels, h, w] = self.description.shape;
        let seen = image_file::fit(&image, w as u32, h as u32);
        let planes = image_file::planes(&seen, channels);
        if planes.len() != channels * h * w {
            bail!("the model is a {}, and images have 1 or 3 channels", self.description.words());
        }
        // What the network sees of a colour image may be its grey.
        let seen = image_file::from_planes(&planes, channels, w as u32, h as u32).unwrap_or(seen);
        Ok(Input { name: name.to_owned(), label, planes, seen })
    }

    fn set(&mut self, data: String, split: Split) -> Result<&ImageSet> {
        let key = (data, split);
        if !self.sets.contains_key(&key) {
            let set = self.root.load_split(&key.0, split).map_err(told)?;
            self.sets.insert(key.clone(), set);
        }
        self.sets.get(&key).context("the set was just read")
    }
}

/// The scores of one image.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// The image as the user named it.
    pub image: String,
    /// Its class, where the data set tells.
    pub label: Option<String>,
    /// All classes, best first.
    pub scores: Vec<Score>,
    /// The image as the network saw it, for the sheet.
    pub seen: RgbImage,
}

#[derive(Serialize)]
struct Line<'a> {
    image: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    scores: &'a [Score],
}

/// Class names and their scores, best first; equal scores keep the order of the classes.
#[must_use]
pub fn ranked(classes: &[String], scores: &[f32]) -> Vec<Score> {
    let mut ranked: Vec<Score> =
        classes.iter().zip(scores).map(|(class, &score)| Score { class: class.clone(), score }).collect();
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
    ranked
}

/// Shows predictions and writes the sheet: `top` classes of each image, or else all in JSON and ten
/// for people.
///
/// # Errors
/// Standard output or the sheet cannot be written.
pub fn show(predictions: &[Prediction], top: Option<usize>, sheet: Option<&Path>, output: Output) -> Result<()> {
    let top = top.unwrap_or(if output.is_human() { 10 } else { usize::MAX });
    // The sheet first: one that cannot be written is told before scores scroll by.
    if let Some(path) = sheet {
        let entries: Vec<sheet::Entry> = predictions
            .iter()
            .map(|prediction| sheet::Entry {
                name: prediction.image.clone(),
                image: prediction.seen.clone(),
                scores: prediction.scores.clone(),
            })
            .collect();
        sheet::write(path, &entries)?;
    }
    for (i, prediction) in predictions.iter().enumerate() {
        let scores = &prediction.scores[..top.min(prediction.scores.len())];
        output.json(&Line { image: &prediction.image, label: prediction.label.as_deref(), scores })?;
        if i > 0 {
            output.text("")?;
        }
        output.text(match &prediction.label {
            Some(label) => format!("{} ({label})", prediction.image),
            None => prediction.image.clone(),
        })?;
        output.text(score_bars(scores, output.width()))?;
    }
    if let Some(path) = sheet {
        output.text(format!("\nThe sheet is {}.", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_class_comes_first() {
        let classes = ["cat", "dog", "ship"].map(str::to_owned);
        let ranked = ranked(&classes, &[0.2, 0.6, 0.2]);
        let names: Vec<&str> = ranked.iter().map(|score| score.class.as_str()).collect();
        assert_eq!(names, ["dog", "cat", "ship"]);
    }

    #[test]
    fn json_lines_have_the_documented_keys() {
        let line = Line { image: "cat.png", label: None, scores: &[Score { class: "cat".into(), score: 0.5 }] };
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"image":"cat.png","scores":[{"class":"cat","score":0.5}]}"#
        );
    }
}
