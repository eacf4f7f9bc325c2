// out[b, i] = x[indices[b], i], or FILL where the index is not below `rows`.
// Layout: x [rows, COLUMNS], indices [B], out [B, COLUMNS], contiguous. Elem is u32 or vec4<u32>: bits are copied
// whatever they mean. COLUMNS and count are in Elems.
// Work: RUN Elems an invocation, WG apart and loaded together. Accumulates nothing. Bound by memory bandwidth.
// Reached: 26 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 53 % on Mesa 26 (4096 of 4096x128); 70 % on an
// H200 (131072 of 100000x300), where rows are named twice: with every read counted, 96 % of what copying reaches.
struct Params {
    count: u32,
    rows: u32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read> x: array<Elem>;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read_write> out: array<Elem>;

fn fetched(row: u32, index: u32) -> Elem {
    if (MORE > 0u) {
        // No branch: the loads of all Elems are on their way at once.
        return select(Elem(FILL), x[min(row, p.rows - 1u) * COLUMNS + index % COLUMNS], row < p.rows);
    }
    var value = Elem(FILL);
    if (row < p.rows) {
        value = x[row * COLUMNS + index % COLUMNS];
    }
    return value;
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_workgroup(group, groups) * (WG * RUN) + lane;
    if (index >= p.count) {
        return;
    }
    let row = indices[index / COLUMNS];
#repeat m MORE
    let index$m = index + ($mu + 1u) * WG;
    let row$m = indices[min(index$m, p.count - 1u) / COLUMNS];
#end
    let one = fetched(row, index);
#repeat m MORE
    let more$m = fetched(row$m, index$m);
#end
    out[index] = one;
#repeat m MORE
    if (index$m < p.count) {
        out[index$m] = more$m;
    }
#end
}
