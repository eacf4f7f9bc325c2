// out[b, j, i] = x[b, i, j]: matrices transposed through workgroup memory, whatever their extents.
// Layout: x has row i of matrix b at b * X_BATCH + i * X_PITCH, out its column j at b * OUT_BATCH + j * OUT_PITCH; ROWS
// and COLUMNS of x. All of them count words.
// Work: a tile of 64×64 words a workgroup of 256 invocations, which read sixteen words of its rows each, all at once, and
// write sixteen of its columns: pieces of 256 bytes. Bound by memory bandwidth: each byte is read and written once.
// A row's words are exchanged in workgroup memory, differently every row, so that neither way do lanes meet in a bank.
// Reached: not measured by itself.
struct Params {
    count: u32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;

const TILES_ACROSS: u32 = (COLUMNS + 63u) / 64u;
const TILES_DOWN: u32 = (ROWS + 63u) / 64u;

var<workgroup> tile: array<u32, 4096>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_workgroup(group, groups);
    if (index >= p.count) {
        return;
    }
    let left = index % TILES_ACROSS * 64u;
    let top = index / TILES_ACROSS % TILES_DOWN * 64u;
    let batch = index / (TILES_ACROSS * TILES_DOWN);
    let along = lane % 64u;
    let across = lane / 64u;

    // What is past an edge is read from it, and not written.
    let column = min(left + along, COLUMNS - 1u);
#repeat t 16
    let value$t = x[batch * X_BATCH + min(top + across + $tu * 4u, ROWS - 1u) * X_PITCH + column];
#end
#repeat t 16
    tile[(across + $tu * 4u) * 64u + (along ^ ((across + $tu * 4u) % 32u))] = value$t;
#end
    workgroupBarrier();

    let inside = top + along < ROWS;
#repeat t 16
    if (inside && left + across + $tu * 4u < COLUMNS) {
        let value = tile[along * 64u + ((across + $tu * 4u) ^ (along % 32u))];
        out[batch * OUT_BATCH + (left + across + $tu * 4u) * OUT_PITCH + top + along] = value;
    }
#end
}
