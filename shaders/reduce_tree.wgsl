// out[part, o] = scale · fold of the part's elements of output o: a sum, a sum of squares, a maximum or a minimum.
// Layout: as in reduce_lines.wgsl, with a part a stretch of elements_each of an output's elements in row-major order.
// Work: one (part, output) a workgroup, neighbouring lanes on neighbouring elements, then a tree in workgroup memory.
// Accumulates in f32, in WG chains (4·WG with vec4). Bound by memory bandwidth.
// Reached: 26 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 33 % on Mesa 26 (64x128x32x32 over all but 1).
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
    start: f32,
    scale: f32,
}
#import params
#import grid
#code

@group(0) @binding(0) var<storage, read> x: array<Elem>;
@group(0) @binding(1) var<storage, read_write> out: array<Out>;

var<workgroup> partial: array<Out, WG>;

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
    let index = linear_workgroup(group, groups);
    if (index >= p.outputs * p.parts) {
        return;
    }
    let output = index % p.outputs;
    let part = index / p.outputs;
    let outer = output / p.inner;
    let base = output % p.inner * p.inner_stride
        + outer % p.middle * p.middle_stride
        + outer / p.middle * p.outer_stride;

    let first = part * p.elements_each;
    let end = min(first + p.elements_each, p.elements);
    var value = Elem(p.start);
    for (var i = first + lane; i < end; i += WG) {
        value = join(value, take(x[base + row_offset(i / p.run) + i % p.run * p.run_stride]));
    }

    partial[lane] = fold(value);
    for (var half = WG / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
            partial[lane] = join_out(partial[lane], partial[lane + half]);
        }
    }
    if (lane == 0u) {
        out[index] = partial[0] * p.scale;
    }
}
