// As conv2d_window_pack_x, for images whose width is a multiple of 4 and PAD, the padding on the left, below 4:
// windows[tile, block, image, c, row, column] = x[image, c, row - pad, column - PAD], zero outside.
// Layout: x [n, c, h, w4] in words of four; a window [images, c_each, rows, columns] is followed by a gap up to
// window_size words. Tile t begins at image t / row_tiles · images and at row t % row_tiles · row_step.
// Work: a row of a window an invocation, each word of x read once. Accumulates nothing. Bound by memory bandwidth.
struct Params {
    n: u32,
    c: u32,
    h: u32,
    w: u32,
    pad_y: u32,
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

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
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
    let window_row = index % p.rows;
    var rest = index / p.rows;
    let window_c = rest % p.c_each;
    rest /= p.c_each;
    let window_image = rest % p.images;
    let window = rest / p.images;
    let tile = window / p.blocks;
    let image = tile / p.row_tiles * p.images + window_image;
    let c = window % p.blocks * p.c_each + window_c;
    // Above the image this wraps to a number past its end.
    let row = tile % p.row_tiles * p.row_step + window_row - p.pad_y;
    let words = select(0u, p.w / 4u, image < p.n && c < p.c && row < p.h);
    let first = ((image * p.c + c) * p.h + row) * (p.w / 4u);
    let to = window * p.window_size + index % (p.images * p.c_each * p.rows) * p.columns;
    var last = vec4<f32>();
    for (var column = 0u; column < p.columns; column++) {
        var next = vec4<f32>();
        if (column < words) {
            next = x[first + column];
        }
        if (PAD == 0u) {
            windows[to + column] = next;
        } else if (PAD == 1u) {
            windows[to + column] = vec4(last.w, next.xyz);
        } else if (PAD == 2u) {
            windows[to + column] = vec4(last.zw, next.xy);
        } else {
            windows[to + column] = vec4(last.yzw, next.x);
        }
        last = next;
    }
}
