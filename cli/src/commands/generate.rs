//! `girih generate`: text from a trained model, character by character.

use std::time::Instant;

use anyhow::{Result, bail};
use girih::plan::PlanOptions;
use girih::train::{Sampling, Writer};
use serde::Serialize;

use crate::args::{self, Global};
use crate::engine::{self, failed};
use crate::error::{told, usage};
use crate::output::Output;
use crate::task::Description;
use crate::trained::Trained;

#[derive(Serialize)]
#[serde(tag = "event", rename = "generate")]
struct Generated<'a> {
    run: String,
    prompt: &'a str,
    text: &'a str,
    temperature: f32,
    top_k: u32,
    seed: u32,
    characters_per_s: f64,
}

/// Runs `girih generate`.
///
/// # Errors
/// The run has no model of text, the prompt is empty or has a character that the model does not know, or the adapter
/// cannot be used.
pub fn run(flags: &args::Generate, global: &Global, output: Output) -> Result<()> {
    let trained = Trained::open(&flags.run)?;
    let Description::Text(description) = &trained.description else {
        bail!("{} has no model of text: it is a {}", flags.run.display(), trained.description.words());
    };
    let known = &description.vocabulary;
    let begin = match &flags.prompt {
        Some(prompt) if prompt.is_empty() => return usage("--prompt is empty: the text begins with it"),
        Some(prompt) => prompt.clone(),
        None if known.encode("\n").is_ok() => "\n".to_owned(),
        None => known.character(0).map(String::from).unwrap_or_default(),
    };
    let prompt = known.encode(&begin).map_err(|e| told(e).context("--prompt"))?;
    let device = engine::open(global)?;
    let sampling = Sampling { temperature: flags.temperature, top_k: flags.top_k as usize, seed: flags.seed };
    let mut writer =
        Writer::new(&device, &description.char_model()?, sampling, &PlanOptions::default()).map_err(failed)?;
    writer.restore(trained.values()).map_err(|e| failed(e).context(trained.place()))?;
    writer.read(&prompt).map_err(failed)?;
    let start = Instant::now();
    let mut text = String::new();
    output.piece(&begin)?;
    let mut broken = Ok(());
    writer
        .write_blocking(flags.length as usize, |number| {
            let character = description.vocabulary.character(number).unwrap_or(char::REPLACEMENT_CHARACTER);
            text.push(character);
            broken = output.piece(character);
            broken.is_ok()
        })
        .map_err(failed)?;
    broken?;
    output.text("")?;
    output.json(&Generated {
        run: flags.run.display().to_string(),
        prompt: &begin,
        text: &text,
        temperature: flags.temperature,
        top_k: flags.top_k,
        seed: flags.seed,
        characters_per_s: f64::from(flags.length) / start.elapsed().as_secs_f64(),
    })
}
