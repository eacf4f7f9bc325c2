// parameter ← parameter − learning_rate · (factor · gradient + weight_decay · parameter).
// Layout: banks, flat, in Elems (f32 or vec4 of neighbours), of which first to end are changed;
// rates = (learning_rate, factor, …). The factor may have a second part from the device.
// Work: RUN Elems an invocation, WG apart and loaded together. Accumulates nothing. Bound by memory bandwidth.
// Reached: not measured by itself; sgd_momentum says what its kind reaches.
struct Params {
    first: u32,
    end: u32,
    weight_decay: f32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read_write> parameters: array<Elem>;
@group(0) @binding(1) var<storage, read> gradients: array<Elem>;
@group(0) @binding(2) var<storage, read> rates: array<f32>;
#code

fn updated(parameter: Elem, gradient: Elem) -> Elem {
    let g = gradient * gradient_factor() + parameter * p.weight_decay;
    return parameter - g * rates[0];
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
    let one = updated(parameters[i], gradients[i]);
#repeat m MORE
    let i$m = i + ($mu + 1u) * WG;
    let from$m = min(i$m, p.end - 1u);
    let more$m = updated(parameters[from$m], gradients[from$m]);
#end
    parameters[i] = one;
#repeat m MORE
    if (i$m < p.end) {
        parameters[i$m] = more$m;
    }
#end
}
