// packed = the recurrent weight, laid out for recurrent_window: a unit's gates side by side, K cut into four planes of RUN.
// Layout: w [GATES * HIDDEN, HIDDEN]; packed [tiles, 4 planes, WIDTH / 8 panels of units, RUN, 8 units], each a vec4 of
// gates, zeros where there is nothing.
// Work: a unit's gates at one k an invocation. Bound by loads, once a walk.
// Reached: 25 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 62 % on Mesa 26 (lstm of 256, 32 by 64
// steps).
struct Params {
    count: u32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read> w: array<f32>;
@group(0) @binding(1) var<storage, read_write> packed: array<vec4<f32>>;

fn at(gate: u32, unit: u32, k: u32) -> f32 {
    if (gate >= GATES) {
        return 0.0;
    }
    return w[(gate * HIDDEN + unit) * HIDDEN + k];
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let word = linear_workgroup(group, groups) * WG + lane;
    if (word >= p.count) {
        return;
    }
    let in_panel = word / 8u;
    let panel = in_panel / RUN;
    let plane = panel / (WIDTH / 8u);
    let unit = plane / 4u * WIDTH + panel % (WIDTH / 8u) * 8u + word % 8u;
    let k = plane % 4u * RUN + in_panel % RUN;
    var gates = vec4<f32>(0.0);
    if (unit < HIDDEN && k < HIDDEN) {
        gates = vec4<f32>(at(0u, unit, k), at(1u, unit, k), at(2u, unit, k), at(3u, unit, k));
    }
    packed[word] = gates;
}
