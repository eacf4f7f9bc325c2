//! Recurrent cells over whole sequences: vanilla RNN, LSTM, GRU.
//!
//! The input's part of all gates, `x · W_ihᵀ + b`, is one product over the whole sequence and an op of its own. What is
//! left is what a step needs of the step before: [`Recurrent`] computes all steps and keeps, in one flat tensor called
//! the tape, every state and what the gradient needs of the gates. [`Part`]s are windows of it: the hidden states, the
//! last cell state. [`RecurrentGrad`] walks the tape backwards and gives the gradients of the gates of all steps, from
//! which the weight's is one product again.

mod builder;
mod cases;
mod forward;
mod grad;
mod part;
mod reference;
mod sequence;
mod steps;
mod window;

pub use builder::{Recurrence, States};
pub use cases::cases;
pub use forward::Recurrent;
pub use grad::RecurrentGrad;
pub use part::{Part, Role};

use crate::kernel::Kernel;
use crate::tensor::Shape;

/// What happens in a step. `x` are the input's parts of the gates, `s` the recurrent parts; gates lie in PyTorch's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// `h′ = tanh(x + s)` (Elman, *Finding structure in time*, 1990).
    RnnTanh,
    /// `h′ = max(x + s, 0)`.
    RnnRelu,
    /// Long short-term memory (Hochreiter and Schmidhuber, 1997; with the forget gate of Gers et al., 2000). Gates i, f, g,
    /// o: `c′ = σ(f) · c + σ(i) · tanh(g)`, `h′ = σ(o) · tanh(c′)`.
    Lstm,
    /// Gated recurrent unit with the reset gate behind the product, as PyTorch has it. Gates r, z, n:
    /// `n′ = tanh(x_n + σ(r) · s_n)`, `h′ = (1 − σ(z)) · n′ + σ(z) · h`.
    GruResetAfter,
    /// With the reset gate in front of the product, as Cho et al., 2014, and ONNX's `linear_before_reset = 0`:
    /// `s_n` is the product with `σ(r) · h`.
    GruResetBefore,
}

impl Cell {
    /// What the command line and the shape lists call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::RnnTanh => "rnn",
            Self::RnnRelu => "rnn-relu",
            Self::Lstm => "lstm",
            Self::GruResetAfter => "gru",
            Self::GruResetBefore => "gru-reset-before",
        }
    }

    /// Gates, each `hidden_size` rows of the weights.
    pub fn gates(self) -> usize {
        match self {
            Self::RnnTanh | Self::RnnRelu => 1,
            Self::Lstm => 4,
            Self::GruResetAfter | Self::GruResetBefore => 3,
        }
    }

    /// Whether there is a cell state beside the hidden one.
    pub fn has_cell_state(self) -> bool {
        self == Self::Lstm
    }

    /// Whether the recurrent part of a gate has a bias of its own, that cannot be added to the input's.
    pub fn has_recurrent_bias(self) -> bool {
        self == Self::GruResetAfter
    }

    /// Whether the recurrent part's gradient differs from the input's.
    fn has_own_recurrent_gradient(self) -> bool {
        self == Self::GruResetAfter
    }

    /// Values a step keeps for the gradient beside the states: of the LSTM the four gates, of a GRU r, z, n and s_n or
    /// r · h.
    fn kept(self) -> usize {
        if self.gates() == 1 { 0 } else { 4 }
    }
}

/// How a cell goes over a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walk {
    /// What happens in a step.
    pub cell: Cell,
    /// Whether the last step comes first.
    pub reverse: bool,
    /// Whether a mask f32 `[T, B]` says which steps there are: where it is 0, the state stays as it is.
    pub masked: bool,
}

/// Steps, sequences, and units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extents {
    steps: usize,
    batch: usize,
    hidden: usize,
}

impl Extents {
    /// Elements of one state.
    fn state(self) -> usize {
        self.batch * self.hidden
    }
}

/// Where a step lies in the tape and in the gradients: first elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    /// The step.
    t: usize,
    /// The states before it and after it, in units of one state.
    before: usize,
    after: usize,
}

impl Walk {
    /// The places of all steps, in the order they are taken.
    fn places(self, steps: usize) -> impl DoubleEndedIterator<Item = Place> {
        (0..steps).map(move |i| match self.reverse {
            false => Place { t: i, before: i, after: i + 1 },
            true => Place { t: steps - 1 - i, before: steps - i, after: steps - 1 - i },
        })
    }

    /// Where the initial state lies among the states.
    fn first_state(self, e: Extents) -> usize {
        if self.reverse { e.steps } else { 0 }
    }

    /// Where the last state lies.
    fn last_state(self, e: Extents) -> usize {
        if self.reverse { 0 } else { e.steps }
    }

    /// The tape: `steps + 1` hidden states, as many cell states if there are any, and for each step and sequence what is
    /// kept of the gates, `[T, B, kept, H]`. Here: where the cell states begin.
    fn cell_states(self, e: Extents) -> usize {
        (e.steps + 1) * e.state()
    }

    /// Where the gates begin in the tape.
    fn gates(self, e: Extents) -> usize {
        let states = if self.cell.has_cell_state() { 2 } else { 1 };
        states * (e.steps + 1) * e.state()
    }

    /// Elements of the tape.
    fn tape(self, e: Extents) -> usize {
        self.gates(e) + e.steps * self.cell.kept() * e.state()
    }

    /// The tensors in the tape, one after another, the sequences their second axis.
    pub(crate) fn tape_shapes(self, [steps, batch, hidden]: [usize; 3]) -> Vec<Shape> {
        let states = Shape::from([steps + 1, batch, hidden]);
        let mut shapes = vec![states.clone()];
        shapes.extend(self.cell.has_cell_state().then_some(states));
        shapes.extend((self.cell.kept() > 0).then(|| [steps, batch, self.cell.kept(), hidden].into()));
        shapes
    }

    /// The tensors in the gradients, likewise.
    pub(crate) fn gradient_shapes(self, [steps, batch, hidden]: [usize; 3]) -> Vec<Shape> {
        let gates = Shape::from([steps, batch, self.cell.gates(), hidden]);
        let mut shapes = vec![gates.clone()];
        shapes.extend(self.cell.has_own_recurrent_gradient().then_some(gates));
        let states = if self.cell.has_cell_state() { 2 } else { 1 };
        shapes.extend((0..states).map(|_| Shape::from([1, batch, hidden])));
        shapes
    }

    /// The gradients: of the input's parts, `[T, B, G, H]`, of the recurrent parts where they differ, of the initial
    /// hidden and cell state. Here: where those of the recurrent parts begin.
    fn d_recurrent(self, e: Extents) -> usize {
        if self.cell.has_own_recurrent_gradient() { e.steps * self.cell.gates() * e.state() } else { 0 }
    }

    /// Where the gradient of the initial hidden state begins; during the walk, that of the state a step began with.
    fn d_state(self, e: Extents) -> usize {
        self.d_recurrent(e) + e.steps * self.cell.gates() * e.state()
    }

    /// Elements of the gradients.
    fn gradients(self, e: Extents) -> usize {
        self.d_state(e) + if self.cell.has_cell_state() { 2 } else { 1 } * e.state()
    }

    /// A kernel with the constants and the cell that all of them share, for sequences of these extents.
    fn kernel(self, kernel: Kernel, e: Extents) -> Kernel {
        let import = match self.cell {
            Cell::RnnTanh | Cell::RnnRelu => "#import cell_rnn",
            Cell::Lstm => "#import cell_lstm",
            Cell::GruResetAfter | Cell::GruResetBefore => "#import cell_gru",
        };
        let kernel = kernel
            .constant("BATCH", e.batch)
            .constant("HIDDEN", e.hidden)
            .constant("GATES", self.cell.gates())
            .constant("KEPT", self.cell.kept())
            .constant("CELL_STATE", self.cell.has_cell_state())
            .constant("OWN_RECURRENT_GRADIENT", self.cell.has_own_recurrent_gradient());
        let kernel = if self.cell.gates() == 1 { kernel.constant("RELU", self.cell == Cell::RnnRelu) } else { kernel };
        kernel.code(import)
    }
}

/// WGSL of what may be missing: its binding, numbered `*next`, and a function that reads it, or gives `otherwise`.
fn optional(next: &mut usize, there: bool, name: &str, otherwise: &str) -> String {
    if !there {
        return format!("fn {name}_at(index: u32) -> f32 {{ return {otherwise}; }}");
    }
    *next += 1;
    let binding = *next - 1;
    format!(
        "@group(0) @binding({binding}) var<storage, read> {name}: array<f32>;\n\
         fn {name}_at(index: u32) -> f32 {{ return {name}[index]; }}"
    )
}
