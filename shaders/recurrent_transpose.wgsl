// out = the recurrent weight, its axes changed, for recurrent_sequence.
// Layout: w [ROWS, HIDDEN]; out [HIDDEN, ROWS].
// Work: an element an invocation. Bound by memory, once a walk.
// Reached: 20 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 27 % on Mesa 26 (lstm of 256, 32 by 64
// steps).
#import grid
@group(0) @binding(0) var<storage, read> w: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(group, groups) * WG + lane;
    if (i >= ROWS * HIDDEN) {
        return;
    }
    out[i] = w[i % ROWS * HIDDEN + i / ROWS];
}
