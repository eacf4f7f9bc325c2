// d_x[n, c, y, x] = d_y of the window whose first extreme is this element, else 0; SIGN = 1 for max, -1 for min.
// Layout: as max_pool2d_forward, for windows that do not overlap (KH <= SH, KW <= SW).
// Work: an invocation finds one window's extreme and writes the cell around it: what lies between this window and the
// next, the outermost cells reaching to the image's edges. Each element is read and written once.
// Bound by memory bandwidth.
// Reached: 47 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 85 % on Mesa 26 (64x32x32x32 by 2x2).
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
    let ox = index % OW;
    let oy = index / OW % OH;
    let image = index / (OW * OH) * (H * W);
    let cell_x = max(ox * SW, PL) - PL;
    let cell_y = max(oy * SH, PT) - PT;
    let x_end = min(ox * SW + KW - PL, W);
    let y_end = min(oy * SH + KH - PT, H);
    var best_at = image + cell_y * W + cell_x;
    var best = SIGN * x[best_at];
    for (var row = cell_y; row < y_end; row++) {
        for (var column = cell_x; column < x_end; column++) {
            let at = image + row * W + column;
            let value = SIGN * x[at];
            if (value > best) {
                best = value;
                best_at = at;
            }
        }
    }
    let value = d_y[index];
    let cell_x_end = select(ox * SW + SW - PL, W, ox + 1u == OW);
    let cell_y_end = select(oy * SH + SH - PT, H, oy + 1u == OH);
    for (var row = cell_y; row < cell_y_end; row++) {
        for (var column = cell_x; column < cell_x_end; column++) {
            let at = image + row * W + column;
            d_x[at] = epilogue(select(0.0, value, at == best_at), at);
        }
    }
}
