// c[i, j] = epilogue(tiles[i, j]): the last pass of `wide`, where its tiles are not the result itself.
// Layout: tiles [row tiles, column_tiles, tile_m, tile_n], contiguous, padded to whole tiles; c [m, columns]; both in
// Elems, which are vec4<f32> where the extent of a row is a multiple of 4, else f32.
// Work: one Elem an invocation. Accumulates nothing. Bound by memory bandwidth, on Mesa 22.3 by the load.
// Reached: 2 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 6 % on Mesa 26 (64x10x256 NT).
struct Params {
    count: u32,
    columns: u32,
    tile_m: u32,
    tile_n: u32,
    column_tiles: u32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read> tiles: array<Elem>;
@group(0) @binding(1) var<storage, read_write> c: array<Elem>;
#code

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
    let row = index / p.columns;
    let column = index % p.columns;
    let tile = row / p.tile_m * p.column_tiles + column / p.tile_n;
    c[index] = epilogue(tiles[(tile * p.tile_m + row % p.tile_m) * p.tile_n + column % p.tile_n], index);
}
