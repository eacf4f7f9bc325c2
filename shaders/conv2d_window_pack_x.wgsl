// windows[tile, block, image, channel, row, column] = x[image, c, place(row), place(column)], zero outside: the parts of x
// that fit a uniform binding, so that a 3x3 convolution of stride 1 over the channels is the convolution wanted. Along an
// axis, b being the channel's block there, of BLOCKS,
//     place(i) = (i · STRIDE + b / STRIDE · 3 · STRIDE + b % STRIDE - pad) / SPREAD, zero where the division leaves a rest.
// Layout: x [n, c, h, w]; a channel is [c, BLOCKS_Y, BLOCKS_X], a window [images, c_each, rows, 4 · columns], followed by a
// gap up to window_size words of four. Tile t begins at image t / row_tiles · images and at row t % row_tiles · row_step.
// Work: one word of four an invocation. Accumulates nothing. Bound by memory bandwidth.
// Reached: 12 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 13 % on Mesa 26 (16x32x30x30 by 64 of
// 5x5).
struct Params {
    n: u32,
    c: u32,
    h: u32,
    w: u32,
    pad_y: u32,
    pad_x: u32,
    images: u32,
    c_each: u32,
    rows: u32,
    columns: u32,
    blocks: u32,
    row_tiles: u32,
    row_step: u32,
    window_size: u32,
    count: u32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> windows: array<vec4<f32>>;

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
    let column = index % p.columns * 4u;
    var rest = index / p.columns;
    let window_row = rest % p.rows;
    rest /= p.rows;
    let window_channel = rest % p.c_each;
    rest /= p.c_each;
    let window_image = rest % p.images;
    let window = rest / p.images;
    let tile = window / p.blocks;
    let image = tile / p.row_tiles * p.images + window_image;
    let channel = window % p.blocks * p.c_each + window_channel;
    let c = channel / (BLOCKS_Y * BLOCKS_X);
    let by = channel / BLOCKS_X % BLOCKS_Y;
    let bx = channel % BLOCKS_X;
    // Above and to the left of the image these wrap to numbers past its end.
    let row = (tile % p.row_tiles * p.row_step + window_row + by / STRIDE_Y * 3u) * STRIDE_Y + by % STRIDE_Y - p.pad_y;
    let left = (column + bx / STRIDE_X * 3u) * STRIDE_X + bx % STRIDE_X - p.pad_x;
    let inside = image < p.n && c < p.c && row / SPREAD_Y < p.h && row % SPREAD_Y == 0u;
    let base = ((image * p.c + c) * p.h + row / SPREAD_Y) * p.w;
    var word = vec4<f32>();
    for (var e = 0u; e < 4u; e++) {
        let place = left + e * STRIDE_X;
        if (inside && place / SPREAD_X < p.w && place % SPREAD_X == 0u) {
            word[e] = x[base + place / SPREAD_X];
        }
    }
    let size = p.images * p.c_each * p.rows * p.columns;
    windows[window * p.window_size + index % size] = word;
}
