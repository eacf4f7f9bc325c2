// y[i] = epilogue(sums[i]).
// Layout: both of count words of four. Work: one word an invocation. Accumulates nothing.
struct Params {
    count: u32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read> sums: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
#code

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(group, groups) * WG + lane;
    if (i >= p.count) {
        return;
    }
    let value = sums[i];
    let j = i * 4u;
    y[i] = vec4(epilogue(value.x, j), epilogue(value.y, j + 1u), epilogue(value.z, j + 2u), epilogue(value.w, j + 3u));
}
