//! The gradient of a convolution with respect to its input: a convolution's transpose.

use super::geometry::Geometry;
use super::{
    Conv2d, coop, depthwise, direct, extents, few, fours, general, in_order, of_f16, patch, tile, window, winograd,
};
use crate::gpu::Caps;
use crate::graph::{Gradients, Graph, GraphError, Lowering, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Size};
use crate::tensor::{Array, DType, TensorType};

/// d_y `[N, O, OH, OW]`, weight `[O, C / groups, KH, KW]` → d_x `[N, C, H, W]`; as [`Conv2d`],
/// of f32 or f16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dDInput {
    /// The convolution.
    pub conv: Conv2d,
    /// Rows and columns of its input, which those of the output leave open where the stride is not 1.
    pub size: [usize; 2],
}

impl Conv2dDInput {
    fn geometry(&self, d_y: &TensorType, weight: &TensorType) -> Result<Geometry, ShapeError> {
        let [d_y, weight] = fours(["d_y", "weight"], [d_y, weight])?;
        let [h, w] = self.size;
        let geometry = Geometry::new(&self.conv, [d_y[0], weight[1] * self.conv.groups, h, w], weight)?;
        if geometry.y() != d_y {
            let y = geometry.y();
            return Err(ShapeError::new(format!("d_y must be {y:?} for inputs of {h}x{w}, not {d_y:?}")));
        }
        Ok(geometry)
    }
}

impl Op for Conv2dDInput {
    fn name(&self) -> &'static str {
        "conv2d_d_input"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [d_y, weight] = inputs else { return Err(ShapeError::new("takes d_y and weight")) };
        Ok(TensorType::f32(self.geometry(d_y, weight)?.x()))
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let [d_y, weight] = inputs else { return Array::zeros([0]) };
        let x = [d_y.shape[0], weight.shape[1] * self.conv.groups, self.size[0], self.size[1]];
        let mut d_x = Array::zeros(x);
        let geometry = Geometry::of_arrays(&self.conv, &d_x, weight);
        geometry.walk(|xi, wi, yi| d_x.values[xi] += d_y.values[yi] * weight.values[wi]);
        d_x
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        // Linear in each input: its gradients are the other two passes.
        let &[d_y, weight] = io.inputs else { return io.undefined(graph) };
        let d_d_y = graph.conv2d(io.d_output, weight, None, &self.conv)?;
        let kernel = extents(graph, weight);
        let d_weight = graph.conv2d_d_weight(io.d_output, d_y, &self.conv, kernel)?;
        Ok(vec![Some(d_d_y), Some(d_weight)])
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let Ok(geometry) = self.geometry(&l.inputs[0], &l.inputs[1]) else { return Vec::new() };
        if l.inputs[0].dtype == DType::F16 {
            return of_f16(coop::d_input(&geometry, l), l, || direct::d_input(&geometry, l));
        }
        let rows = geometry.group_c();
        let general = general(rows, tile::d_input(&geometry, l), direct::d_input(&geometry, l));
        let others = depthwise::d_input(&geometry, l).into_iter().chain(general).collect();
        let timed = [
            window::d_input(&geometry, l),
            few::d_input(&geometry, l),
            patch::d_input(&geometry, l),
            winograd::d_input(&geometry, l),
        ];
        in_order(timed, others)
    }

    fn sizes(&self, types: &OpTypes<'_>) -> Option<Vec<Size>> {
        self.geometry(&types.inputs[0], &types.inputs[1]).ok().map(|g| g.sizes())
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        self.geometry(&types.inputs[0], &types.inputs[1]).map_or(0, |g| g.flops())
    }

    fn takes_epilogue(&self) -> bool {
        true
    }

    fn takes_f16(&self) -> bool {
        true
    }

    fn gains_from_f16(&self, _types: &OpTypes<'_>, caps: &Caps) -> bool {
        super::gains_from_f16(&self.conv, caps)
    }
}
