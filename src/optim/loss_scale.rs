//! Dynamic loss scaling, on the device alone.

use crate::graph::{Graph, GraphError, Init, NodeId};
use crate::ops::update::NextScale;
use crate::tensor::TensorType;

/// What a loss is multiplied by before it is differentiated, so that small gradients stay above what f16 can hold; the
/// update divides by it. A step whose gradients are not finite is skipped, and the scale shrinks; after many good ones it
/// grows. The default has the constants of `torch.amp.GradScaler`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossScale {
    /// The first scale.
    pub initial: f32,
    /// What it is multiplied by when it grows.
    pub growth: f32,
    /// What it is multiplied by when it shrinks.
    pub backoff: f32,
    /// Steps without a skip before it grows.
    pub interval: u32,
}

impl Default for LossScale {
    fn default() -> Self {
        Self { initial: 65_536.0, growth: 2.0, backoff: 0.5, interval: 2000 }
    }
}

/// The variable that holds a run's scale, f32 `[]`.
pub const LOSS_SCALE: &str = "loss_scale";

/// A scale in a graph.
#[derive(Clone, Copy, Debug)]
pub struct Scaled {
    settings: LossScale,
    /// The scale, f32 `[]`: the gradient of the loss to differentiate with (see
    /// [`gradients_from`](crate::autodiff::gradients_from)).
    pub scale: NodeId,
    steps: NodeId,
}

impl LossScale {
    /// Adds the scale to a graph.
    ///
    /// # Errors
    /// When a setting is out of its range.
    pub fn begin(&self, graph: &mut Graph) -> Result<Scaled, GraphError> {
        let Self { initial, growth, backoff, interval } = *self;
        let changes = (1.0..f32::INFINITY).contains(&growth) && backoff > 0.0 && backoff <= 1.0 && interval > 0;
        if !(changes && initial > 0.0 && initial.is_finite()) {
            return Err(graph.error("loss_scale", &[], &format!("{self:?} does not scale")));
        }
        let scale = graph.variable(LOSS_SCALE, LOSS_SCALE, TensorType::f32([]), Init::Fill(initial));
        let steps = graph.variable(LOSS_SCALE, "loss_scale.steps", TensorType::f32([]), Init::Fill(0.0));
        Ok(Scaled { settings: *self, scale, steps })
    }
}

impl Scaled {
    /// The factor `[]` of `gradients`, which are of the scaled loss: what undoes the scale, and clips their norm to
    /// `clip_norm` where one is given; [`SKIP`](crate::ops::update::SKIP) where they are not finite. Also adds the effect
    /// by which the scale goes on.
    ///
    /// # Errors
    /// When there are no gradients, one is not f32, or `clip_norm` is not positive.
    pub fn factor(
        &self,
        graph: &mut Graph,
        gradients: &[NodeId],
        clip_norm: Option<f32>,
    ) -> Result<NodeId, GraphError> {
        let norm = graph.global_norm(gradients)?;
        let mut factor = graph.reciprocal(self.scale)?;
        if let Some(most) = clip_norm {
            let unscaled = graph.mul(norm, factor)?;
            let clip = graph.clip_factor_of(unscaled, most)?;
            factor = graph.mul(factor, clip)?;
        }
        let factor = graph.unless_overflow(norm, factor)?;
        let LossScale { growth, backoff, interval, .. } = self.settings;
        graph.apply(NextScale { growth, backoff, interval }, &[self.scale, self.steps, factor])?;
        Ok(factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Feeds, evaluate};
    use crate::optim::{Optimizer, RATES, Sgd};
    use crate::tensor::Array;

    /// A weight of 1 whose gradient the host gives: what a step makes of it and of the scale.
    fn step(gradient: f64, state: [f64; 2]) -> (f64, [f64; 2]) {
        let mut graph = Graph::new();
        let scaled = LossScale { interval: 3, ..LossScale::default() }.begin(&mut graph).unwrap();
        graph.variable("parameters", "a", TensorType::f32([1]), Init::Fill(1.0));
        let bank = graph.banks_named("parameters")[0];
        let given = graph.input("gradient", TensorType::f32([1]));
        let rates = graph.input("rates", TensorType::f32([RATES]));
        let factor = scaled.factor(&mut graph, &[given], None).unwrap();
        let optimizer = Optimizer::Sgd(Sgd { weight_decay: 0.5, ..Sgd::default() });
        optimizer.build(&mut graph, &[(bank, given)], rates, Some(factor)).unwrap();
        let weight = graph.ids().find(|&id| graph.node(id).ty.shape == [1].into()).unwrap();
        let parameters = graph.ids().find(|&id| matches!(graph.node(id).kind, crate::graph::Kind::Bank(_))).unwrap();
        let mut feeds = Feeds::from([
            (scaled.scale, Array::full([], state[0])),
            (scaled.steps, Array::full([], state[1])),
            (weight, Array::full([1], 1.0)),
            (parameters, Array::full([1], 1.0)),
            (given, Array::full([1], gradient)),
            (rates, Array::new([RATES], vec![0.1, 1.0, 1.0, 1.0])),
        ]);
        evaluate(&graph, &mut feeds);
        let value = |id| feeds[&id].values[0];
        (value(parameters), [value(scaled.scale), value(scaled.steps)])
    }

    #[test]
    fn good_steps_are_unscaled_and_grow_the_scale() {
        let (weight, state) = step(2.0 * 1024.0, [1024.0, 0.0]);
        assert!((weight - (1.0 - 0.1 * 2.5)).abs() < 1e-12, "{weight}");
        assert_eq!(state, [1024.0, 1.0]);
        assert_eq!(step(1.0, [1024.0, 2.0]).1, [2048.0, 0.0]);
    }

    #[test]
    fn overflow_skips_the_step_and_shrinks_the_scale() {
        for gradient in [f64::INFINITY, f64::NAN] {
            assert_eq!(step(gradient, [1024.0, 2.0]), (1.0, [512.0, 0.0]));
        }
    }

    #[test]
    fn what_does_not_scale_is_refused() {
        for scale in [
            LossScale { initial: 0.0, ..LossScale::default() },
            LossScale { growth: 0.9, ..LossScale::default() },
            LossScale { backoff: f32::NAN, ..LossScale::default() },
            LossScale { interval: 0, ..LossScale::default() },
        ] {
            assert!(scale.begin(&mut Graph::new()).is_err(), "{scale:?}");
        }
    }
}
