// out[first + i] = epilogue(total(i)): the sum over the blocks of terms[block, i], in order, which is generated: from
// one storage array, or from a uniform window of each block.
// Layout: words of four.
// Work: one word an invocation. Accumulates in f32. Bound by memory bandwidth.
struct Params {
    count: u32,
    first: u32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read_write> out: array<vec4<f32>>;
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
    let i = p.first + index;
    out[i] = epilogue(total(index), i);
}
