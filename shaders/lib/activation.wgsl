// Helpers of element-wise functions; Elem is f32 or vec4<f32>.

// The error function: Abramowitz and Stegun 7.1.26, absolute error below 1.5e-7.
fn erf_of(x: Elem) -> Elem {
    let a = abs(x);
    let t = Elem(1.0) / (Elem(1.0) + Elem(0.3275911) * a);
    let p = ((((Elem(1.061405429) * t - Elem(1.453152027)) * t + Elem(1.421413741)) * t - Elem(0.284496736)) * t
        + Elem(0.254829592)) * t;
    return sign(x) * (Elem(1.0) - p * exp(-a * a));
}

// The derivative of GELU's tanh approximation.
fn gelu_tanh_slope(x: Elem) -> Elem {
    let t = tanh(Elem(0.7978845608) * (x + Elem(0.044715) * x * x * x));
    let inner = Elem(0.7978845608) * (Elem(1.0) + Elem(0.134145) * x * x);
    return Elem(0.5) * (Elem(1.0) + t) + Elem(0.5) * x * (Elem(1.0) - t * t) * inner;
}

// The derivative of SiLU.
fn silu_slope(x: Elem) -> Elem {
    let s = Elem(1.0) / (Elem(1.0) + exp(-x));
    return s * (Elem(1.0) + x * (Elem(1.0) - s));
}
