// parameter ← parameter − learning_rate · (factor · gradient + weight_decay · parameter).
// Layout: banks, flat, in Elems (f32 or vec4 of neighbours), of which first to end are changed;
// rates = (learning_rate, factor, …). The factor may have a second part from the device.
// Work: one Elem an invocation. Accumulates nothing. Bound by memory bandwidth.
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

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = p.first + linear_workgroup(group, groups) * WG + lane;
    if (i >= p.end || skipped()) {
        return;
    }
    let parameter = parameters[i];
    let g = gradients[i] * gradient_factor() + parameter * p.weight_decay;
    parameters[i] = parameter - g * rates[0];
}
