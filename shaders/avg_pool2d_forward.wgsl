// out[n, c, oy, ox] = sum of x[n, c, y, x] over the window's part inside the image / divisor.
// Layout: NCHW, contiguous; window KH×KW, stride SH×SW, padding PT rows above and PL columns before. The divisor is the
// count of that part or, with COUNT_PADDING, of the part inside the padded image (PADDED_H×PADDED_W from -PT, -PL).
// Work: one result an invocation. Accumulates in f32. Bound by memory bandwidth where windows do not overlap.
// Reached: 28 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 69 % on Mesa 26 (64x32x32x32 by 2x2).
struct Params {
    count: u32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
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
    // A window begins at its place minus the padding, cut off at 0.
    let right = index % OW * SW;
    let bottom = index / OW % OH * SH;
    let image = index / (OW * OH) * (H * W);
    let x_first = max(right, PL) - PL;
    let y_first = max(bottom, PT) - PT;
    let x_end = min(right + KW - PL, W);
    let y_end = min(bottom + KH - PT, H);
    var sum = 0.0;
    for (var row = y_first; row < y_end; row++) {
        for (var column = x_first; column < x_end; column++) {
            sum += x[image + row * W + column];
        }
    }
    var divisor = (x_end - x_first) * (y_end - y_first);
    if (COUNT_PADDING) {
        divisor = (min(right + KW, PADDED_W) - right) * (min(bottom + KH, PADDED_H) - bottom);
    }
    out[index] = epilogue(sum / f32(divisor), index);
}
