// out[part, o] = scale · fold of the part's elements of output o: a sum, a sum of squares, a maximum or a minimum.
// Layout: x is read at three nested kept runs (outer, middle, inner) and three nested reduced runs (deep, row, run) with
// any strides; out is [parts, outputs]. Everything counts Elems: single elements, four neighbours of one output, or four
// neighbouring outputs. A part is a rectangle of rows_each × run_each of an output's rows × run.
// Work: one (part, output) an invocation, neighbouring invocations on neighbouring outputs. Accumulates in f32, in four
// chains (sixteen with vec4 elements of one output). Bound by memory bandwidth.
// Reached: 107 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 220 % on Mesa 26 (64x128x32x32 over all but
// 1, from the cache); 79 % on an H200 (512x65536 over 0), 87 % of twice as many.
struct Params {
    outputs: u32,
    parts: u32,
    middle: u32,
    inner: u32,
    outer_stride: u32,
    middle_stride: u32,
    inner_stride: u32,
    deep_stride: u32,
    shallow_rows: u32,
    row_stride: u32,
    rows: u32,
    run: u32,
    run_stride: u32,
    rows_each: u32,
    run_parts: u32,
    run_each: u32,
    start: f32,
    scale: f32,
}
#import params
#import grid
#code

@group(0) @binding(0) var<storage, read> x: array<Elem>;
@group(0) @binding(1) var<storage, read_write> out: array<Out>;

fn row_offset(row: u32) -> u32 {
    if (DEEP) {
        return row / p.shallow_rows * p.deep_stride + row % p.shallow_rows * p.row_stride;
    }
    return row * p.row_stride;
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_workgroup(group, groups) * WG + lane;
    if (index >= p.outputs * p.parts) {
        return;
    }
    let output = index % p.outputs;
    let part = index / p.outputs;
    let outer = output / p.inner;
    let base = output % p.inner * p.inner_stride
        + outer % p.middle * p.middle_stride
        + outer / p.middle * p.outer_stride;

    let first_row = part / p.run_parts * p.rows_each;
    let end_row = min(first_row + p.rows_each, p.rows);
    let first = part % p.run_parts * p.run_each;
    let length = min(p.run_each, p.run - first);
    let stride = p.run_stride;

    var a = Elem(p.start);
    var b = a;
    var c = a;
    var d = a;
    for (var row = first_row; row < end_row; row++) {
        var at = base + row_offset(row) + first * stride;
        for (var four = length / 4u; four > 0u; four--) {
            a = join(a, take(x[at]));
            b = join(b, take(x[at + stride]));
            c = join(c, take(x[at + 2u * stride]));
            d = join(d, take(x[at + 3u * stride]));
            at += 4u * stride;
        }
        for (var rest = length % 4u; rest > 0u; rest--) {
            a = join(a, take(x[at]));
            at += stride;
        }
    }
    out[index] = fold(join(join(a, b), join(c, d))) * p.scale;
}
