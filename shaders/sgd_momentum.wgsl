// g = factor · gradient + weight_decay · parameter; velocity ← momentum · velocity + g;
// parameter ← parameter − learning_rate · velocity, or with NESTEROV − learning_rate · (g + momentum · velocity).
// Layout: banks, flat, in Elems (f32 or vec4 of neighbours), of which first to end are changed;
// rates = (learning_rate, factor, …). The factor may have a second part from the device.
// Work: RUN Elems an invocation, WG apart and loaded together. Accumulates nothing. Bound by memory bandwidth.
// Reached: 21 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 160 % on Mesa 26 (resnet9, train,
// batch 64).
struct Params {
    first: u32,
    end: u32,
    momentum: f32,
    weight_decay: f32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read_write> parameters: array<Elem>;
@group(0) @binding(1) var<storage, read_write> velocities: array<Elem>;
@group(0) @binding(2) var<storage, read> gradients: array<Elem>;
@group(0) @binding(3) var<storage, read> rates: array<f32>;
#code

struct Step {
    parameter: Elem,
    velocity: Elem,
}

fn step_of(i: u32) -> Step {
    let parameter = parameters[i];
    let g = gradients[i] * gradient_factor() + parameter * p.weight_decay;
    let velocity = velocities[i] * p.momentum + g;
    if (NESTEROV) {
        return Step(parameter - (g + velocity * p.momentum) * rates[0], velocity);
    }
    return Step(parameter - velocity * rates[0], velocity);
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
    velocities[i] = one.velocity;
    parameters[i] = one.parameter;
#repeat m MORE
    if (i$m < p.end) {
        velocities[i$m] = more$m.velocity;
        parameters[i$m] = more$m.parameter;
    }
#end
}
