// out[n, c, oy, ox] = SIGN * max(SIGN * x[n, c, 2 oy + {0, 1}, 2 ox + {0, 1}]): pooling by half.
// Layout: NCHW, contiguous, H even, W = 4 * COLUMNS: image rows follow each other through channels and samples, so the
// results' row r needs the image rows 2 r and 2 r + 1 whatever the image. x as vec4, in WINDOWS parts, each from its
// first result's window on; out as vec2, of which each part is count, from first on.
// Work: RUN pairs of results of every part an invocation, 32 bytes read and 8 written each. Bound by memory bandwidth:
// each byte moves once.
// Reached: 60 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 97 % on Mesa 26 (64x32x32x32 by 2x2,
// stride 2x2).
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

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let begin = linear_workgroup(group, groups) * (WG * RUN) + lane;
    for (var r = 0u; r < RUN; r++) {
        let i = begin + r * WG;
        if (i < p.count) {
            let above = i + i / COLUMNS * COLUMNS;
#repeat w WINDOWS
            let both$w = max(SIGN * x$w[above], SIGN * x$w[above + COLUMNS]);
            let best$w = SIGN * max(both$w.xz, both$w.yw);
            let index$w = p.first + $wu * p.count + i;
            out[index$w] = vec2<f32>(epilogue(best$w.x, 2u * index$w), epilogue(best$w.y, 2u * index$w + 1u));
#end
        }
    }
}
