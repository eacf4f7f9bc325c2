// packed[tile, plane, panel, k, w] = x: an operand of `wide` cut into windows, K-major whatever its order, zeros past its end,
// given fn load(row, column), four neighbours along the columns or zeros.
// Layout: x [k, w], or [w, k] where K_INNERMOST; a tile is 32 * `panels` neighbours along w; a plane is 4 * `run4`
// neighbours along K, `fours` of 4 of them in all; packed contiguous.
// Work: 8 lanes along the 32 of a panel, each BLOCKS 4×4 blocks one after another along K, transposed in registers where K is
// innermost; neighbouring workgroups along the innermost axis.
struct Params {
    rows: u32,
    columns: u32,
    panels: u32,
    run4: u32,
    planes: u32,
    fours: u32,
}
#import params
#import divide
@group(0) @binding(1) var<storage, read_write> packed: array<vec4<f32>>;

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let place = select(group.xy, group.yx, K_INNERMOST);
    let tile = divide(place.x, p.panels);
    let panel = place.x - tile * p.panels;
    let w = place.x * 32u + 4u * lane;
    for (var block = 0u; block < BLOCKS; block++) {
        // Past the end, the last four again.
        let four = min(place.y * BLOCKS + block, p.fours - 1u);
        let plane = divide(four, p.run4);
        let k = 4u * four;
        let to = (((tile * p.planes + plane) * p.panels + panel) * p.run4 + four - plane * p.run4) * 32u + lane;
        if (K_INNERMOST) {
            let r0 = load(w, k);
            let r1 = load(w + 1u, k);
            let r2 = load(w + 2u, k);
            let r3 = load(w + 3u, k);
            packed[to] = vec4<f32>(r0.x, r1.x, r2.x, r3.x);
            packed[to + 8u] = vec4<f32>(r0.y, r1.y, r2.y, r3.y);
            packed[to + 16u] = vec4<f32>(r0.z, r1.z, r2.z, r3.z);
            packed[to + 24u] = vec4<f32>(r0.w, r1.w, r2.w, r3.w);
        } else {
            packed[to] = load(k, w);
            packed[to + 8u] = load(k + 1u, w);
            packed[to + 16u] = load(k + 2u, w);
            packed[to + 24u] = load(k + 3u, w);
        }
    }
}
