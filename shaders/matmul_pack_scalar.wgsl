// packed[tile, plane, panel, k, w] = x: as matmul_pack_vec4, for an innermost extent that is no multiple of 4.
// Layout: x [k, w], or [w, k] where K_INNERMOST; a tile is `tile` neighbours along w, in panels of 4 * PANEL4; a plane
// is `run` neighbours along K, a multiple of 4; packed contiguous, zeros past the operand's end.
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
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> packed: array<vec4<f32>>;

fn element(row: u32, column: u32) -> f32 {
    let inside = row < p.rows && column < p.columns;
    return select(0.0, x[select(0u, row * p.columns + column, inside)], inside);
}

// Four neighbours along the columns.
fn load(row: u32, column: u32) -> vec4<f32> {
    return vec4<f32>(
        element(row, column),
        element(row, column + 1u),
        element(row, column + 2u),
        element(row, column + 3u),
    );
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
