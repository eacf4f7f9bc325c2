//! The table of element-wise functions: name, WGSL, f64 value, builder. Derivatives are in `backward.rs`.

use super::Pointwise;
use super::erf::erf;
use crate::graph::{Function, Graph, GraphError, NodeId};

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The standard normal distribution function.
fn phi(x: f64) -> f64 {
    0.5 * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2))
}

fn gelu_tanh_inner(x: f64) -> f64 {
    (0.797_884_560_802_865_4 * (x + 0.044_715 * x * x * x)).tanh()
}

fn flag(condition: bool) -> f64 {
    f64::from(u8::from(condition))
}

/// Rows of the table, and a builder on [`Graph`] for each.
macro_rules! functions {
    ($($(#[$doc:meta])* $constant:ident $name:ident ($($operand:ident),+) $domain:expr, $wgsl:literal, $value:expr;)*) => {
        $($(#[$doc])*
        pub static $constant: Function = Function {
            name: stringify!($name),
            arity: [$(stringify!($operand)),+].len(),
            wgsl: $wgsl,
            value: $value,
            domain: &$domain,
        };)*

        /// All functions.
        pub static FUNCTIONS: &[&Function] = &[$(&$constant),*];

        impl Graph {
            $($(#[$doc])*
            ///
            /// Operands broadcast.
            ///
            /// # Errors
            /// When the shapes do not broadcast.
            pub fn $name(&mut self, $($operand: NodeId),+) -> Result<NodeId, GraphError> {
                self.apply(Pointwise(&$constant), &[$($operand),+])
            })*
        }
    };
}

const ANY: [(f32, f32); 1] = [(-3.0, 3.0)];
const POSITIVE: [(f32, f32); 1] = [(0.1, 3.0)];

functions! {
    /// `a + b`.
    ADD add(a, b) ANY, "({0} + {1})", |v| v[0] + v[1];
    /// `a − b`.
    SUB sub(a, b) ANY, "({0} - {1})", |v| v[0] - v[1];
    /// `a · b`.
    MUL mul(a, b) ANY, "({0} * {1})", |v| v[0] * v[1];
    /// `a / b`.
    DIV div(a, b) [(-3.0, 3.0), (0.5, 3.0)], "({0} / {1})", |v| v[0] / v[1];
    /// The larger of `a` and `b`; the gradient of a tie goes to `a`.
    MAXIMUM maximum(a, b) ANY, "max({0}, {1})", |v| v[0].max(v[1]);
    /// The smaller of `a` and `b`; the gradient of a tie goes to `a`.
    MINIMUM minimum(a, b) ANY, "min({0}, {1})", |v| v[0].min(v[1]);
    /// `a` to the power `b`, for positive `a`.
    POWER power(a, b) [(0.2, 2.0), (-2.0, 2.0)], "pow({0}, {1})", |v| v[0].powf(v[1]);
    /// 1 where `a` equals `b`, else 0. No gradient flows.
    EQUAL equal(a, b) ANY, "select(Elem(0.0), Elem(1.0), {0} == {1})", |v| flag(v[0] == v[1]);
    /// 1 where `a` is greater than `b`, else 0. No gradient flows.
    GREATER greater(a, b) ANY, "select(Elem(0.0), Elem(1.0), {0} > {1})", |v| flag(v[0] > v[1]);
    /// `a` where `condition` is not 0, else `b`.
    SELECT_BY select_by(condition, a, b) ANY, "select({2}, {1}, {0} != Elem(0.0))",
        |v| if v[0] == 0.0 { v[2] } else { v[1] };
    /// `−x`.
    NEG neg(x) ANY, "(-{0})", |v| -v[0];
    /// The absolute value.
    ABS abs(x) ANY, "abs({0})", |v| v[0].abs();
    /// −1, 0 or 1. No gradient flows.
    SIGN sign(x) ANY, "sign({0})", |v| if v[0] == 0.0 { 0.0 } else { v[0].signum() };
    /// The exponential.
    EXP exp(x) ANY, "exp({0})", |v| v[0].exp();
    /// The natural logarithm.
    LOG log(x) POSITIVE, "log({0})", |v| v[0].ln();
    /// The square root.
    SQRT sqrt(x) POSITIVE, "sqrt({0})", |v| v[0].sqrt();
    /// `1 / √x`.
    RSQRT rsqrt(x) POSITIVE, "inverseSqrt({0})", |v| 1.0 / v[0].sqrt();
    /// `x²`.
    SQUARE square(x) ANY, "({0} * {0})", |v| v[0] * v[0];
    /// `1 / x`.
    RECIPROCAL reciprocal(x) POSITIVE, "(Elem(1.0) / {0})", |v| 1.0 / v[0];
    /// The sine.
    SIN sin(x) ANY, "sin({0})", |v| v[0].sin();
    /// The cosine.
    COS cos(x) ANY, "cos({0})", |v| v[0].cos();
    /// max(x, 0).
    RELU relu(x) ANY, "max({0}, Elem(0.0))", |v| v[0].max(0.0);
    /// `x` where positive, else `slope · x` (Maas et al., 2013); `slope` must be positive and takes no gradient.
    LEAKY_RELU leaky_relu(x, slope) [(-3.0, 3.0), (0.01, 0.3)], "select({0} * {1}, {0}, {0} > Elem(0.0))",
        |v| if v[0] > 0.0 { v[0] } else { v[0] * v[1] };
    /// `x` where positive, else `alpha · (eˣ − 1)` (Clevert et al., 2015); `alpha` must be positive and takes no gradient.
    ELU elu(x, alpha) [(-3.0, 3.0), (0.5, 1.5)],
        "select({1} * (exp(min({0}, Elem(0.0))) - Elem(1.0)), {0}, {0} > Elem(0.0))",
        |v| if v[0] > 0.0 { v[0] } else { v[1] * v[0].exp_m1() };
    /// `x · Φ(x)`, with the exact normal distribution function (Hendrycks and Gimpel, 2016).
    GELU gelu(x) ANY, "({0} * Elem(0.5) * (Elem(1.0) + erf_of({0} * Elem(0.70710678))))", |v| v[0] * phi(v[0]);
    /// GELU's tanh approximation.
    GELU_TANH gelu_tanh(x) ANY,
        "({0} * Elem(0.5) * (Elem(1.0) + tanh(Elem(0.7978845608) * ({0} + Elem(0.044715) * {0} * {0} * {0}))))",
        |v| 0.5 * v[0] * (1.0 + gelu_tanh_inner(v[0]));
    /// `x · σ(x)`, also called swish.
    SILU silu(x) ANY, "({0} / (Elem(1.0) + exp(-{0})))", |v| v[0] * sigmoid(v[0]);
    /// σ(x) = 1 / (1 + e⁻ˣ).
    SIGMOID sigmoid(x) ANY, "(Elem(1.0) / (Elem(1.0) + exp(-{0})))", |v| sigmoid(v[0]);
    /// The hyperbolic tangent.
    TANH tanh(x) ANY, "tanh({0})", |v| v[0].tanh();
    /// log(1 + eˣ), without overflow.
    SOFTPLUS softplus(x) ANY, "(max({0}, Elem(0.0)) + log(Elem(1.0) + exp(-abs({0}))))",
        |v| v[0].max(0.0) + (-v[0].abs()).exp().ln_1p();
    /// `x` in f16: rounded to the nearest, infinite from 65,520 on. The gradient is that of `x`.
    TO_F16 to_f16(x) ANY, "{0}", |v| half::f16::from_f64(v[0]).to_f64();
    /// `d` where `y` is positive, else 0: the gradient of ReLU, from its output.
    RELU_GRAD relu_grad(d, y) ANY, "select(Elem(0.0), {0}, {1} > Elem(0.0))", |v| if v[1] > 0.0 { v[0] } else { 0.0 };
    /// `d · slope` where `y` is not positive, else `d`: the gradient of leaky ReLU, from its output.
    LEAKY_RELU_GRAD leaky_relu_grad(d, y, slope) [(-3.0, 3.0), (-3.0, 3.0), (0.01, 0.3)],
        "select({0} * {2}, {0}, {1} > Elem(0.0))", |v| if v[1] > 0.0 { v[0] } else { v[0] * v[2] };
    /// The gradient of ELU, from its output `y`.
    ELU_GRAD elu_grad(d, y, alpha) [(-3.0, 3.0), (-0.4, 3.0), (0.5, 1.5)],
        "select({0} * ({1} + {2}), {0}, {1} > Elem(0.0))", |v| if v[1] > 0.0 { v[0] } else { v[0] * (v[1] + v[2]) };
    /// The gradient of GELU: `d · (Φ(x) + x · φ(x))`.
    GELU_GRAD gelu_grad(d, x) ANY,
        "({0} * (Elem(0.5) * (Elem(1.0) + erf_of({1} * Elem(0.70710678))) + {1} * Elem(0.3989422804) * exp({1} * {1} * Elem(-0.5))))",
        |v| v[0] * (phi(v[1]) + v[1] * 0.398_942_280_401_432_7 * (-0.5 * v[1] * v[1]).exp());
    /// The gradient of GELU's tanh approximation.
    GELU_TANH_GRAD gelu_tanh_grad(d, x) ANY, "({0} * gelu_tanh_slope({1}))", |v| {
        let (x, t) = (v[1], gelu_tanh_inner(v[1]));
        let inner = 0.797_884_560_802_865_4 * (1.0 + 3.0 * 0.044_715 * x * x);
        v[0] * (0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * inner)
    };
    /// The gradient of SiLU: `d · σ(x) · (1 + x · (1 − σ(x)))`.
    SILU_GRAD silu_grad(d, x) ANY, "({0} * silu_slope({1}))", |v| {
        let s = sigmoid(v[1]);
        v[0] * s * (1.0 + v[1] * (1.0 - s))
    };
    /// The gradient of the sigmoid, from its output: `d · y · (1 − y)`.
    SIGMOID_GRAD sigmoid_grad(d, y) ANY, "({0} * {1} * (Elem(1.0) - {1}))", |v| v[0] * v[1] * (1.0 - v[1]);
    /// The gradient of tanh, from its output: `d · (1 − y²)`.
    TANH_GRAD tanh_grad(d, y) ANY, "({0} * (Elem(1.0) - {1} * {1}))", |v| v[0] * (1.0 - v[1] * v[1]);
}
