//! `girih data`: what is there, downloads, and the procedural set.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use girih::data::{KnownSet, Root, RootSource, SetStatus};
use serde::Serialize;

use crate::args::{Data, Fetch, Fetchable, Global, Synth};
use crate::error::told;
use crate::fetch::{self, Fetched, Patience, Source};
use crate::output::Output;
use crate::progress::FetchBar;
use crate::table::{Align, Table, bytes, count};

/// A known data set and where it stands: a JSON line of `girih data list`.
#[derive(Serialize, Clone, Debug)]
pub struct Listed {
    /// As `--data` takes it.
    pub name: String,
    /// Where it is, or null.
    pub path: Option<PathBuf>,
    /// Whether all its files are there and of the right length.
    pub whole: bool,
    /// What it takes on disk, where it is whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// What is wrong with it, where something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Listed {
    fn new(set: &KnownSet, status: SetStatus) -> Self {
        let mut listed = Self { name: set.name.to_owned(), path: None, whole: false, bytes: None, problem: None };
        match status {
            SetStatus::Whole { folder, size_bytes } => {
                listed.path = Some(folder);
                listed.whole = true;
                listed.bytes = Some(size_bytes);
            }
            SetStatus::Damaged { folder, problem } => {
                listed.path = Some(folder);
                listed.problem = Some(problem);
            }
            _ => {}
        }
        listed
    }

    /// The state in words, with what helps.
    fn state(&self) -> String {
        match (self.bytes, &self.problem, self.name.as_str()) {
            (Some(length), _, _) => format!("whole, {}", bytes(length)),
            (_, Some(problem), _) => format!("damaged: {problem}"),
            (.., name @ ("cifar10" | "cifar100")) => format!("absent: girih data fetch {name}"),
            _ => "absent".to_owned(),
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "event", rename = "synth")]
struct SynthEvent<'a> {
    path: &'a Path,
    seed: u32,
    train_images: u32,
    test_images: u32,
    seconds: f64,
}

#[derive(Serialize)]
#[serde(tag = "event", rename = "fetch")]
struct FetchEvent<'a> {
    name: &'a str,
    path: &'a Path,
    downloaded: bool,
    bytes: u64,
    seconds: f64,
}

/// Runs `girih data …`.
///
/// # Errors
/// The data cannot be read, downloaded or written.
pub fn run(command: &Data, global: &Global, output: Output) -> Result<()> {
    let root = Root::find(global.data_root.as_deref());
    match command {
        Data::List => list(&root, output),
        Data::Fetch(arguments) => fetch(arguments, root.path(), output),
        Data::Synth(arguments) => synth(arguments, output),
    }
}

/// Shows where data is looked for and what is there.
fn list(root: &Root, output: Output) -> Result<()> {
    let why = match root.source() {
        RootSource::Argument => "--data-root",
        RootSource::Environment => "GIRIH_DATA",
        RootSource::Platform => "the platform's data folder; --data-root or GIRIH_DATA change it",
        _ => "there is no platform data folder; --data-root or GIRIH_DATA change it",
    };
    output.text(format!("Data lies in {} ({why}).\n", root.path().display()))?;
    let columns = [("name", Align::Left), ("state", Align::Left), ("where", Align::Left)];
    let mut table = Table::new(&columns);
    for (set, status) in root.list() {
        let set = Listed::new(set, status);
        output.json(&set)?;
        let path = set.path.as_ref().map(|path| path.display().to_string());
        table.row([set.name.clone(), set.state(), path.unwrap_or_default()]);
    }
    table.row(["synthetic", "always there: it is drawn when asked for", ""]);
    output.text(table.render(output.width()))
}

/// Writes the procedural set.
fn synth(arguments: &Synth, output: Output) -> Result<()> {
    let Synth { dir, seed, train, test } = arguments;
    let start = Instant::now();
    girih::data::synth::write_synthetic(dir, *seed, *train, *test).map_err(told)?;
    let seconds = start.elapsed().as_secs_f64();
    output.json(&SynthEvent { path: dir, seed: *seed, train_images: *train, test_images: *test, seconds })?;
    let (train, test) = (count((*train).into()), count((*test).into()));
    output.text(format!("Wrote {train} training and {test} test images to {}.", dir.display()))
}

fn fetch(arguments: &Fetch, root: &Path, output: Output) -> Result<()> {
    let source = match arguments.name {
        Fetchable::Cifar10 => Source::cifar10(),
        Fetchable::Cifar100 => Source::cifar100(),
    };
    let start = Instant::now();
    let bar = FetchBar::new(output, source.name);
    let mirror = arguments.mirror.as_deref();
    let fetched = fetch::fetch(&source, root, mirror, Patience::default(), |stage| {
        bar.show(stage);
    });
    bar.clear();
    let (path, downloaded, length) = match fetched? {
        Fetched::Present(path) => (path, false, 0),
        Fetched::New { folder, bytes } => (folder, true, bytes),
    };
    let seconds = start.elapsed().as_secs_f64();
    output.json(&FetchEvent { name: source.name, path: &path, downloaded, bytes: length, seconds })?;
    let (name, place) = (source.name, path.display());
    output.text(if downloaded {
        format!("{name} is in {place}: {} in {seconds:.1} s.", bytes(length))
    } else {
        format!("{name} is in {place} already, whole.")
    })
}
