// d_x[n, c, y, x] = sum of d_y / divisor over the windows that cover the element.
// Layout and divisor: as avg_pool2d_forward. Work: one element of d_x an invocation; gathers instead of scattering: no
// atomics, fixed order. Accumulates in f32. Bound by memory bandwidth where windows do not overlap.
// Reached: 9 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 18 % on Mesa 26 (64x32x32x32 by 2x2,
// stride 2x2).
struct Params {
    count: u32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read> d_y: array<f32>;
@group(0) @binding(1) var<storage, read_write> d_x: array<f32>;
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
    let results = index / (H * W) * (OH * OW);
    let padded_x = index % W + PL;
    let padded_y = index / W % H + PT;
    // The windows o with o * S <= padded < o * S + K.
    let ox_first = (max(padded_x + SW, KW) - KW) / SW;
    let oy_first = (max(padded_y + SH, KH) - KH) / SH;
    let ox_end = min(padded_x / SW + 1u, OW);
    let oy_end = min(padded_y / SH + 1u, OH);
    var sum = 0.0;
    for (var oy = oy_first; oy < oy_end; oy++) {
        let bottom = oy * SH;
        for (var ox = ox_first; ox < ox_end; ox++) {
            let right = ox * SW;
            var width = min(right + KW - PL, W) - (max(right, PL) - PL);
            var height = min(bottom + KH - PT, H) - (max(bottom, PT) - PT);
            if (COUNT_PADDING) {
                width = min(right + KW, PADDED_W) - right;
                height = min(bottom + KH, PADDED_H) - bottom;
            }
            sum += d_y[results + oy * OW + ox] / f32(width * height);
        }
    }
    d_x[index] = epilogue(sum, index);
}
