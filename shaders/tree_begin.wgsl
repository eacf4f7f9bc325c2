// d[0] = d_hidden, and the other planes 0: the gradients of states before any came from a parent.
// Layout: d_hidden [ROWS, H], d [PLANES, ROWS, H], in vec4; count is that of a plane.
// Work: one vec4 of each plane an invocation. Bound by memory bandwidth.
// Reached: 60 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 67 % on Mesa 26 (child-sum-tree-lstm,
// a batch of 25 trees).
struct Params {
    count: u32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read> d_hidden: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> d: array<vec4<f32>>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_workgroup(group, groups) * WG + lane;
    if (index >= p.count) {
        return;
    }
    d[index] = d_hidden[index];
    for (var plane = 1u; plane < PLANES; plane++) {
        d[plane * p.count + index] = vec4<f32>(0.0);
    }
}
