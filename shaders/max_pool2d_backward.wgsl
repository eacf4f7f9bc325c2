// d_x[n, c, y, x] = sum of d_y over the windows whose first extreme is this element; SIGN = 1 for max, -1 for min.
// Layout: as max_pool2d_forward. Work: one element of d_x an invocation; it looks through each window that covers it.
// Gathers instead of scattering: no atomics, fixed order. Accumulates in f32. Bound by cached reads of x,
// windows covering an element × window size.
// Reached: 12 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 30 % on Mesa 26 (64x32x32x32 by 2x2).
struct Params {
    count: u32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> d_y: array<f32>;
@group(0) @binding(2) var<storage, read_write> d_x: array<f32>;
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
    let plane = index / (H * W);
    let image = plane * (H * W);
    let results = plane * (OH * OW);
    let padded_x = index % W + PL;
    let padded_y = index / W % H + PT;
    // The windows o with o * S <= padded < o * S + K.
    let ox_first = (max(padded_x + SW, KW) - KW) / SW;
    let oy_first = (max(padded_y + SH, KH) - KH) / SH;
    let ox_end = min(padded_x / SW + 1u, OW);
    let oy_end = min(padded_y / SH + 1u, OH);
    let own = SIGN * x[index];
    var sum = 0.0;
    for (var oy = oy_first; oy < oy_end; oy++) {
        let y_first = max(oy * SH, PT) - PT;
        let y_end = min(oy * SH + KH - PT, H);
        for (var ox = ox_first; ox < ox_end; ox++) {
            let x_first = max(ox * SW, PL) - PL;
            let x_end = min(ox * SW + KW - PL, W);
            var wins = true;
            for (var row = y_first; row < y_end; row++) {
                for (var column = x_first; column < x_end; column++) {
                    let other = image + row * W + column;
                    let value = SIGN * x[other];
                    // Of equals the first wins.
                    wins = wins && select(value <= own, value < own, other < index);
                }
            }
            sum += select(0.0, d_y[results + oy * OW + ox], wins);
        }
    }
    d_x[index] = epilogue(sum, index);
}
