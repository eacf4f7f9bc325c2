// out[n, c, oy, ox] = SIGN * max(SIGN * x[n, c, 2 oy + {0, 1}, 2 ox + {0, 1}]): pooling by half.
// Layout: NCHW, contiguous, H even, W = 4 * COLUMNS: image rows follow each other through channels and samples, so the
// results' row r needs the image rows 2 r and 2 r + 1 whatever the image. x as vec4, from the first result's window on;
// out as vec2, of which count from first on are computed.
// Work: RUN pairs of results an invocation, 32 bytes read and 8 written each. Bound by memory bandwidth: each byte moves
// once.
// Reached: 30 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 70 % on Mesa 26 (64x32x32x32 by 2x2).
struct Params {
    first: u32,
    count: u32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> out: array<vec2<f32>>;
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
            let both = max(SIGN * x[above], SIGN * x[above + COLUMNS]);
            let best = SIGN * max(both.xz, both.yw);
            let index = p.first + i;
            out[index] = vec2<f32>(epilogue(best.x, 2u * index), epilogue(best.y, 2u * index + 1u));
        }
    }
}
