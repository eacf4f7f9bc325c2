//! The interface every op implements, in one file of `src/ops/` each.

use std::fmt;
use std::sync::Arc;

use super::builder::Graph;
use super::error::{GraphError, ShapeError};
use super::node::NodeId;
use crate::gpu::Caps;
use crate::kernel::{
    Candidates, CustomKernel, KernelCall, KernelError, Offer, Operand, Size, Strategy, identity_epilogue,
};
use crate::tensor::{Array, DType, TensorType};

/// A tensor operation: what it computes, how it is differentiated, and by which kernels.
pub trait Op: fmt::Debug + Send + Sync {
    /// Its name in listings, such as `conv2d`.
    fn name(&self) -> &'static str;

    /// The type of the output.
    ///
    /// # Errors
    /// When the inputs do not fit; the message names both shapes.
    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError>;

    /// The value in f64, by the simplest loops that are right: what every kernel is tested against.
    fn reference(&self, inputs: &[&Array]) -> Array;

    /// The gradients with respect to the inputs as new nodes, given that of the output. `None` for an input through
    /// which nothing flows. An op that has no gradient says so with [`Vjp::undefined`].
    ///
    /// # Errors
    /// When the op has no gradient or a gradient op refuses its inputs.
    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError>;

    /// The kernels that compute it under `l.caps`, one list a strategy, the preferred one first.
    fn lower(&self, l: &Lowering<'_>) -> Candidates;

    /// Floating-point operations of one evaluation, a multiply-add counting two.
    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        types.output.count() as u64
    }

    /// Inputs overwritten in place. Such an op is an effect: it has no value (its type is f32 `[0]`), its mutated inputs
    /// are variables or banks, and it runs after every node that has a value.
    fn mutates(&self) -> &'static [usize] {
        &[]
    }

    /// The reference of an effect: overwrites the inputs that [`Op::mutates`] names.
    fn mutate(&self, _inputs: &mut [Array]) {}

    /// The output's first element within input 0, when the output is a contiguous window of it: such an op costs nothing.
    fn view(&self, _types: &OpTypes<'_>) -> Option<usize> {
        None
    }

    /// For an op that lays its inputs one after another: the first output element of each. The planner then lets the
    /// inputs be computed in place.
    fn places(&self, _types: &OpTypes<'_>) -> Option<Vec<usize>> {
        None
    }

    /// For an element-wise op: its function, which the planner fuses into its neighbours.
    fn function(&self) -> Option<&'static Function> {
        None
    }

    /// The op that keeps the largest of each 2×2 results of this one, where a kernel does both at once.
    fn halved(&self, _types: &OpTypes<'_>, _caps: &Caps) -> Option<Arc<dyn Op>> {
        None
    }

    /// Whether it keeps the largest of each 2×2 elements of its one input, which it divides into such without a rest.
    fn halves(&self, _types: &OpTypes<'_>) -> bool {
        false
    }

    /// The sizes by which kernels from outside ask for this use of the op ([`CustomKernel`]); `None` where none can
    /// compute it.
    fn sizes(&self, _types: &OpTypes<'_>) -> Option<Vec<Size>> {
        None
    }

    /// The strategy of a kernel from outside for this use of the op, where the kernel is for it. A kernel without a hole
    /// leaves `l.epilogue` to the op that brings it: [`crate::ops::pointwise::FusedEpilogue`].
    ///
    /// # Errors
    /// When the kernel is at fault.
    fn custom(&self, kernel: &CustomKernel, l: &Lowering<'_>) -> Result<Offer<Strategy>, KernelError> {
        if kernel.op() != self.name() {
            return Ok(Offer::Declined(format!("it is for {}", kernel.op())));
        }
        if l.inputs.iter().chain([l.output]).any(|ty| ty.dtype == DType::F16) {
            return Ok(Offer::Declined("here it would read or write f16".to_owned()));
        }
        let Some(sizes) = self.sizes(&l.types()) else {
            return Ok(Offer::Declined("no kernel from outside can compute it".to_owned()));
        };
        Ok(match kernel.call(&sizes, l.inputs.len(), Operand::Output, l.caps)? {
            Offer::Declined(why) => Offer::Declined(why),
            Offer::Taken(_) if kernel.epilogue_width() == 4 && !l.output.count().is_multiple_of(4) => {
                Offer::Declined(format!("{} results are no whole vectors", l.output.count()))
            }
            Offer::Taken(call) if kernel.takes_epilogue() => {
                Offer::Taken(Strategy::single(kernel.name(), l.with_epilogue_of(kernel.epilogue_width(), call)))
            }
            Offer::Taken(call) => Offer::Taken(Strategy::single(kernel.name(), call)),
        })
    }

    /// Whether its inputs may be f16. All its inputs then are, but for an element-wise op's, of which any may be.
    fn takes_f16(&self) -> bool {
        false
    }

    /// Whether in mixed precision its inputs, f32 in `types`, are better given as f16 to a device with `caps`.
    fn gains_from_f16(&self, _types: &OpTypes<'_>, _caps: &Caps) -> bool {
        false
    }

    /// Whether its kernels apply `l.epilogue` to each result before storing it.
    fn takes_epilogue(&self) -> bool {
        false
    }
}

/// An element-wise function: a row of the table in `ops/pointwise/functions.rs`.
#[derive(Debug)]
pub struct Function {
    /// Its name, unique in the table.
    pub name: &'static str,
    /// How many operands it takes.
    pub arity: usize,
    /// WGSL with `{0}`, `{1}`, … for the operands, correct for `Elem` = f32 and `vec4<f32>`.
    pub wgsl: &'static str,
    /// The same in f64.
    pub value: fn(&[f64]) -> f64,
    /// Intervals its test cases draw operands from; the first operand's also serves those that have none.
    pub domain: &'static [(f32, f32)],
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// The types of one use of an op.
#[derive(Clone, Copy, Debug)]
pub struct OpTypes<'a> {
    /// Input types.
    pub inputs: &'a [TensorType],
    /// Output type.
    pub output: &'a TensorType,
}

/// What a lowering may depend on.
#[derive(Clone, Copy)]
pub struct Lowering<'a> {
    /// Input types of the op itself.
    pub inputs: &'a [TensorType],
    /// Output type.
    pub output: &'a TensorType,
    /// What the device can do.
    pub caps: &'a Caps,
    /// What is applied to each result before it is stored.
    pub epilogue: Option<&'a dyn Epilogue>,
}

/// Most operands that an epilogue may bring: with an op's own three bindings and a scratch, below WebGPU's eight.
pub const EPILOGUE_OPERANDS: usize = 4;

/// An epilogue in WGSL, and what its call needs.
#[derive(Clone, Debug, PartialEq)]
pub struct EpilogueCode {
    /// The declarations.
    pub wgsl: String,
    /// Parameters beside the kernel's own.
    pub params: Vec<(&'static str, u32)>,
    /// Of each operand, the bytes that are bound where that is not all of it.
    pub windows: Vec<Option<u64>>,
}

/// An element-wise function at the end of another op's kernel.
pub trait Epilogue {
    /// WGSL that declares the bindings of its operands, the op's inputs from `Lowering::inputs.len()` on, numbered from `first`, and
    /// `fn epilogue(value: Elem, index: u32) -> Elem`, where `Elem` is f32 or a vector of `width`, 2 or 4, and `index` is
    /// the result's place in the output, counted in Elems. It may want parameters only where `parameters` is true.
    fn code(&self, first: usize, width: usize, parameters: bool, caps: &Caps) -> EpilogueCode;
}

impl<'a> Lowering<'a> {
    /// Fills the hole of a call whose kernel ends each f32 with an epilogue, and binds the epilogue's operands behind
    /// the call's own bindings.
    pub fn with_epilogue(&self, call: KernelCall) -> KernelCall {
        self.with_epilogue_of(1, call)
    }

    /// [`Lowering::with_epilogue`] for a kernel that ends two neighbouring results, a `vec2<f32>`, at once.
    pub fn with_epilogue_vec2(&self, call: KernelCall) -> KernelCall {
        self.with_epilogue_of(2, call)
    }

    /// [`Lowering::with_epilogue`] for a kernel that ends four neighbouring results, a `vec4<f32>`, at once.
    pub fn with_epilogue_vec4(&self, call: KernelCall) -> KernelCall {
        self.with_epilogue_of(4, call)
    }

    fn with_epilogue_of(&self, width: usize, mut call: KernelCall) -> KernelCall {
        let code = match self.epilogue {
            None => identity_epilogue(width),
            Some(epilogue) => {
                let parameters = !call.kernel.is_foreign();
                let EpilogueCode { wgsl, params, windows } =
                    epilogue.code(call.operands.len(), width, parameters, self.caps);
                let operands = (self.inputs.len()..).map(Operand::Input).zip(windows);
                call = operands.fold(call, |call, (operand, window)| match window {
                    Some(bytes) => call.bind_window(operand, 0, bytes),
                    None => call.bind(operand),
                });
                call = params.into_iter().fold(call, |call, (name, value)| call.code_param(name, value));
                wgsl
            }
        };
        call.kernel = call.kernel.code(code);
        call
    }

    /// The same without an epilogue, for passes before the last.
    pub fn plain(&self) -> Self {
        Self { epilogue: None, ..*self }
    }

    /// The types alone.
    pub fn types(&self) -> OpTypes<'a> {
        OpTypes { inputs: self.inputs, output: self.output }
    }
}

/// The nodes around an op whose gradient is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Vjp<'a> {
    /// The op's name, for errors.
    pub name: &'static str,
    /// Its inputs.
    pub inputs: &'a [NodeId],
    /// Its output.
    pub output: NodeId,
    /// The gradient of the loss with respect to the output.
    pub d_output: NodeId,
    /// Which inputs' gradients are wanted.
    pub wanted: &'a [bool],
}

impl Vjp<'_> {
    /// The answer of an op that has no gradient.
    ///
    /// # Errors
    /// Always.
    pub fn undefined(&self, graph: &Graph) -> Result<Gradients, GraphError> {
        Err(graph.error(self.name, self.inputs, "has no gradient"))
    }
}

/// One gradient an input; `None` where nothing flows or nothing is wanted.
pub type Gradients = Vec<Option<NodeId>>;
