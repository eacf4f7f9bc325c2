// packed = the recurrent weight, laid out for recurrent_window_grad: its columns in panels of 32, K, which are its rows, cut
// into four planes of RUN.
// Layout: w [GATES * HIDDEN, HIDDEN], HIDDEN a multiple of 4; packed [tiles, 4 planes, WIDTH / 32 panels of units, RUN, 8
// fours of units], zeros where there is nothing.
// Work: four columns of a row an invocation. Bound by memory, once a walk.
// Reached: 22 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 105 % on Mesa 26 (lstm of 256, 32 by
// 64 steps).
struct Params {
    count: u32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read> w: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> packed: array<vec4<f32>>;

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
    let plane = panel / (WIDTH / 32u);
    let unit4 = plane / 4u * (WIDTH / 4u) + panel % (WIDTH / 32u) * 8u + word % 8u;
    let k = plane % 4u * RUN + in_panel % RUN;
    var columns = vec4<f32>(0.0);
    if (unit4 < HIDDEN / 4u && k < GATES * HIDDEN) {
        columns = w[k * (HIDDEN / 4u) + unit4];
    }
    packed[word] = columns;
}
