//! `girih predict`: class scores of images.

use std::path::Path;

use anyhow::Result;
use image::RgbImage;
use serde::Serialize;

use crate::output::Output;
use crate::sheet;
use crate::table::{Score, score_bars};

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
    let mut ranked: Vec<Score> = classes
        .iter()
        .zip(scores)
        .map(|(class, &score)| Score {
            class: class.clone(),
            score,
        })
        .collect();
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
    ranked
}

/// Shows predictions and writes the sheet: `top` classes of each image, or else all in JSON and ten
/// for people.
///
/// # Errors
/// Standard output or the sheet cannot be written.
pub fn show(
    predictions: &[Prediction],
    top: Option<usize>,
    sheet: Option<&Path>,
    output: Output,
) -> Result<()> {
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
        output.json(&Line {
            image: &prediction.image,
            label: prediction.label.as_deref(),
            scores,
        })?;
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
        let line = Line {
            image: "cat.png",
            label: None,
            scores: &[Score {
                class: "cat".into(),
                score: 0.5,
            }],
        };
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"image":"cat.png","scores":[{"class":"cat","score":0.5}]}"#
        );
    }
}
