//! The flags of `girih bench`, with the help a user reads.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use girih::ops::recurrent::Cell;
use serde::Deserialize;

use crate::args::{MOST_MEASURED, Model, Precision, TuningFile};

/// `girih bench`: without a word more, all ops.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Bench {
    /// What is measured.
    #[command(subcommand)]
    pub what: Option<What>,
    /// How all ops are measured.
    #[command(flatten)]
    pub all: Cases,
}

/// What is measured.
#[derive(Subcommand, Debug)]
pub enum What {
    /// What the adapter can do: arithmetic, memory, subgroups, dispatch and submit
    Peak,
    /// Matrix products
    Matmul(Cases),
    /// Convolutions and their gradients
    Conv(Cases),
    /// Pooling and its gradients
    Pool(Cases),
    /// Sums, means and extremes
    Reduce(Cases),
    /// Softmax, its logarithm, and their gradients
    Softmax(Cases),
    /// The four passes of batch normalisation
    BatchNorm(Cases),
    /// Element-wise functions
    Pointwise(Cases),
    /// The steps of recurrent layers, forwards and backwards
    Rnn(Cases),
    /// Cross-entropy and its gradient
    CrossEntropy(Cases),
    /// Rows by index, and rows added up by index
    Gather(Cases),
    /// Axes in another order
    Transpose(Cases),
    /// Dropout
    Dropout(Cases),
    /// A model's training step and inference
    Model(ModelFlags),
    /// A whole recurrent layer: input product, steps, and with all gradients
    Recurrent(RecurrentFlags),
    /// Trees level by level, and one node at a time
    Trees(TreeFlags),
    /// Compare two files of JSON lines: what became faster, what slower, and what is noise
    Diff(Diff),
}

/// How cases are measured.
#[derive(Args, Debug, Clone)]
pub struct Cases {
    /// cifar, deepbench, or a TOML file of shapes (docs/bench.md)
    #[arg(long, value_name = "LIST|FILE", default_value = "cifar")]
    pub shapes: String,
    /// Only cases whose op and shape contain this
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Only this strategy, such as tile
    #[arg(long, value_name = "NAME")]
    pub strategy: Option<String>,
    /// Check a kernel of your own and time it beside the others (docs/kernels.md); may be given several times
    #[arg(long, value_name = "FILE")]
    pub wgsl: Vec<PathBuf>,
    /// How many times each strategy is measured, in turns with the others
    #[arg(long, value_name = "COUNT", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// Also what takes very long on this adapter: the larger shapes of deepbench, slow strategies
    #[arg(long)]
    pub all: bool,
    /// What products are computed of: mixed measures matrix products and convolutions of f16, under
    /// the roof of cooperative matrices
    #[arg(long, value_enum, default_value = "f32")]
    pub precision: Precision,
    /// Time a BLAS on this machine's cores beside: the same matrix product, or for a convolution
    /// that of as many operations
    #[arg(long)]
    pub blas: bool,
    /// Show the time of each dispatch of each strategy, by the device's clock
    #[arg(long)]
    pub profile: bool,
    /// Write the table to this file as comma-separated values
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Draw the roofline with all kernels under it to this SVG file
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
}

/// `girih bench model`.
#[derive(Args, Debug)]
pub struct ModelFlags {
    /// Which model
    pub model: Model,
    /// The training step [both without --train and --infer]
    #[arg(long)]
    pub train: bool,
    /// Inference
    #[arg(long)]
    pub infer: bool,
    /// How many images at a time
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=MOST_MEASURED))]
    pub batch: u32,
    /// What matrix products and convolutions are computed in
    #[arg(long, value_enum, default_value = "f32")]
    pub precision: Precision,
    /// How many measurements
    #[arg(long, value_name = "COUNT", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// Show the time of each dispatch, by the device's clock
    #[arg(long)]
    pub profile: bool,
    /// How strategies are chosen.
    #[command(flatten)]
    pub tuning: TuningFile,
}

/// `girih bench recurrent`.
#[derive(Args, Debug)]
pub struct RecurrentFlags {
    /// What happens in a step
    #[arg(value_enum, default_value_t = CellName::Lstm)]
    pub cell: CellName,
    /// Features of a step
    #[arg(long, value_name = "COUNT", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..))]
    pub input: u32,
    /// Units
    #[arg(long, value_name = "COUNT", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    pub hidden: u32,
    /// Steps of a sequence
    #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    pub steps: u32,
    /// How many sequences at a time
    #[arg(long, value_name = "COUNT", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=MOST_MEASURED))]
    pub batch: u32,
    /// How many measurements
    #[arg(long, value_name = "COUNT", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// Show the time of each dispatch, by the device's clock
    #[arg(long)]
    pub profile: bool,
}

/// Recurrent cells by name.
#[derive(ValueEnum, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum CellName {
    /// A vanilla RNN with tanh
    Rnn,
    /// An LSTM
    Lstm,
    /// A GRU with the reset gate behind the product, as PyTorch has it
    Gru,
    /// A GRU with the reset gate in front of the product, as ONNX has it
    GruResetBefore,
}

impl CellName {
    /// The cell.
    pub fn cell(self) -> Cell {
        match self {
            Self::Rnn => Cell::RnnTanh,
            Self::Lstm => Cell::Lstm,
            Self::Gru => Cell::GruResetAfter,
            Self::GruResetBefore => Cell::GruResetBefore,
        }
    }
}

/// `girih bench trees`.
#[derive(Args, Debug)]
pub struct TreeFlags {
    /// Which cell
    #[arg(long, value_enum, default_value = "tree-lstm")]
    pub cell: TreeCell,
    /// Elements of a state [default: 100, of rntn 28]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub hidden: Option<u32>,
    /// How many trees at a time
    #[arg(long, value_name = "COUNT", default_value_t = 25)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=MOST_MEASURED))]
    pub batch: u32,
    /// How many measurements
    #[arg(long, value_name = "COUNT", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// Show the time of each dispatch, by the device's clock
    #[arg(long)]
    pub profile: bool,
}

/// Recursive cells.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeCell {
    /// The binary Tree-LSTM
    TreeLstm,
    /// The child-sum Tree-LSTM
    ChildSumTreeLstm,
    /// The recursive neural tensor network
    Rntn,
}

/// `girih bench diff`.
#[derive(Args, Debug)]
pub struct Diff {
    /// JSON lines of a `girih bench … --json`, before
    pub before: PathBuf,
    /// The same, after
    pub after: PathBuf,
}
