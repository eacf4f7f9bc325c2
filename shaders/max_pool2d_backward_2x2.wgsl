// d_x[n, c, y, x] = d_y[n, c, y / 2, x / 2] where x holds the first extreme of its 2×2 window, else 0; SIGN = 1 for max,
// -1 for min.
// Layout: as max_pool2d_forward_2x2; x and d_x as vec4, d_y as vec4 too: two pairs.
// Work: RUN pairs of windows of every part an invocation, 40 bytes read and 32 written each, each byte once; where there is
// one part, MORE pairs are loaded with the first. Bound by memory bandwidth, in software by instructions: 1.7 GB/s a core
// through windows on Mesa 22.3, 2.1 GB/s on Mesa 26.
// Reached: 58 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 106 % on Mesa 26 (64x32x32x32 by 2x2, stride
// 2x2); 90 % on an H200 (512x64x32x32).
struct Params {
    first: u32,
    count: u32,
}
#import params
#import grid
#repeat w WINDOWS
@group(0) @binding($w) var<storage, read> x$w: array<vec4<f32>>;
@group(0) @binding(WINDOWS + $w) var<storage, read> d_y$w: array<vec4<f32>>;
#end
@group(0) @binding(2 * WINDOWS) var<storage, read_write> d_x: array<vec4<f32>>;
#code

// d_x of the pair i of windows of a part, whose upper words are d_x[at].
fn store(at: u32, x_above: vec4<f32>, x_below: vec4<f32>, d_pairs: vec4<f32>, i: u32) {
    let above = SIGN * x_above;
    let below = SIGN * x_below;
    let d = select(d_pairs.xy, d_pairs.zw, i % 2u == 1u);
    let best_above = max(above.xz, above.yw);
    let best_below = max(below.xz, below.yw);
    // Each a choice between two that are in order: of equals the first wins.
    let zero = vec2<f32>(0.0);
    let lower = best_below > best_above;
    let d_above = select(d, zero, lower);
    let d_below = select(zero, d, lower);
    let above_right = above.yw > above.xz;
    let below_right = below.yw > below.xz;
    let a = select(d_above, zero, above_right);
    let b = select(zero, d_above, above_right);
    let e = select(d_below, zero, below_right);
    let f = select(zero, d_below, below_right);
    d_x[at] = epilogue(vec4<f32>(a.x, b.x, a.y, b.y), at);
    d_x[at + COLUMNS] = epilogue(vec4<f32>(e.x, f.x, e.y, f.y), at + COLUMNS);
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let begin = linear_workgroup(group, groups) * (WG * RUN) + lane;
    for (var r = 0u; r < RUN; r += 1u + MORE) {
        let i = begin + r * WG;
        if (i < p.count) {
            let upper = i + i / COLUMNS * COLUMNS;
#repeat m MORE
            let i$m = i + ($mu + 1u) * WG;
            let place$m = min(i$m, p.count - 1u);
            let upper$m = place$m + place$m / COLUMNS * COLUMNS;
            let above$m = x0[upper$m];
            let below$m = x0[upper$m + COLUMNS];
            let pairs$m = d_y0[place$m / 2u];
#end
#repeat w WINDOWS
            store(2u * (p.first + $wu * p.count) + upper, x$w[upper], x$w[upper + COLUMNS], d_y$w[i / 2u], i);
#end
#repeat m MORE
            if (i$m < p.count) {
                store(2u * p.first + upper$m, above$m, below$m, pairs$m, i$m);
            }
#end
        }
    }
}
