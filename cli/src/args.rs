//! The commands and their flags, with the help a user reads.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::commands::bench::args::Bench;

/// Train neural networks on any GPU: every kernel is a WGSL compute shader.
#[derive(Parser, Debug)]
#[command(name = "girih", version, max_term_width = 100, after_help = EXAMPLES)]
#[command(propagate_version = true, arg_required_else_help = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Flags that every command takes.
    #[command(flatten)]
    pub global: Global,
}

const EXAMPLES: &str = "\
Examples:
  girih train --model cnn --epochs 3 --out runs/first   train, with a progress bar
  girih predict runs/first cat.jpg cifar10:test:17      class scores as bars
  girih train --out runs/first --resume                 go on where Ctrl-C stopped it
  girih train --data text:book.txt --out runs/book      a model of a text
  girih generate runs/book --prompt It              what it writes
  girih inspect resnet9                                 layers, parameters, memory
  girih bench matmul --blas                             every kernel, under the roofline

Exit codes: 0 done, 1 the run failed, 2 the command line is wrong.";

/// Flags that every command takes.
#[derive(Args, Debug, Clone, Default)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Print JSON lines on standard output and nothing else there (docs/json.md lists the keys)
    #[arg(long, global = true)]
    pub json: bool,
    /// The adapter to run on: part of its name, or its number in `girih devices`
    #[arg(long, global = true, value_name = "NAME|INDEX", env = "GIRIH_ADAPTER")]
    pub adapter: Option<String>,
    /// The folder data sets lie in [default: GIRIH_DATA, else `girih` in the platform's data folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_root: Option<PathBuf>,
}

/// How strategies are chosen.
#[derive(Args, Debug, Clone, Default)]
pub struct TuningFile {
    /// Choose strategies by the measurements in this file, which `girih tune` writes [default: the run's, if it has any]
    #[arg(long, value_name = "FILE")]
    pub tuning: Option<PathBuf>,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// List the graphics adapters, what they can do, and which one is chosen and why
    Devices,
    /// List, download or make data sets
    #[command(subcommand)]
    Data(Data),
    /// Train a model; write a run folder with its checkpoint, metrics and curves
    Train(Train),
    /// Measure a trained model on the test part of its data set
    Eval(Eval),
    /// Show the class scores of images, or of the nodes of trees
    Predict(Predict),
    /// Write text with a trained model, character by character
    Generate(Generate),
    /// Show a model's layers, parameters and work, and the plan that would run it
    Inspect(Inspect),
    /// Measure which strategy of each operation of a model is fastest on this adapter, and keep that in a file
    Tune(Tune),
    /// Measure the adapter, every kernel under the roofline, and whole models
    Bench(Bench),
}

/// `girih data …`.
#[derive(Subcommand, Debug)]
pub enum Data {
    /// Show where data is looked for, what is there, and whether it is whole
    List,
    /// Download a data set from its publisher and check it; an interrupted download goes on where
    /// it stopped
    Fetch(Fetch),
    /// Write the procedural set (ten classes of 32×32 colour images) in CIFAR-10's binary format
    Synth(Synth),
}

/// `girih data fetch`.
#[derive(Args, Debug)]
pub struct Fetch {
    /// Which data set
    pub name: Fetchable,
    /// Take the archive from this address instead of the publisher's (a mirror, a test server)
    #[arg(long, value_name = "URL", env = "GIRIH_MIRROR", hide = true)]
    pub mirror: Option<String>,
}

/// The data sets that `fetch` downloads.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetchable {
    /// 60,000 colour images of 32×32 in 10 classes (162 MiB)
    Cifar10,
    /// 60,000 colour images of 32×32 in 100 classes (161 MiB)
    Cifar100,
}

/// `girih data synth`.
#[derive(Args, Debug)]
pub struct Synth {
    /// The folder to write to
    pub dir: PathBuf,
    /// The seed: the same one writes the same bytes
    #[arg(long, default_value_t = 0)]
    pub seed: u32,
    /// How many training images
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    pub train: u32,
    /// How many test images
    #[arg(long, value_name = "COUNT", default_value_t = 2_000)]
    pub test: u32,
}

/// `girih train`. What a user may leave out is optional here, so that `--resume` can tell what was
/// asked from what is a default; the defaults are in [`crate::config`].
#[derive(Args, Debug, Clone, Default)]
pub struct Train {
    /// cifar10, cifar100, mnist, fashion-mnist, synthetic, or a folder with one of them; text:FILE or
    /// text:tinyshakespeare; japanese-vowels or a folder with .ts files; sst or a folder with trees
    /// [default: cifar10 where it is there, else synthetic; for models of trees sst]
    #[arg(long, value_name = "NAME|PATH")]
    pub data: Option<String>,
    /// The network; those of trees train with adamw at 0.002, weight decay 0.05, 5 epochs and batches
    /// of 25 unless told otherwise [default: cnn; char-lstm for a text, gru-classifier for series]
    #[arg(long, value_enum)]
    pub model: Option<Model>,
    /// How many times to go through the training data [default: 10; 40 for series]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub epochs: Option<u32>,
    /// How many images, texts side by side, or series a step [default: 64; 32 for texts and series]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub batch: Option<u32>,
    /// Use only the first COUNT training images, characters or series
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// The learning rate, at its highest [default: 0.03 with sgd, 0.001 with adam and adamw; 0.004 for
    /// recurrent models with adam]
    #[arg(long, value_name = "RATE", value_parser = positive)]
    pub lr: Option<f32>,
    /// How the learning rate goes over the run [default: one-cycle]
    #[arg(long, value_enum)]
    pub schedule: Option<Schedule>,
    /// How weights are updated [default: sgd; adam for recurrent models]
    #[arg(long, value_enum)]
    pub optimizer: Option<Optimizer>,
    /// Momentum of sgd [default: 0.9]
    #[arg(long, value_name = "FRACTION", value_parser = fraction)]
    pub momentum: Option<f32>,
    /// Weight decay [default: 0.0005 with sgd, 0 with adam, 0.01 with adamw]
    #[arg(long, value_name = "RATE", value_parser = not_negative)]
    pub weight_decay: Option<f32>,
    /// Scale gradients down to at most this norm [default: as they are; 1 for recurrent models]
    #[arg(long, value_name = "NORM", value_parser = positive)]
    pub clip_norm: Option<f32>,
    /// The share of each label spread over all classes [default: 0]
    #[arg(long, value_name = "FRACTION", value_parser = fraction)]
    pub label_smoothing: Option<f32>,
    /// What matrix products and convolutions are computed in [default: f32]; mixed where the adapter can, else f32
    #[arg(long, value_enum)]
    pub precision: Option<Precision>,
    /// The seed of weights, order, augmentation and dropout [default: 0]
    #[arg(long)]
    pub seed: Option<u32>,
    /// Vary training images: a list of crop, flip, cutout [given without a list: crop,flip]
    #[arg(long, value_enum, value_name = "LIST", value_delimiter = ',', num_args = 0..=1)]
    #[arg(require_equals = true, default_missing_value = "crop,flip")]
    pub augment: Option<Vec<Augment>>,
    /// Units of a recurrent layer [default: 256 for texts, 64 for series]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub hidden: Option<u32>,
    /// Recurrent layers [default: 1]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub layers: Option<u32>,
    /// What is dropped between recurrent layers and before the scores [default: 0; 0.2 for series]
    #[arg(long, value_name = "FRACTION", value_parser = fraction)]
    pub dropout: Option<f32>,
    /// Characters of a text a step, through which gradients go back [default: 64]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub unroll: Option<u32>,
    /// The run folder to write [default: runs/ and the first free number]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Go on with the run in --out, bit for bit as if it had not stopped; of the other flags, only
    /// --epochs may change, and the schedule then is that of a run of so many epochs
    #[arg(long, requires = "out")]
    pub resume: bool,
    /// Replace a run that is already in --out
    #[arg(long, requires = "out", conflicts_with = "resume")]
    pub overwrite: bool,
    /// Measure first which strategy of each operation is fastest, within nine seconds; the run keeps what was found
    #[arg(long, conflicts_with_all = ["resume", "tuning"])]
    pub tune: bool,
    /// Choose strategies by the measurements in this file, which `girih tune` writes; the run keeps a copy
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    pub tuning: Option<PathBuf>,
}

/// `girih eval`.
#[derive(Args, Debug)]
pub struct Eval {
    /// The run folder
    pub run: PathBuf,
    /// Another data set than the run's own
    #[arg(long, value_name = "NAME|PATH")]
    pub data: Option<String>,
    /// How many images, stretches of text, series or trees at a time
    #[arg(long, value_name = "COUNT", default_value_t = 256)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub batch: u32,
    /// How strategies are chosen.
    #[command(flatten)]
    pub tuning: TuningFile,
}

/// `girih predict`.
#[derive(Args, Debug)]
pub struct Predict {
    /// The run folder
    pub run: PathBuf,
    /// PNG or JPEG files of any size, or images of a data set, such as cifar10:test:17; for models of
    /// trees, sentences (words parted by spaces as the treebank has them: "it does n't work ."), trees
    /// such as "(? (? a) (? film))", or sst:test:17
    #[arg(required = true, value_name = "IMAGE|TREE")]
    pub inputs: Vec<String>,
    /// How many classes to show of each image [default: 10; all with --json]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub top: Option<u32>,
    /// Draw the images with their top three scores to this PNG file
    #[arg(long, value_name = "FILE")]
    pub sheet: Option<PathBuf>,
    /// Draw the trees with the class of each node to this SVG file
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// How strategies are chosen.
    #[command(flatten)]
    pub tuning: TuningFile,
}

/// `girih generate`.
#[derive(Args, Debug)]
pub struct Generate {
    /// The run folder
    pub run: PathBuf,
    /// What the text begins with [default: a line break, if the model knows it]
    #[arg(long, value_name = "TEXT")]
    pub prompt: Option<String>,
    /// How many characters to write
    #[arg(long, value_name = "COUNT", default_value_t = 200)]
    pub length: u32,
    /// 0: always the likeliest character; 1: as likely as the model says; above: bolder
    #[arg(long, value_name = "NUMBER", default_value_t = 0.8, value_parser = not_negative, allow_negative_numbers = true)]
    pub temperature: f32,
    /// Only so many of the likeliest characters; 0: all
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub top_k: u32,
    /// The seed: the same one writes the same text
    #[arg(long, default_value_t = 0)]
    pub seed: u32,
}

/// The largest batch that a model is planned for.
const MOST_BATCH: i64 = 1 << 26;
/// The largest batch that a model is measured with.
pub const MOST_MEASURED: i64 = 1 << 20;

/// `girih inspect`.
#[derive(Args, Debug)]
pub struct Inspect {
    /// linear, mlp, cnn, resnet9, or the run folder of a classifier of images
    #[arg(value_name = "MODEL|RUN")]
    pub subject: String,
    /// The size of one input, as CHANNELSxHEIGHTxWIDTH [default: the run's, or 3x32x32]
    #[arg(long, value_name = "CxHxW", value_parser = input_shape)]
    pub input: Option<[u32; 3]>,
    /// The number of classes [default: the run's, or 10]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub classes: Option<u32>,
    /// How many images a step
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=MOST_BATCH))]
    pub batch: u32,
    /// Print the graph in Graphviz' language instead
    #[arg(long, conflicts_with = "recording")]
    pub dot: bool,
    /// Print the recorded commands of one training step instead
    #[arg(long)]
    pub recording: bool,
    /// How strategies are chosen.
    #[command(flatten)]
    pub tuning: TuningFile,
}

/// `girih tune`.
#[derive(Args, Debug)]
pub struct Tune {
    /// linear, mlp, cnn, resnet9, or the run folder of a classifier of images
    #[arg(value_name = "MODEL|RUN")]
    pub subject: String,
    /// How many images a step [default: the run's, or 64]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=MOST_MEASURED))]
    pub batch: Option<u32>,
    /// The file to write; what it holds of other adapters and operations stays [default: tuning.toml, in the run folder
    /// of a run]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Measure again what the file has
    #[arg(long)]
    pub again: bool,
    /// What training steps compute matrix products and convolutions in [default: the run's, or f32]
    #[arg(long, value_enum)]
    pub precision: Option<Precision>,
    /// How long measuring may take
    #[arg(long, value_name = "SECONDS", default_value_t = crate::tuning::SECONDS, value_parser = positive)]
    pub seconds: f32,
}

/// Networks that the command knows by name.
#[derive(ValueEnum, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// One linear layer
    Linear,
    /// Two hidden layers
    Mlp,
    /// Three convolutions with pooling, two linear layers
    Cnn,
    /// A nine-layer residual network with batch normalisation
    Resnet9,
    /// A vanilla recurrent network over the characters of a text
    CharRnn,
    /// An LSTM over the characters of a text
    CharLstm,
    /// A GRU over the characters of a text
    CharGru,
    /// A GRU over series, both ways
    GruClassifier,
    /// A binary Tree-LSTM, of trees such as sst
    TreeLstm,
    /// A child-sum Tree-LSTM, of trees
    ChildSumTreeLstm,
    /// A recursive neural tensor network, of trees
    Rntn,
}

/// What matrix products and convolutions are computed in.
#[derive(ValueEnum, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 32-bit floats
    #[default]
    F32,
    /// 16-bit floats, summed in 32 bits by cooperative matrices; weights and all else in 32 bits
    Mixed,
}

/// How the learning rate goes over a run.
#[derive(ValueEnum, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// The same throughout
    Constant,
    /// Divided by ten after the first and the second third of the run
    Step,
    /// Down to zero along half a cosine
    Cosine,
    /// Up, then down below where it began
    OneCycle,
    /// Up from a tenth during the first twentieth of the run, then constant
    WarmUp,
}

/// How weights are updated.
#[derive(ValueEnum, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Optimizer {
    /// Gradient descent with Nesterov momentum
    Sgd,
    /// Adam
    Adam,
    /// Adam with decoupled weight decay
    #[value(name = "adamw")]
    #[serde(rename = "adamw")]
    AdamW,
}

/// How training images are varied.
#[derive(ValueEnum, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Augment {
    /// A random crop of the image padded by four pixels
    Crop,
    /// A horizontal flip of half of them
    Flip,
    /// A random square blanked, a quarter of the image wide
    Cutout,
}

/// A value as the command line writes it.
#[must_use]
pub fn name_of(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn number(text: &str) -> Result<f32, String> {
    text.parse::<f32>().ok().filter(|value| value.is_finite()).ok_or_else(|| "not a number".to_owned())
}

fn positive(text: &str) -> Result<f32, String> {
    let value = number(text)?;
    (value > 0.0).then_some(value).ok_or_else(|| "must be above 0".to_owned())
}

fn not_negative(text: &str) -> Result<f32, String> {
    let value = number(text)?;
    (value >= 0.0).then_some(value).ok_or_else(|| "must not be below 0".to_owned())
}

fn fraction(text: &str) -> Result<f32, String> {
    let value = number(text)?;
    (0.0..1.0).contains(&value).then_some(value).ok_or_else(|| "must be at least 0 and below 1".to_owned())
}

fn input_shape(text: &str) -> Result<[u32; 3], String> {
    let extents: Option<Vec<u32>> =
        text.split('x').map(|part| part.parse().ok().filter(|&extent| extent > 0)).collect();
    extents
        .and_then(|extents| extents.try_into().ok())
        .ok_or_else(|| "write it as CHANNELSxHEIGHTxWIDTH, such as 3x32x32".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn train(line: &str) -> Result<Train, clap::Error> {
        let words = format!("girih train {line}");
        let parsed = Arguments::try_parse_from(words.split_whitespace())?;
        match parsed.command {
            Command::Train(train) => Ok(train),
            _ => unreachable!("the line says train"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn augment_takes_an_optional_list() {
        assert_eq!(train("").unwrap().augment, None);
        assert_eq!(train("--augment").unwrap().augment, Some(vec![Augment::Crop, Augment::Flip]));
        assert_eq!(train("--augment=cutout,flip").unwrap().augment, Some(vec![Augment::Cutout, Augment::Flip]));
        assert!(train("--augment=twirl").is_err());
    }

    #[test]
    fn values_out_of_range_are_usage_errors() {
        for line in [
            "--epochs 0",
            "--batch 0",
            "--batch -3",
            "--lr 0",
            "--lr nan",
            "--momentum 1",
            "--weight-decay -0.1",
            "--model vgg",
            "--resume",
            "--out x --resume --overwrite",
        ] {
            let error = train(line).expect_err(line);
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn input_shapes_have_three_extents() {
        assert_eq!(input_shape("1x28x28"), Ok([1, 28, 28]));
        for text in ["28x28", "3x0x3", "3x32x32x1", "axbxc", ""] {
            assert!(input_shape(text).is_err(), "{text}");
        }
    }
}
