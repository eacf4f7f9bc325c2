//! How parameters start: the usual schemes, as [`Init`] values.

use crate::graph::Init;

/// A scheme by which a weight starts, given its shape `[out, in, …]`, the axes behind the second being the receptive
/// field.
///
/// Uniform schemes draw from `[-bound, bound)`, normal ones with mean 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Initializer {
    /// PyTorch's default for convolutions and linear layers: uniform with bound 1 / √fan_in.
    #[default]
    Default,
    /// He et al., *Delving Deep into Rectifiers*, 2015: uniform with bound gain · √(3 / fan_in).
    KaimingUniform {
        /// What the activation behind it takes away; see [`gain`].
        gain: f32,
    },
    /// As [`Initializer::KaimingUniform`], normal with deviation gain / √fan_in.
    KaimingNormal {
        /// What the activation behind it takes away; see [`gain`].
        gain: f32,
    },
    /// Glorot and Bengio, *Understanding the difficulty of training deep feedforward neural networks*, 2010: uniform
    /// with bound gain · √(6 / (fan_in + fan_out)).
    XavierUniform {
        /// What the activation behind it takes away; see [`gain`].
        gain: f32,
    },
    /// As [`Initializer::XavierUniform`], normal with deviation gain · √(2 / (fan_in + fan_out)).
    XavierNormal {
        /// What the activation behind it takes away; see [`gain`].
        gain: f32,
    },
    /// 0 everywhere.
    Zeros,
    /// 1 everywhere.
    Ones,
}

/// The gains that keep the variance through an activation, as PyTorch's `calculate_gain`.
pub mod gain {
    /// No activation, a convolution, the sigmoid.
    pub const LINEAR: f32 = 1.0;
    /// ReLU.
    pub const RELU: f32 = std::f32::consts::SQRT_2;
    /// The hyperbolic tangent.
    pub const TANH: f32 = 5.0 / 3.0;

    /// Leaky ReLU of this slope.
    pub fn leaky_relu(slope: f32) -> f32 {
        (2.0 / (1.0 + slope * slope)).sqrt()
    }
}

/// How many inputs one output of a weight `[out, in, …]` sums over, and how many outputs one input reaches.
pub fn fans(shape: &[usize]) -> (usize, usize) {
    match shape {
        [out, into, field @ ..] => {
            let field: usize = field.iter().product();
            (into * field, out * field)
        }
        [n] => (*n, *n),
        [] => (1, 1),
    }
}

impl Initializer {
    /// The scheme for a weight of this shape.
    pub fn init(self, shape: &[usize]) -> Init {
        let (fan_in, fan_out) = fans(shape);
        let (fan_in, fan_sum) = (fan_in.max(1) as f64, (fan_in + fan_out).max(1) as f64);
        // In f64 and rounded once: PyTorch computes bounds so.
        let scaled = |gain: f32, variance: f64| (f64::from(gain) * variance.sqrt()) as f32;
        match self {
            Self::Default => Init::Uniform((1.0 / fan_in.sqrt()) as f32),
            Self::KaimingUniform { gain } => Init::Uniform(scaled(gain, 3.0 / fan_in)),
            Self::KaimingNormal { gain } => Init::Normal(scaled(gain, 1.0 / fan_in)),
            Self::XavierUniform { gain } => Init::Uniform(scaled(gain, 6.0 / fan_sum)),
            Self::XavierNormal { gain } => Init::Normal(scaled(gain, 2.0 / fan_sum)),
            Self::Zeros => Init::Fill(0.0),
            Self::Ones => Init::Fill(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_pytorchs() {
        assert_eq!(fans(&[64, 3, 5, 7]), (105, 64 * 35));
        // kaiming_uniform_(a=√5) of a 3×3 convolution over 3 channels.
        assert_eq!(Initializer::Default.init(&[32, 3, 3, 3]), Init::Uniform((1.0 / 27f64.sqrt()) as f32));
        let kaiming = Initializer::KaimingUniform { gain: gain::leaky_relu(5f32.sqrt()) }.init(&[32, 3, 3, 3]);
        let Init::Uniform(bound) = kaiming else { panic!("{kaiming:?} is not uniform") };
        assert!((bound - 1.0 / 27f32.sqrt()).abs() < 1e-7, "{bound}");
        assert_eq!(Initializer::XavierNormal { gain: 1.0 }.init(&[30, 20]), Init::Normal(0.2));
        assert_eq!(Initializer::KaimingNormal { gain: gain::RELU }.init(&[8, 2, 1, 1]), Init::Normal(1.0));
    }
}
