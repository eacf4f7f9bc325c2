// out[n, c, oy, ox] = SIGN * max(SIGN * x[n, c, 2 oy + {0, 1}, 2 ox + {0, 1}]): pooling by half.
// Layout: NCHW, contiguous, H even, W = 4 * COLUMNS: image rows follow each other through channels and samples, so the
// results' row r needs the image rows 2 r and 2 r + 1 whatever the image. x as vec4, out as vec2.
// Work: RUN pairs of results an invocation, 32 bytes read and 8 written each. Bound by memory bandwidth: each byte moves
// once.
struct Params {
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
    let first = linear_workgroup(group, groups) * (WG * RUN) + lane;
    for (var r = 0u; r < RUN; r++) {
        let index = first + r * WG;
        if (index < p.count) {
            let above = index + index / COLUMNS * COLUMNS;
            let both = max(SIGN * x[above], SIGN * x[above + COLUMNS]);
            let best = SIGN * max(both.xz, both.yw);
            out[index] = vec2<f32>(epilogue(best.x, 2u * index), epilogue(best.y, 2u * index + 1u));
        }
    }
}
