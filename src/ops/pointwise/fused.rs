//! What the planner's fusion makes: a chain in one kernel, and a chain at the end of another op's kernel.

use std::fmt;
use std::sync::Arc;

use super::lower::{epilogue, lower};
use super::{Program, broadcast_all};
use crate::gpu::Caps;
use crate::graph::{Epilogue, EpilogueCode, Gradients, Graph, GraphError, Lowering, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, CustomKernel, KernelError, Offer, Operand, Strategy};
use crate::tensor::{Array, TensorType};

/// A chain of element-wise ops in one kernel. The program is the unfused graph it stands for.
#[derive(Clone, PartialEq)]
pub struct Fused(pub Program);

impl fmt::Debug for Fused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fused({})", self.0)
    }
}

impl Op for Fused {
    fn name(&self) -> &'static str {
        "fused"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        broadcast_all(&self.0, inputs)
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        self.0.reference(inputs)
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        io.undefined(graph)
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        lower(&self.0, l)
    }

    fn takes_f16(&self) -> bool {
        true
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        (types.output.count() * self.0.instructions.len()) as u64
    }
}

/// An op whose kernel ends with a chain of element-wise ops: operand 0 of the program is the op's result, the others
/// are inputs behind the op's own, broadcast to the output.
#[derive(Clone)]
pub struct FusedEpilogue {
    /// The op.
    pub base: Arc<dyn Op>,
    /// How many inputs the op takes.
    pub base_inputs: usize,
    /// The chain.
    pub program: Program,
}

impl fmt::Debug for FusedEpilogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, then {}", self.base, self.program)
    }
}

impl Op for FusedEpilogue {
    fn name(&self) -> &'static str {
        self.base.name()
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let (base, operands) = inputs.split_at(self.base_inputs);
        let result = self.base.infer(base)?;
        let mut all = vec![result.clone()];
        all.extend_from_slice(operands);
        let ty = broadcast_all(&self.program, &all)?;
        if ty.shape == result.shape {
            Ok(ty)
        } else {
            Err(ShapeError::new(format!("an epilogue of {} on a result of {}", ty.shape, result.shape)))
        }
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let (base, operands) = inputs.split_at(self.base_inputs);
        let result = self.base.reference(base);
        let mut all = vec![&result];
        all.extend_from_slice(operands);
        self.program.reference(&all)
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        io.undefined(graph)
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let (base, operands) = l.inputs.split_at(self.base_inputs);
        let tail = Tail { program: &self.program, operands, output: l.output };
        self.base.lower(&Lowering { inputs: base, epilogue: Some(&tail), ..*l })
    }

    fn custom(&self, kernel: &CustomKernel, l: &Lowering<'_>) -> Result<Offer<Strategy>, KernelError> {
        let (base, operands) = l.inputs.split_at(self.base_inputs);
        let tail = Tail { program: &self.program, operands, output: l.output };
        if kernel.takes_epilogue() {
            return self.base.custom(kernel, &Lowering { inputs: base, epilogue: Some(&tail), ..*l });
        }
        let offer = self.base.custom(kernel, &Lowering { inputs: base, epilogue: None, ..*l })?;
        Ok(match offer {
            Offer::Taken(strategy) => self.in_two_passes(strategy, l).map_or_else(Offer::Declined, Offer::Taken),
            declined => declined,
        })
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        let base = OpTypes { inputs: &types.inputs[..self.base_inputs], output: types.output };
        self.base.flops(&base) + (types.output.count() * self.program.instructions.len()) as u64
    }

    fn takes_f16(&self) -> bool {
        self.base.takes_f16()
    }
}

impl FusedEpilogue {
    /// `strategy`, which computes the op alone, and a pass that takes its result through the chain.
    fn in_two_passes(&self, strategy: Strategy, l: &Lowering<'_>) -> Result<Strategy, String> {
        let Strategy { name, mut calls, mut scratch } = strategy;
        let between = Operand::Scratch(scratch.len());
        scratch.push(l.output.bytes());
        let moved = calls.iter_mut().flat_map(|call| &mut call.operands).filter(|b| b.operand == Operand::Output);
        moved.for_each(|bound| bound.operand = between);
        let mut types = vec![l.output.clone()];
        types.extend_from_slice(&l.inputs[self.base_inputs..]);
        let chain = lower(&self.program, &Lowering { inputs: &types, epilogue: None, ..*l }).into_iter().next();
        let chain = chain.ok_or("nothing computes what follows it")?;
        calls.extend(chain.calls.into_iter().map(|mut call| {
            for bound in &mut call.operands {
                bound.operand = match bound.operand {
                    Operand::Input(0) => between,
                    Operand::Input(i) => Operand::Input(self.base_inputs + i - 1),
                    other => other,
                };
            }
            call
        }));
        Ok(Strategy { name, calls, scratch })
    }
}

struct Tail<'a> {
    program: &'a Program,
    operands: &'a [TensorType],
    output: &'a TensorType,
}

impl Epilogue for Tail<'_> {
    fn code(&self, first: usize, width: usize, parameters: bool, caps: &Caps) -> EpilogueCode {
        epilogue(self.program, self.operands, self.output, first, (width, parameters), caps)
    }
}
