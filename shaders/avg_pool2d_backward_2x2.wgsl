// d_x[n, c, y, x] = d_y[n, c, y / 2, x / 2] / 4.
// Layout: as avg_pool2d_forward_2x2; d_y as vec2, d_x as vec4.
// Work: RUN vec4s of d_x an invocation, WG apart, so that a workgroup stores side by side; the two rows that read the same d_y
// are near enough to find it in the first cache. Accumulates nothing. Bound by memory bandwidth: each byte moves once to or from
// memory.
// Reached: 80 % of the roofline measured on an H200 (512x64x32x32 by 2x2, stride 2x2).
struct Params {
    count: u32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read> d_y: array<vec2<f32>>;
@group(0) @binding(1) var<storage, read_write> d_x: array<vec4<f32>>;
#code

// The pair of windows that d_x[i] lies in.
fn pair(i: u32) -> vec2<f32> {
    return d_y[i / (2u * COLUMNS) * COLUMNS + i % COLUMNS];
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(group, groups) * (WG * RUN) + lane;
    if (i >= p.count) {
        return;
    }
    let one = pair(i);
#repeat m MORE
    let i$m = i + ($mu + 1u) * WG;
    let more$m = pair(min(i$m, p.count - 1u));
#end
    d_x[i] = epilogue(one.xxyy * 0.25, i);
#repeat m MORE
    if (i$m < p.count) {
        d_x[i$m] = epilogue(more$m.xxyy * 0.25, i$m);
    }
#end
}
