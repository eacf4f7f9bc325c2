// scatter_add_rows, its chunk's indices read as a uniform window, four at once.
// Layout: values [B, COLUMNS], indices [B / 4] vec4 from the chunk's first on, out [rows, COLUMNS], contiguous. Elem is f32
// or vec4<f32>; COLUMNS is in Elems; count is that of invocations.
// Work: EACH neighbouring Elems of one b an invocation. The first b of a chunk that names a row adds all of the chunk's
// values for it, so no two invocations touch one Elem and the order of addition is fixed; indices past the end add nothing.
// Accumulates in f32. Bound by the scan of the chunk's indices.
// Reached: 3 % of the roofline measured on two cores' llvmpipe of Mesa 22.3 (4096 of 4096x128).
struct Params {
    count: u32,
    start: u32,
    fours: u32,
    rows: u32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read> values: array<Elem>;
@group(0) @binding(1) var<storage, read> indices: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> out: array<Elem>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_workgroup(group, groups) * WG + lane;
    if (index >= p.count) {
        return;
    }
    let b = index / (COLUMNS / EACH);
    let column = index % (COLUMNS / EACH) * EACH;
    let row = indices[b / 4u][b % 4u];
    if (row >= p.rows) {
        return;
    }
#repeat i EACH
    var sum$i = Elem(0.0);
#end
    for (var j = 0u; j < p.fours; j++) {
        let hits = indices[j] == vec4<u32>(row);
        if (any(hits)) {
            for (var i = 0u; i < 4u; i++) {
                if (hits[i]) {
                    if (4u * j + i < b) {
                        return;
                    }
                    let first = (p.start + 4u * j + i) * COLUMNS + column;
#repeat e EACH
                    sum$e += values[first + $eu];
#end
                }
            }
        }
    }
#repeat i EACH
    out[row * COLUMNS + column + $iu] += sum$i;
#end
}
