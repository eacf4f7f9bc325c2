// c[i] = epilogue(sum over p of parts[p, i]): the second pass of a product, or of a weight's gradient, whose sum was divided.
// Layout: parts [part_count, count], c [count] in Out, contiguous.
// Work: one result an invocation. Accumulates f32 in order of p, whatever ran first. Bound by memory bandwidth.
// Reached: 17 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 28 % on Mesa 26 (1024x1024x1024 NN).
struct Params {
    count: u32,
    part_count: u32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read> parts: array<f32>;
@group(0) @binding(1) var<storage, read_write> c: array<Out>;
#code

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
    for (var part = 0u; part < p.part_count; part++) {
        sum += parts[part * p.count + index];
    }
    c[index] = Out(epilogue(sum, index));
}
