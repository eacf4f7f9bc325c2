// out[first + i] = epilogue(sum over the parts of terms[part, i], in order).
// Layout: terms [parts, stride], out of first + count or more; in words of four.
// Work: one word an invocation. Accumulates in f32.
struct Params {
    parts: u32,
    count: u32,
    stride: u32,
    first: u32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read> terms: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> out: array<vec4<f32>>;
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
    var sum = vec4<f32>();
    for (var part = 0u; part < p.parts; part++) {
        sum += terms[part * p.stride + index];
    }
    let i = p.first + index;
    out[i] = epilogue(sum, i);
}
