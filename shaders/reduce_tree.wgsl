// out[part, o] = scale · fold of the part's elements of output o: a sum, a sum of squares, a maximum or a minimum.
// Layout: as in reduce_lines.wgsl, with a part a stretch of elements_each of an output's elements in row-major order.
// Work: one (part, output) a group of LANES invocations, WG / LANES groups a workgroup; neighbouring lanes on neighbouring
// elements, 1 + MORE of them loaded at once; then the group joins in workgroup memory. Accumulates in f32, in LANES chains
// (4·LANES with vec4). Bound by memory bandwidth.
// Reached: 26 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 33 % on Mesa 26 (64x128x32x32 over all but 1);
// 85 % on an H200 (512x64x32x32 over all but 1), 93 % with twice the channels.
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
    run: u32,
    run_stride: u32,
    elements: u32,
    elements_each: u32,
    rows_on: u32,
    columns_on: u32,
    start: f32,
    scale: f32,
}
#import params
#import grid
alias Part = f32;
#code

@group(0) @binding(0) var<storage, read> x: array<Elem>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

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
    let given = linear_workgroup(group, groups) * (WG / LANES) + lane / LANES;
    let index = min(given, p.outputs * p.parts - 1u);
    let output = index % p.outputs;
    let part = index / p.outputs;
    var base = output * p.inner_stride;
    if (NESTED) {
        let outer = output / p.inner;
        base = output % p.inner * p.inner_stride
            + outer % p.middle * p.middle_stride
            + outer / p.middle * p.outer_stride;
    }

    let first = part * p.elements_each + lane % LANES;
    let end = min((part + 1u) * p.elements_each, p.elements);
    // An element's row and place in it, carried on by LANES elements from one to the next: only the first is divided for.
    var row = first / p.run;
    var column = first % p.run;
    var value = Elem(p.start);
    for (var i = first; i < end; i += LANES * (1u + MORE)) {
        let at = base + row_offset(row) + column * p.run_stride;
        row += p.rows_on;
        column += p.columns_on;
        if (column >= p.run) {
            row += 1u;
            column -= p.run;
        }
#repeat m MORE
        // What is past the end is loaded as the turn's first, and counts for nothing.
        let inside$m = i + ($mu + 1u) * LANES < end;
        let at$m = select(at, base + row_offset(row) + column * p.run_stride, inside$m);
        row += p.rows_on;
        column += p.columns_on;
        if (column >= p.run) {
            row += 1u;
            column -= p.run;
        }
#end
        let one = x[at];
#repeat m MORE
        let more$m = x[at$m];
#end
        value = join(value, take(one));
#repeat m MORE
        value = join(value, select(Elem(p.start), take(more$m), inside$m));
#end
    }
    let whole = of_group(fold(value), lane);
    if (lane % LANES == 0u && given < p.outputs * p.parts) {
        out[index] = whole * p.scale;
    }
}
