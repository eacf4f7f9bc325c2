// out[i0, i1, …] = x[i0 * S0 + i1 * S1 + …]: any permutation of axes.
// Layout: out is contiguous with extents _, E1, …, E5, of which the first RANK exist; Sk is the stride in x of output
// axis k. Elem is u32 or, where the last axis stays the last, vec4<u32>; extents and strides count Elems.
// Work: RUN Elems an invocation, WG apart, of which MORE are loaded with the first. Accumulates nothing. Bound by memory:
// writes are contiguous, reads are strided.
// Reached: 25 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 42 % on Mesa 26 (64x64x32x32 to
// 0x2x3x1).
struct Params {
    count: u32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read> x: array<Elem>;
@group(0) @binding(1) var<storage, read_write> out: array<Elem>;

fn source(index: u32) -> u32 {
    var rest = index;
    var at = 0u;
    if (RANK > 5u) {
        at += (rest % E5) * S5;
        rest /= E5;
    }
    if (RANK > 4u) {
        at += (rest % E4) * S4;
        rest /= E4;
    }
    if (RANK > 3u) {
        at += (rest % E3) * S3;
        rest /= E3;
    }
    if (RANK > 2u) {
        at += (rest % E2) * S2;
        rest /= E2;
    }
    if (RANK > 1u) {
        at += (rest % E1) * S1;
        rest /= E1;
    }
    return at + rest * S0;
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let first = linear_workgroup(group, groups) * (WG * RUN) + lane;
    for (var r = 0u; r < RUN; r += 1u + MORE) {
        let index = first + r * WG;
        if (index < p.count) {
            let one = x[source(index)];
#repeat m MORE
            let index$m = index + ($mu + 1u) * WG;
            let more$m = x[source(min(index$m, p.count - 1u))];
#end
            out[index] = one;
#repeat m MORE
            if (index$m < p.count) {
                out[index$m] = more$m;
            }
#end
        }
    }
}
