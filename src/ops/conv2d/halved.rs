//! A convolution whose results are pooled before they are stored.

use std::sync::Arc;

use super::geometry::Geometry;
use super::{Conv2d, window};
use crate::gpu::Caps;
use crate::graph::{Gradients, Graph, GraphError, Lowering, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, KernelCall, Operand, Strategy};
use crate::ops::pool::{Extreme, ExtremePool, Pool2d};
use crate::tensor::{Array, DType, TensorType};

/// x `[N, C, H, W]`, weight `[O, C / groups, KH, KW]` → `[N, O, OH / 2, OW / 2]`: the largest of each 2×2 results of the
/// convolution. What fusion makes of the two where nothing else needs the convolution's results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dHalved(pub Conv2d);

impl Conv2dHalved {
    /// The fused op, where a kernel computes both at once.
    pub(super) fn of(conv: Conv2d, types: &OpTypes<'_>, caps: &Caps) -> Option<Arc<dyn Op>> {
        if types.inputs.iter().any(|ty| ty.dtype != DType::F32) {
            return None;
        }
        let geometry = Geometry::of_types(&conv, &types.inputs[0], &types.inputs[1]).ok()?;
        let l = Lowering { inputs: types.inputs, output: types.output, caps, epilogue: None };
        window::halved(&geometry, &l).map(|_| Arc::new(Self(conv)) as Arc<dyn Op>)
    }

    fn pool() -> ExtremePool {
        ExtremePool { extreme: Extreme::Max, pool: Pool2d::new([2, 2]) }
    }

    /// The convolution into scratch, then the pooling.
    fn apart(&self, l: &Lowering<'_>) -> Option<Strategy> {
        let y = self.0.infer(l.inputs).ok()?;
        let conv = self.0.lower(&Lowering { output: &y, epilogue: None, ..*l }).pop()?;
        let pool = Self::pool().lower(&Lowering { inputs: std::slice::from_ref(&y), ..*l }).pop()?;
        let (between, first) = (Operand::Scratch(conv.scratch.len()), conv.scratch.len() + 1);
        let moved = |mut call: KernelCall, to: &dyn Fn(Operand) -> Operand| {
            call.operands.iter_mut().for_each(|bound| bound.operand = to(bound.operand));
            call
        };
        let of_conv = |operand| if operand == Operand::Output { between } else { operand };
        let of_pool = |operand| match operand {
            Operand::Input(0) => between,
            // The epilogue's operands stand behind the convolution's.
            Operand::Input(i) => Operand::Input(i - 1 + l.inputs.len()),
            Operand::Scratch(i) => Operand::Scratch(first + i),
            Operand::Output => Operand::Output,
        };
        let mut calls: Vec<_> = conv.calls.into_iter().map(|call| moved(call, &of_conv)).collect();
        calls.extend(pool.calls.into_iter().map(|call| moved(call, &of_pool)));
        let scratch = conv.scratch.into_iter().chain([y.bytes()]).chain(pool.scratch).collect();
        Some(Strategy { name: "apart", calls, scratch })
    }
}

impl Op for Conv2dHalved {
    fn name(&self) -> &'static str {
        "conv2d_halved"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        Self::pool().infer(&[self.0.infer(inputs)?])
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        Self::pool().reference(&[&self.0.reference(inputs)])
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        io.undefined(graph)
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let Ok(geometry) = Geometry::of_types(&self.0, &l.inputs[0], &l.inputs[1]) else { return Vec::new() };
        window::halved(&geometry, l).map(|timed| timed.strategy).into_iter().chain(self.apart(l)).collect()
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        self.0.flops(types)
    }

    fn takes_epilogue(&self) -> bool {
        true
    }
}
