// out[i] = sum over the parts of terms[part, i], in order.
// Layout: terms [parts, count], out [count].
// Work: one result an invocation. Accumulates in f32. Bound by memory bandwidth.
// Reached: 14 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 26 % on Mesa 26 (16x32x30x30 by 64 of
// 5x5).
struct Params {
    parts: u32,
    count: u32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read> terms: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

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
    var sum = 0.0;
    for (var part = 0u; part < p.parts; part++) {
        sum += terms[part * p.count + index];
    }
    out[index] = sum;
}
