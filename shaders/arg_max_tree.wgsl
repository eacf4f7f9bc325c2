// out[r] = the index of the largest x along an axis, the first of equals, as arg_max: for GPUs, and for axes longer than one
// invocation may walk.
// Layout: x [rows / inner, length, inner], out [rows].
// Work: a workgroup a row; each invocation looks at every WG-th element, then halves of the workgroup agree. Accumulates
// nothing. Bound by memory bandwidth where rows are long.
// Reached: not measured by itself.
struct Params {
    rows: u32,
    length: u32,
    inner: u32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;

var<workgroup> values: array<f32, WG>;
var<workgroup> places: array<u32, WG>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = linear_workgroup(group, groups);
    // The same for the whole workgroup.
    if (row >= p.rows) {
        return;
    }
    let first = row / p.inner * p.length * p.inner + row % p.inner;
    // Of invocations past the end each has the last element.
    var best = min(lane, p.length - 1u);
    var largest = x[first + best * p.inner];
    for (var i = lane + WG; i < p.length; i += WG) {
        let value = x[first + i * p.inner];
        if (value > largest) {
            largest = value;
            best = i;
        }
    }
    values[lane] = largest;
    places[lane] = best;
    for (var half = WG / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
            let value = values[lane + half];
            let place = places[lane + half];
            if (value > values[lane] || (value == values[lane] && place < places[lane])) {
                values[lane] = value;
                places[lane] = place;
            }
        }
    }
    if (lane == 0u) {
        out[row] = places[0];
    }
}
