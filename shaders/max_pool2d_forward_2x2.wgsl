// out[n, c, oy, ox] = SIGN * max(SIGN * x[n, c, 2 oy + {0, 1}, 2 ox + {0, 1}]): pooling by half.
// Layout: NCHW, contiguous, H even, W = 4 * COLUMNS: image rows follow each other through channels and samples, so the
// results' row r needs the image rows 2 r and 2 r + 1 whatever the image. x as vec4, in WINDOWS parts, each from its
// first result's window on; out as vec2, of which each part is count, from first on.
// Work: RUN pairs of results of every part an invocation, 32 bytes read and 8 written each; where there is one part, MORE
// pairs are loaded with the first. Bound by memory bandwidth: each byte moves once.
// Reached: 60 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 97 % on Mesa 26 (64x32x32x32 by 2x2, stride
// 2x2); 92 % on an H200 (512x64x32x32).
struct Params {
    first: u32,
    count: u32,
}
#import params
#import grid
#repeat w WINDOWS
@group(0) @binding($w) var<storage, read> x$w: array<vec4<f32>>;
#end
@group(0) @binding(WINDOWS) var<storage, read_write> out: array<vec2<f32>>;
#code

fn best(above: vec4<f32>, below: vec4<f32>) -> vec2<f32> {
    let both = max(SIGN * above, SIGN * below);
    return SIGN * max(both.xz, both.yw);
}

fn store(pair: vec2<f32>, index: u32) {
    out[index] = vec2<f32>(epilogue(pair.x, 2u * index), epilogue(pair.y, 2u * index + 1u));
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
            let above = i + i / COLUMNS * COLUMNS;
#repeat m MORE
            let i$m = i + ($mu + 1u) * WG;
            let above$m = min(i$m, p.count - 1u) + min(i$m, p.count - 1u) / COLUMNS * COLUMNS;
            let pair$m = best(x0[above$m], x0[above$m + COLUMNS]);
#end
#repeat w WINDOWS
            store(best(x$w[above], x$w[above + COLUMNS]), p.first + $wu * p.count + i);
#end
#repeat m MORE
            if (i$m < p.count) {
                store(pair$m, p.first + i$m);
            }
#end
        }
    }
}
