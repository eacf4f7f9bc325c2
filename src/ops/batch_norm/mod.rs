//! Batch normalisation (Ioffe and Szegedy, *Batch Normalization*, 2015) over axis 1 of `[n, channels, …]`.
//!
//! Training reads the input four times in all: for the statistics ([`BnStats`]), to apply them ([`BnApply`]), for the
//! two sums all gradients share ([`BnSums`]), and for the input's gradient ([`BnGrad`]). Evaluation is element-wise in
//! the running statistics and is built of element-wise ops, which the planner fuses into the convolution before it.

mod apply;
mod cases;
mod grad;
mod parts;
mod running;
mod stats;
mod sums;

pub use apply::BnApply;
pub use cases::cases;
pub use grad::BnGrad;
pub use running::BnRunning;
pub use stats::BnStats;
pub use sums::BnSums;

use crate::graph::{Graph, GraphError, NodeId, ShapeError};
use crate::tensor::{Array, DType, Shape, TensorType};

/// The extents of `[n, channels, …]`: images, channels, and elements of a plane.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Planes {
    images: usize,
    channels: usize,
    size: usize,
}

impl Planes {
    fn of(x: &TensorType) -> Result<Self, ShapeError> {
        if x.dtype != DType::F32 || x.shape.rank() < 2 || x.count() == 0 {
            return Err(ShapeError::new(format!("f32[n, channels, …] wanted, not {x}")));
        }
        Ok(Self::of_shape(&x.shape))
    }

    fn of_shape(shape: &Shape) -> Self {
        Self { images: shape[0], channels: shape[1], size: shape[2..].iter().product() }
    }

    /// Elements of a channel.
    fn count(&self) -> usize {
        self.images * self.size
    }

    fn stats_type(&self) -> TensorType {
        TensorType::f32([2, self.channels])
    }

    fn channel_type(&self) -> TensorType {
        TensorType::f32([self.channels])
    }

    /// Hands `f` each element's place and channel.
    fn each(&self, mut f: impl FnMut(usize, usize)) {
        for place in 0..self.images * self.channels * self.size {
            f(place, place / self.size % self.channels);
        }
    }

    /// Says which of the inputs behind `x` is not of the type wanted.
    fn expect(&self, wanted: &[(&str, &TensorType, TensorType)]) -> Result<(), ShapeError> {
        match wanted.iter().find(|(_, ty, wanted)| *ty != wanted) {
            Some((name, ty, wanted)) => Err(ShapeError::new(format!("{name} is {ty}, {wanted} wanted"))),
            None => Ok(()),
        }
    }
}

/// `x̂` of the element at `place` of channel `c`.
fn normalised(x: &Array, stats: &Array, eps: f32, place: usize, c: usize) -> f64 {
    let channels = stats.shape[1];
    (x.values[place] - stats.values[c]) / (stats.values[channels + c] + f64::from(eps)).sqrt()
}

/// The gradient of a result `y`, or of its ReLU's input.
fn passed(relu: bool, y: f64, d_y: f64) -> f64 {
    if relu && y <= 0.0 { 0.0 } else { d_y }
}

/// A `[channels]` tensor as `[channels, 1, …]`, so that it broadcasts over the planes of `x`.
fn over_planes(graph: &mut Graph, channel: NodeId, x: NodeId) -> Result<NodeId, GraphError> {
    let shape = graph.ty(x).shape.clone();
    let mut extents = vec![1; shape.rank().saturating_sub(1)];
    if let Some(first) = extents.first_mut() {
        *first = graph.ty(channel).count();
    }
    graph.reshape(channel, extents)
}

/// `1 / √(variance + eps)`, in the shape of `variance`.
fn inverse_deviation(graph: &mut Graph, variance: NodeId, eps: f32) -> Result<NodeId, GraphError> {
    let eps = graph.scalar(eps);
    let sum = graph.add(variance, eps)?;
    graph.rsqrt(sum)
}

impl Graph {
    /// Mean and biased variance of each channel of `x` `[n, channels, …]`, as `[2, channels]`.
    ///
    /// # Errors
    /// When `x` has fewer than two axes.
    pub fn batch_norm_stats(&mut self, x: NodeId) -> Result<NodeId, GraphError> {
        self.apply(BnStats, &[x])
    }

    /// `(x − mean) / √(variance + eps) · weight + bias` for `x` `[n, channels, …]`, `weight` and `bias` `[channels]` and
    /// `stats` `[2, channels]` (mean, then variance). The gradient flows through `stats` too.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn batch_norm(
        &mut self,
        x: NodeId,
        weight: NodeId,
        bias: NodeId,
        stats: NodeId,
        eps: f32,
    ) -> Result<NodeId, GraphError> {
        self.apply(BnApply { eps }, &[x, stats, weight, bias])
    }

    /// Normalises by the batch's own statistics, which also update the variables `running` (mean and variance,
    /// `[channels]` each): `running ← (1 − momentum) · running + momentum · batch`, with the unbiased variance.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn batch_norm_train(
        &mut self,
        x: NodeId,
        weight: NodeId,
        bias: NodeId,
        running: [NodeId; 2],
        momentum: f32,
        eps: f32,
    ) -> Result<NodeId, GraphError> {
        let stats = self.batch_norm_stats(x)?;
        let count = Planes::of_shape(&self.ty(x).shape).count();
        let [mean, variance] = running;
        self.apply(BnRunning { momentum, count }, &[mean, variance, stats])?;
        self.batch_norm(x, weight, bias, stats, eps)
    }

    /// Normalises by running statistics (mean and variance, `[channels]` each).
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn batch_norm_eval(
        &mut self,
        x: NodeId,
        weight: NodeId,
        bias: NodeId,
        running: [NodeId; 2],
        eps: f32,
    ) -> Result<NodeId, GraphError> {
        let [mean, variance] = running;
        let inputs = [x, weight, bias, mean, variance];
        let planes = Planes::of(self.ty(x)).map_err(|e| self.error("batch_norm", &inputs, &e.0))?;
        if inputs[1..].iter().any(|&i| *self.ty(i) != planes.channel_type()) {
            return Err(self.error("batch_norm", &inputs, &format!("{} wanted beside x", planes.channel_type())));
        }
        let deviation = inverse_deviation(self, variance, eps)?;
        let scale = self.mul(weight, deviation)?;
        let [mean, scale, bias] =
            [over_planes(self, mean, x)?, over_planes(self, scale, x)?, over_planes(self, bias, x)?];
        let centred = self.sub(x, mean)?;
        let scaled = self.mul(centred, scale)?;
        self.add(scaled, bias)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autodiff::gradients_from;
    use crate::graph::{Feeds, evaluate};

    /// A layer's gradients through its own statistics against finite differences of the whole.
    #[test]
    fn training_gradients_flow_through_the_statistics() {
        let shape = [3, 2, 2, 3];
        let mut graph = Graph::new();
        let x = graph.input("x", TensorType::f32(shape));
        let weight = graph.input("weight", TensorType::f32([2]));
        let bias = graph.input("bias", TensorType::f32([2]));
        let d = graph.input("d", TensorType::f32(shape));
        let stats = graph.batch_norm_stats(x).unwrap();
        let y = graph.batch_norm(x, weight, bias, stats, 1e-3).unwrap();
        let gradients = gradients_from(&mut graph, y, d, &[x, weight, bias]).unwrap();
        let names: Vec<_> = graph.nodes().iter().filter_map(|n| n.op().map(|op| op.name())).collect();
        assert_eq!(names[..4], ["bn_stats", "bn_apply", "bn_sums", "bn_grad"], "no wasted passes");

        let wave =
            |n: usize, phase: f64| (0..n).map(|i| (i as f64 * 1.7 + phase).sin() * 2.0 + 0.5).collect::<Vec<_>>();
        let feeds = Feeds::from([
            (x, Array::new(shape, wave(36, 0.0))),
            (weight, Array::new([2], vec![1.5, -0.7])),
            (bias, Array::new([2], vec![0.2, 0.4])),
            (d, Array::new(shape, wave(36, 1.0))),
        ]);
        let values = evaluate(&graph, &mut feeds.clone());
        let loss = |feeds: &Feeds| -> f64 {
            let y = &evaluate(&graph, &mut feeds.clone())[y.0 as usize];
            y.values.iter().zip(&feeds[&d].values).map(|(y, d)| y * d).sum()
        };
        for (input, gradient) in [x, weight, bias].into_iter().zip(gradients) {
            let gradient = &values[gradient.unwrap().0 as usize];
            for place in 0..gradient.values.len() {
                let moved = |by: f64| {
                    let mut feeds = feeds.clone();
                    feeds.get_mut(&input).unwrap().values[place] += by;
                    loss(&feeds)
                };
                let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                assert!((slope - gradient.values[place]).abs() < 1e-7, "{input:?}[{place}]: {slope} {gradient:?}");
            }
        }
    }
}
