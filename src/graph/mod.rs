//! The graph: tensors to be, the ops that make them, and what holds of any graph.

mod builder;
mod error;

mod node;
mod op;
mod print;
mod reference;
mod verify;

pub use builder::Graph;
pub use error::{GraphError, ShapeError};
pub use node::{Bank, BankId, Init, Kind, Node, NodeId, Variable, VariableId};
pub use op::{EPILOGUE_OPERANDS, Epilogue, EpilogueCode, Function, Gradients, Lowering, Op, OpTypes, Vjp};
pub use print::dot;
pub use reference::{Feeds, evaluate};
pub use verify::verify;
