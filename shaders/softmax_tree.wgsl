// y[row, i] = exp(x[row, i] − max) / Σ exp(x[row, ·] − max), or its logarithm (LOG).
// Layout: x and y are [outer, length, inner]; a row is (outer, inner).
// Work: one row a workgroup, neighbouring lanes on neighbouring elements of it; the row is read three times.
// Accumulates in f32, in WG chains joined by a tree. Bound by memory bandwidth.
// Reached: 11 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 25 % on Mesa 26 (4096x1000).
struct Params {
    rows: u32,
    length: u32,
    inner: u32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

var<workgroup> partial: array<f32, WG>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = linear_workgroup(group, groups);
    if (row >= p.rows) {
        return;
    }
    let stride = p.inner;
    let first = row / stride * p.length * stride + row % stride;
    // Lanes past a short row repeat its first element: a maximum does not mind.
    var largest = x[first];
    for (var i = lane; i < p.length; i += WG) {
        largest = max(largest, x[first + i * stride]);
    }
    partial[lane] = largest;
    for (var half = WG / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
            partial[lane] = max(partial[lane], partial[lane + half]);
        }
    }
    workgroupBarrier();
    largest = partial[0];
    workgroupBarrier();

    var sum = 0.0;
    for (var i = lane; i < p.length; i += WG) {
        sum += exp(x[first + i * stride] - largest);
    }
    partial[lane] = sum;
    for (var half = WG / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
            partial[lane] += partial[lane + half];
        }
    }
    workgroupBarrier();
    sum = partial[0];

    let shift = largest + log(sum);
    let scale = 1.0 / sum;
    for (var i = lane; i < p.length; i += WG) {
        let at = first + i * stride;
        if (LOG) {
            y[at] = x[at] - shift;
        } else {
            y[at] = exp(x[at] - largest) * scale;
        }
    }
}
