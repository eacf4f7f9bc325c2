// out[b, j, i] = x[b, i, j]: a batch of matrices transposed.
// Layout: x [batch, rows, 4 * COLUMNS], out [batch, 4 * COLUMNS, rows], rows = 4 * ROWS, both as vec4.
// Work: one 4×4 block an invocation, transposed in registers; lanes along the columns of x. Accumulates nothing.
// Bound by memory: reads are contiguous across lanes, writes come in pieces of 16 bytes.
// Reached: 33 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 65 % on Mesa 26 (64x64x32x32 to
// 0x2x3x1).
struct Params {
    count: u32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read> x: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> out: array<vec4<u32>>;

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
    let column = index % COLUMNS;
    let row = index / COLUMNS % ROWS;
    let batch = index / (COLUMNS * ROWS) * (4u * COLUMNS * ROWS);
    let source = batch + 4u * row * COLUMNS + column;
    let a = x[source];
    let b = x[source + COLUMNS];
    let c = x[source + 2u * COLUMNS];
    let d = x[source + 3u * COLUMNS];
    let to = batch + 4u * column * ROWS + row;
    out[to] = vec4<u32>(a.x, b.x, c.x, d.x);
    out[to + ROWS] = vec4<u32>(a.y, b.y, c.y, d.y);
    out[to + 2u * ROWS] = vec4<u32>(a.z, b.z, c.z, d.z);
    out[to + 3u * ROWS] = vec4<u32>(a.w, b.w, c.w, d.w);
}
