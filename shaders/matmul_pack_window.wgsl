// packed[tile, plane, panel, k, w] = x: as matmul_pack_vec4, for an operand read through uniform windows.
// Layout: x [k, w], or [w, k] where K_INNERMOST, the innermost extent a multiple of 32, the other of 4; window i of 64 KiB
// begins at word start<i> of x; a tile is 4 * `tile4` neighbours along w, in panels of 32; a plane is 4 * `run4`
// neighbours along K. Tiles and planes fill the operand: nothing is padded.
// Work: a 4×4 block of each window an invocation, lanes along the innermost axis. Bound by stores: on Mesa 22.3 a vector
// costs 5 ns to load and 12 to store, where a load from storage costs 55; 25 ns reached, indices included.
// Reached: 45 % of the roofline measured on two cores' llvmpipe of Mesa 22.3 (2048x2048x2048 NN).
struct Params {
    columns4: u32,
    rows4: u32,
    // Of the first window, and from one window to the next; in fours of rows.
    first: u32,
    each: u32,
    start0: u32,
    start1: u32,
    start2: u32,
    start3: u32,
    tile4: u32,
    run4: u32,
    planes: u32,
}
#import params
#import divide
@group(0) @binding(0) var<uniform> x0: array<vec4<f32>, 4096>;
@group(0) @binding(1) var<uniform> x1: array<vec4<f32>, 4096>;
@group(0) @binding(2) var<uniform> x2: array<vec4<f32>, 4096>;
@group(0) @binding(3) var<uniform> x3: array<vec4<f32>, 4096>;
@group(0) @binding(4) var<storage, read_write> packed: array<vec4<f32>>;

// Writes the block at fours `row4` and `column4`, given by rows.
fn put(row4: u32, column4: u32, r0: vec4<f32>, r1: vec4<f32>, r2: vec4<f32>, r3: vec4<f32>) {
    let w4 = select(column4, row4, K_INNERMOST);
    let k4 = select(row4, column4, K_INNERMOST);
    let tile = divide(w4, p.tile4);
    let plane = divide(k4, p.run4);
    let w4_in_tile = w4 - tile * p.tile4;
    let k4_in_plane = k4 - plane * p.run4;
    let panel = ((tile * p.planes + plane) * p.tile4 + w4_in_tile / 8u * 8u) * p.run4 * 4u;
    let to = panel + k4_in_plane * 32u + w4_in_tile % 8u;
    if (K_INNERMOST) {
        packed[to] = vec4<f32>(r0.x, r1.x, r2.x, r3.x);
        packed[to + 8u] = vec4<f32>(r0.y, r1.y, r2.y, r3.y);
        packed[to + 16u] = vec4<f32>(r0.z, r1.z, r2.z, r3.z);
        packed[to + 24u] = vec4<f32>(r0.w, r1.w, r2.w, r3.w);
    } else {
        packed[to] = r0;
        packed[to + 8u] = r1;
        packed[to + 16u] = r2;
        packed[to + 24u] = r3;
    }
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let column4 = group.x * 8u + lane;
    let pitch = p.columns4;
    // A window past the end repeats the last rows.
    let last = p.rows4 - 1u;
    let g0 = min(p.first + group.y, last);
    let g1 = min(p.first + p.each + group.y, last);
    let g2 = min(p.first + 2u * p.each + group.y, last);
    let g3 = min(p.first + 3u * p.each + group.y, last);
    let i0 = g0 * 4u * pitch + column4 - p.start0;
    let i1 = g1 * 4u * pitch + column4 - p.start1;
    let i2 = g2 * 4u * pitch + column4 - p.start2;
    let i3 = g3 * 4u * pitch + column4 - p.start3;
    put(g0, column4, x0[i0], x0[i0 + pitch], x0[i0 + 2u * pitch], x0[i0 + 3u * pitch]);
    put(g1, column4, x1[i1], x1[i1 + pitch], x1[i1 + 2u * pitch], x1[i1 + 3u * pitch]);
    put(g2, column4, x2[i2], x2[i2 + pitch], x2[i2 + 2u * pitch], x2[i2 + 3u * pitch]);
    put(g3, column4, x3[i3], x3[i3 + pitch], x3[i3 + 2u * pitch], x3[i3 + 3u * pitch]);
}
