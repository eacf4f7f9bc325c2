//! The input's gradient in training.

use super::apply::over_elements;
use super::parts::width;
use super::{Planes, normalised, passed};
use crate::graph::{Gradients, Graph, GraphError, Lowering, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Kernel, Operand, Strategy, element, source};
use crate::tensor::{Array, TensorType};

/// The gradient of normalising `x` by its own statistics: `x` and `d_y` `[n, channels, …]`, statistics and sums
/// ([`super::BnSums`]) `[2, channels]`, weight and bias `[channels]` → the shape of `x`:
/// `weight / √(variance + eps) · (d_y − (Σ d_y + x̂ · Σ d_y · x̂) / count)`.
#[derive(Clone, Debug, PartialEq)]
pub struct BnGrad {
    /// What keeps the deviation from zero.
    pub eps: f32,
    /// Whether `d_y` is that of the ReLU of the result: 0 counts for it where the result is not positive.
    pub relu: bool,
}

impl Op for BnGrad {
    fn name(&self) -> &'static str {
        "bn_grad"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [x, d_y, stats, sums, weight, bias] = inputs else {
            return Err(ShapeError::new("takes x, d_y, statistics, sums, weight and bias"));
        };
        let planes = Planes::of(x)?;
        planes.expect(&[
            ("d_y", d_y, x.clone()),
            ("statistics", stats, planes.stats_type()),
            ("sums", sums, planes.stats_type()),
            ("weight", weight, planes.channel_type()),
            ("bias", bias, planes.channel_type()),
        ])?;
        Ok(x.clone())
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let [x, d_y, stats, sums, weight, bias] = [0, 1, 2, 3, 4, 5].map(|i| inputs[i]);
        let planes = Planes::of_shape(&x.shape);
        let share = 1.0 / planes.count() as f64;
        let mut d_x = d_y.clone();
        planes.each(|place, c| {
            let variance = stats.values[planes.channels + c] + f64::from(self.eps);
            let x_hat = normalised(x, stats, self.eps, place, c);
            let mean = share * (sums.values[c] + x_hat * sums.values[planes.channels + c]);
            let d_y = passed(self.relu, x_hat * weight.values[c] + bias.values[c], d_y.values[place]);
            d_x.values[place] = weight.values[c] / variance.sqrt() * (d_y - mean);
        });
        d_x
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        io.undefined(graph)
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        let Ok(planes) = Planes::of(&l.inputs[0]) else { return Vec::new() };
        let strategy = |name, width| {
            let kernel = Kernel::new(source!("bn_grad")).constant("Elem", element(width)).constant("RELU", self.relu);
            let calls = over_elements(kernel, planes, width, &["x", "d_y"], l, |call| {
                let call = call.param("share", 1.0 / planes.count() as f32).param("eps", self.eps);
                (2..6).fold(call, |call, i| call.bind(Operand::Input(i))).bind(Operand::Output)
            });
            Strategy { name, calls, scratch: Vec::new() }
        };
        let scalar = strategy("scalar", 1);
        if width(planes) == 4 { vec![strategy("vec4", 4), scalar] } else { vec![scalar] }
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        types.output.count() as u64 * 4
    }
}
