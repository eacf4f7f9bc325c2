// d_x = y · (d − Σ d·y), or of the logarithm (LOG) d_x = d − exp(y) · Σ d; sums over the row.
// Layout: y (the output), d (its gradient) and d_x [rows, length] in Elems, f32 or vec4 of neighbours.
// Work: LANES invocations a row, WG / LANES rows a workgroup; an invocation keeps its EACH Elems of both, LANES apart, in
// registers, so that each byte is read once, all at once, and written once. Accumulates in f32, by invocation and then by
// group. Bound by memory bandwidth.
// Reached: 93 % of the roofline measured on an H200 (16384x1024).
struct Params {
    rows: u32,
    length: u32,
}
#import params
#import grid
alias Part = f32;
#import group_sum
#code

@group(0) @binding(0) var<storage, read> y: array<Elem>;
@group(0) @binding(1) var<storage, read> d: array<Elem>;
@group(0) @binding(2) var<storage, read_write> d_x: array<Elem>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = linear_workgroup(group, groups) * (WG / LANES) + lane / LANES;
    let first = min(row, p.rows - 1u) * p.length;
    let own = lane % LANES;
    // What is past a row's end is loaded as its last Elem, and counts for nothing.
#repeat e EACH
    let y$e = y[first + min(own + $eu * LANES, p.length - 1u)];
    let d$e = d[first + min(own + $eu * LANES, p.length - 1u)];
#end
    var sums = Elem(0.0);
#repeat e EACH
    if (own + $eu * LANES < p.length) {
        if (LOG) {
            sums += d$e;
        } else {
            sums += d$e * y$e;
        }
    }
#end
    let sum = group_sum(total(sums), lane);
    if (row >= p.rows) {
        return;
    }
#repeat e EACH
    if (own + $eu * LANES < p.length) {
        if (LOG) {
            d_x[first + own + $eu * LANES] = d$e - exp(y$e) * sum;
        } else {
            d_x[first + own + $eu * LANES] = y$e * (d$e - Elem(sum));
        }
    }
#end
}
