// packed[tile, plane, panel, k, w] = x: an operand of `wide` cut into windows, K-major whatever its order, zeros past its end.
// Layout: x [k, w], or [w, k] where K_INNERMOST, the innermost extent a multiple of 4; a tile is `tile` neighbours
// along w, in panels of 4 * PANEL4; a plane is `run` neighbours along K, a multiple of 4; packed contiguous.
// Work: one 4×4 block an invocation, transposed in registers where K is innermost. Bound by memory bandwidth.
struct Params {
    count: u32,
    rows: u32,
    columns: u32,
    tile: u32,
    run: u32,
    planes: u32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> packed: array<vec4<f32>>;

// Four neighbours along the columns.
fn load(row: u32, column: u32) -> vec4<f32> {
    let inside = row < p.rows && column < p.columns;
    let value = x[select(0u, (row * p.columns + column) / 4u, inside)];
    return select(vec4<f32>(0.0), value, inside);
}

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
    let tile4 = p.tile / 4u;
    let run4 = p.run / 4u;
    let w4 = index % tile4;
    let k4 = index / tile4 % run4;
    let window = index / (tile4 * run4);
    let w = (window / p.planes) * p.tile + 4u * w4;
    let k = (window % p.planes) * p.run + 4u * k4;
    let to = window * p.run * tile4 + (w4 / PANEL4 * p.run + 4u * k4) * PANEL4 + w4 % PANEL4;
    if (K_INNERMOST) {
        let r0 = load(w, k);
        let r1 = load(w + 1u, k);
        let r2 = load(w + 2u, k);
        let r3 = load(w + 3u, k);
        packed[to] = vec4<f32>(r0.x, r1.x, r2.x, r3.x);
        packed[to + PANEL4] = vec4<f32>(r0.y, r1.y, r2.y, r3.y);
        packed[to + 2u * PANEL4] = vec4<f32>(r0.z, r1.z, r2.z, r3.z);
        packed[to + 3u * PANEL4] = vec4<f32>(r0.w, r1.w, r2.w, r3.w);
    } else {
        packed[to] = load(k, w);
        packed[to + PANEL4] = load(k + 1u, w);
        packed[to + 2u * PANEL4] = load(k + 2u, w);
        packed[to + 3u * PANEL4] = load(k + 3u, w);
    }
}
