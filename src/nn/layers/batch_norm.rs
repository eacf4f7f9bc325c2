//! Batch normalisation.

use crate::graph::{GraphError, Init, NodeId};
use crate::nn::{Layer, Mode, Net};

/// Each channel (axis 1) of x normalised: by the batch's statistics in training, which also update the running ones,
/// and by those in evaluation.
///
/// Parameters `weight` and `bias` `[C]`, statistics `running_mean` and `running_var` `[C]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNorm2d {
    momentum: f32,
    eps: f32,
}

impl BatchNorm2d {
    /// With PyTorch's momentum of 0.1 and ε of 10⁻⁵.
    pub fn new() -> Self {
        Self { momentum: 0.1, eps: 1e-5 }
    }

    /// Sets the weight of a new batch in the running statistics.
    #[must_use]
    pub fn momentum(mut self, momentum: f32) -> Self {
        self.momentum = momentum;
        self
    }

    /// Sets what is added to the variance.
    #[must_use]
    pub fn eps(mut self, eps: f32) -> Self {
        self.eps = eps;
        self
    }
}

impl Default for BatchNorm2d {
    fn default() -> Self {
        Self::new()
    }
}

impl Layer for BatchNorm2d {
    fn build(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let &[_, channels, ..] = net.shape(x).as_slice() else {
            return Err(net.error("batch_norm", &[x], "takes [N, C, ...]"));
        };
        let weight = net.parameter("weight", &[channels], Init::Fill(1.0))?;
        let bias = net.parameter("bias", &[channels], Init::Fill(0.0))?;
        let mean = net.statistic("running_mean", &[channels], Init::Fill(0.0))?;
        let variance = net.statistic("running_var", &[channels], Init::Fill(1.0))?;
        let running = [mean, variance];
        match net.mode() {
            Mode::Train => net.graph().batch_norm_train(x, weight, bias, running, self.momentum, self.eps),
            Mode::Eval => net.graph().batch_norm_eval(x, weight, bias, running, self.eps),
        }
    }
}
