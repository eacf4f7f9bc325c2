// out[i0, i1, …] = x[i0 - B0, i1 - B1, …] where that exists, else value.
// Layout: both contiguous; of the output extents _, E1, …, E5 the first RANK exist; Nk are those of x, Bk the padding
// before. Elem is f32 or, where the last axis allows it, vec4<f32>; its E, N and B count Elems.
// Work: RUN Elems an invocation, WG apart, of which MORE are loaded with the first. Accumulates nothing. Bound by memory
// bandwidth.
// Reached: 1 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 1 % on Mesa 26 (child-sum-tree-lstm, a
// batch of 25 trees).
struct Params {
    count: u32,
    value: f32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read> x: array<Elem>;
@group(0) @binding(1) var<storage, read_write> out: array<Elem>;

fn padded(index: u32) -> Elem {
    var rest = index;
    var at = 0u;
    var stride = 1u;
    var inside = true;
    // Below zero wraps to a number above every extent.
    if (RANK > 5u) {
        let i = rest % E5 - B5;
        inside = inside && i < N5;
        at += i * stride;
        stride *= N5;
        rest /= E5;
    }
    if (RANK > 4u) {
        let i = rest % E4 - B4;
        inside = inside && i < N4;
        at += i * stride;
        stride *= N4;
        rest /= E4;
    }
    if (RANK > 3u) {
        let i = rest % E3 - B3;
        inside = inside && i < N3;
        at += i * stride;
        stride *= N3;
        rest /= E3;
    }
    if (RANK > 2u) {
        let i = rest % E2 - B2;
        inside = inside && i < N2;
        at += i * stride;
        stride *= N2;
        rest /= E2;
    }
    if (RANK > 1u) {
        let i = rest % E1 - B1;
        inside = inside && i < N1;
        at += i * stride;
        stride *= N1;
        rest /= E1;
    }
    let i = rest - B0;
    if (inside && i < N0) {
        return x[at + i * stride];
    }
    return Elem(p.value);
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
            let one = padded(index);
#repeat m MORE
            let index$m = index + ($mu + 1u) * WG;
            let more$m = padded(min(index$m, p.count - 1u));
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
