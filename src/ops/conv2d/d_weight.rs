//! The gradient of a convolution with respect to its weight.

use super::geometry::Geometry;
use super::{
    Conv2d, coop, depthwise, direct, extents, few, fours, general, in_order, of_f16, patch, tile, window, winograd,
};
use crate::gpu::Caps;
use crate::graph::{Gradients, Graph, GraphError, Lowering, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Size};
use crate::tensor::{Array, DType, TensorType};

/// x `[N, C, H, W]`, d_y `[N, O, OH, OW]` → d_weight `[O, C / groups, KH, KW]`; as [`Conv2d`], of f32
/// or f16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dDWeight {
    /// The convolution.
    pub conv: Conv2d,
    /// Rows and columns of its weight, which the other shapes leave open where the stride is not 1.
    pub kernel: [usize; 2],
}

impl Conv2dDWeight {
    fn geometry(&self, x: &TensorType, d_y: &TensorType) -> Result<Geometry, ShapeError> {
        let [x, d_y] = fours(["x", "d_y"], [x, d_y])?;
        let [kh, kw] = self.kernel;
        let geometry = Geometry::new(&self.conv, x, [d_y[1], x[1] / self.conv.groups.max(1), kh, kw])?;
        if geometry.y() != d_y {
            let y = geometry.y();
            return Err(ShapeError::new(format!("d_y must be {y:?} for x {x:?} and {kh}x{kw}, not {d_y:?}")));
        }
        Ok(geometry)
    }
}

impl Op for Conv2dDWeight {
    fn name(&self) -> &'static str {
        "conv2d_d_weight"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [x, d_y] = inputs else { return Err(ShapeError::new("takes x and d_y")) };
        Ok(TensorType::f32(self.geometry(x, d_y)?.weight()))
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let [x, d_y] = inputs else { return Array::zeros([0]) };
        let mut d_weight = Array::zeros([d_y.shape[1], x.shape[1] / self.conv.groups, self.kernel[0], self.kernel[1]]);
        let geometry = Geometry::of_arrays(&self.conv, x, &d_weight);
        geometry.walk(|xi, wi, yi| d_weight.values[wi] += d_y.values[yi] * x.values[xi]);
        d_weight
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        // Linear in each input: its gradients are the other two passes.
        let &[x, d_y] = io.inputs else { return io.undefined(graph) };
        let size = extents(graph, x);
        let d_x = graph.conv2d_d_input(d_y, io.d_output, &self.conv, size)?;
        let d_d_y = graph.conv2d(x, io.d_output, None, &self.conv)?;
        Ok(vec![Some(d_x), Some(d_d_y)])
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let Ok(geometry) = self.geometry(&l.inputs[0], &l.inputs[1]) else { return Vec::new() };
        if l.inputs[0].dtype == DType::F16 {
            return of_f16(coop::d_weight(&geometry, l), l, || Some(direct::d_weight(&geometry, l)));
        }
        let rows = geometry.group_o();
        let general = general(rows, Some(tile::d_weight(&geometry, l)), Some(direct::d_weight(&geometry, l)));
        let others = depthwise::d_weight(&geometry, l).into_iter().chain(general).collect();
        let timed = [
            window::d_weight(&geometry, l),
            few::d_weight(&geometry, l),
            patch::d_weight(&geometry, l),
            winograd::d_weight(&geometry, l),
        ];
        in_order(timed, others)
    }

    fn sizes(&self, types: &OpTypes<'_>) -> Option<Vec<Size>> {
        self.geometry(&types.inputs[0], &types.inputs[1]).ok().map(|g| g.sizes())
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        self.geometry(&types.inputs[0], &types.inputs[1]).map_or(0, |g| g.flops())
    }

    fn takes_f16(&self) -> bool {
        true
    }

    fn gains_from_f16(&self, _types: &OpTypes<'_>, caps: &Caps) -> bool {
        super::gains_from_f16(&self.conv, caps)
    }
}
