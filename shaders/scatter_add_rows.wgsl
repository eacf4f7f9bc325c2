// out[indices[b], i] += values[b, i] for the b of one chunk, start <= b < end, in order of b.
// Layout: values [B, COLUMNS], indices [B], out [rows, COLUMNS], contiguous. Elem is f32 or vec4<f32>; COLUMNS is
// in Elems; count is that of invocations.
// Work: EACH neighbouring Elems of one b an invocation. The first b of a chunk that names a row adds all of the chunk's
// values for it, so no two invocations touch one Elem and the order of addition is fixed; indices past the end add nothing.
// Accumulates in f32. Bound by the scan of the chunk's indices, which neighbouring lanes share.
// Reached: 0.6 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 4 % on Mesa 26 (4096 of 4096x128).
struct Params {
    count: u32,
    start: u32,
    end: u32,
    rows: u32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read> values: array<Elem>;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
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
    let b = p.start + index / (COLUMNS / EACH);
    let column = index % (COLUMNS / EACH) * EACH;
    let row = indices[b];
    if (row >= p.rows) {
        return;
    }
#repeat i EACH
    var sum$i = Elem(0.0);
#end
    for (var j = p.start; j < p.end; j++) {
        if (indices[j] == row) {
            if (j < b) {
                return;
            }
            let first = j * COLUMNS + column;
#repeat e EACH
            sum$e += values[first + $eu];
#end
        }
    }
#repeat i EACH
    out[row * COLUMNS + column + $iu] += sum$i;
#end
}
