// g = factor · gradient + weight_decay · parameter; velocity ← momentum · velocity + g;
// parameter ← parameter − learning_rate · velocity, or with NESTEROV − learning_rate · (g + momentum · velocity).
// Layout: banks, flat, in Elems (f32 or vec4 of neighbours), of which count from first on are changed, and gradients
// from first on; rates[0] = (learning_rate, factor, …). The factor may have a second part from the device.
// Work: one Elem an invocation. Accumulates nothing. Bound by memory bandwidth.
struct Params {
    first: u32,
    count: u32,
    momentum: f32,
    weight_decay: f32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read_write> parameters: array<Elem>;
@group(0) @binding(1) var<storage, read_write> velocities: array<Elem>;
@group(0) @binding(2) var<storage, read> gradients: array<Elem>;
@group(0) @binding(3) var<storage, read> rates: array<vec4<f32>>;
#code

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let read = linear_workgroup(group, groups) * WG + lane;
    if (read >= p.count) {
        return;
    }
    let i = p.first + read;
    let parameter = parameters[i];
    let g = gradients[read] * gradient_factor() + parameter * p.weight_decay;
    let velocity = velocities[i] * p.momentum + g;
    velocities[i] = velocity;
    if (NESTEROV) {
        parameters[i] = parameter - (g + velocity * p.momentum) * rates[0].x;
    } else {
        parameters[i] = parameter - velocity * rates[0].x;
    }
}
