// c[i, j] = epilogue(tiles[i, j]): the last pass of `wide`, where its tiles are not the result itself.
// Layout: tiles [row tiles, column_tiles, tile_m, tile_n], contiguous, padded to whole tiles; c [m, n].
// Work: four neighbours along a row an invocation. Accumulates nothing. Bound by memory bandwidth.
struct Params {
    count: u32,
    n: u32,
    quads: u32,
    tile_m: u32,
    tile_n: u32,
    column_tiles: u32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read> tiles: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> c: array<f32>;
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
    let row = index / p.quads;
    let column = 4u * (index % p.quads);
    let tile = row / p.tile_m * p.column_tiles + column / p.tile_n;
    let sum = tiles[((tile * p.tile_m + row % p.tile_m) * p.tile_n + column % p.tile_n) / 4u];
    let to = row * p.n + column;
    let left = min(p.n - column, 4u);
    for (var e = 0u; e < left; e++) {
        c[to + e] = epilogue(sum[e], to + e);
    }
}
