// out[row] = the index i of the largest x[row, i], the first of equals.
// Layout: x is [outer, length, inner], out is [outer, inner]; a row is (outer, inner).
// Work: one row an invocation, neighbouring invocations on neighbouring rows. Accumulates nothing. Bound by memory.
// Reached: 8 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 6 % on Mesa 26 (rntn, a batch of 25
// trees).
struct Params {
    rows: u32,
    length: u32,
    inner: u32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = linear_workgroup(group, groups) * WG + lane;
    if (row >= p.rows) {
        return;
    }
    var at = row / p.inner * p.length * p.inner + row % p.inner;
    var best = 0u;
    var largest = x[at];
    for (var i = 1u; i < p.length; i++) {
        at += p.inner;
        let value = x[at];
        if (value > largest) {
            largest = value;
            best = i;
        }
    }
    out[row] = best;
}
