// packed = a state, laid out for recurrent_window: fours of sequences side by side, units cut into four planes of RUN.
// Layout: h [BATCH, HIDDEN]; packed [4, PANELS of 32 sequences, RUN, 8 fours], zeros where there is nothing.
// Work: four sequences of a unit an invocation. Bound by loads, once a walk.
// Reached: 8 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 29 % on Mesa 26 (lstm of 256, 32 by 64
// steps).
struct Params {
    count: u32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read> h: array<f32>;
@group(0) @binding(1) var<storage, read_write> packed: array<vec4<f32>>;

fn at(b: u32, unit: u32) -> f32 {
    if (b >= BATCH || unit >= HIDDEN) {
        return 0.0;
    }
    return h[b * HIDDEN + unit];
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
    let row4 = word % 8u;
    let k = word / 8u % RUN;
    let panel = word / (8u * RUN) % PANELS;
    let unit = word / (8u * RUN * PANELS) * RUN + k;
    let b = panel * 32u + row4 * 4u;
    packed[word] = vec4<f32>(at(b, unit), at(b + 1u, unit), at(b + 2u, unit), at(b + 3u, unit));
}
