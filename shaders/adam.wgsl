// m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; parameter ← parameter − learning_rate / c₁ · m / (√v / √c₂ + eps),
// with g = factor · gradient. Weight decay is added to g, or (DECOUPLED: AdamW) shrinks the parameter first.
// Layout: banks, flat, in Elems (f32 or vec4 of neighbours), of which first to end are changed;
// rates = (learning_rate, factor, c₁, c₂). The factor may have a second part from the device.
// Work: RUN Elems an invocation, WG apart and loaded together. Accumulates nothing. Bound by memory bandwidth.
// Reached: 23 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 98 % on Mesa 26 (tree-lstm, a batch of
// 25 trees).
struct Params {
    first: u32,
    end: u32,
    beta1: f32,
    beta2: f32,
    rest1: f32,
    rest2: f32,
    eps: f32,
    weight_decay: f32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read_write> parameters: array<Elem>;
@group(0) @binding(1) var<storage, read_write> first_moments: array<Elem>;
@group(0) @binding(2) var<storage, read_write> second_moments: array<Elem>;
@group(0) @binding(3) var<storage, read> gradients: array<Elem>;
@group(0) @binding(4) var<storage, read> rates: array<f32>;
#code

struct Step {
    parameter: Elem,
    m: Elem,
    v: Elem,
}

fn step_of(i: u32) -> Step {
    var parameter = parameters[i];
    var g = gradients[i] * gradient_factor();
    if (DECOUPLED) {
        parameter -= parameter * (rates[0] * p.weight_decay);
    } else {
        g += parameter * p.weight_decay;
    }
    let m = first_moments[i] * p.beta1 + g * p.rest1;
    let v = second_moments[i] * p.beta2 + g * g * p.rest2;
    let divisor = sqrt(v) * inverseSqrt(rates[3]) + Elem(p.eps);
    return Step(parameter - m / divisor * (rates[0] / rates[2]), m, v);
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = p.first + linear_workgroup(group, groups) * (WG * RUN) + lane;
    if (i >= p.end || skipped()) {
        return;
    }
    let one = step_of(i);
#repeat m MORE
    let i$m = i + ($mu + 1u) * WG;
    let more$m = step_of(min(i$m, p.end - 1u));
#end
    first_moments[i] = one.m;
    second_moments[i] = one.v;
    parameters[i] = one.parameter;
#repeat m MORE
    if (i$m < p.end) {
        first_moments[i$m] = more$m.m;
        second_moments[i$m] = more$m.v;
        parameters[i$m] = more$m.parameter;
    }
#end
}
