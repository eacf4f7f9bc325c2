// windows[tile, block, image, c, row, column] = x[image, c, row - pad, column - pad], zero outside: the parts of x that fit
// a uniform binding, for conv2d_window_3x3.
// Layout: x [n, c, h, w]; a window [images, c_each, rows, 4 · columns] is followed by a gap up to window_size words of
// four. Tile t begins at image t / row_tiles · images and at output row t % row_tiles · row_step.
// Work: one word of four an invocation. Accumulates nothing. Bound by memory bandwidth.
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
    let column = index % p.columns;
    var rest = index / p.columns;
    let window_row = rest % p.rows;
    rest /= p.rows;
    let window_c = rest % p.c_each;
    rest /= p.c_each;
    let window_image = rest % p.images;
    let window = rest / p.images;
    let tile = window / p.blocks;
    let image = tile / p.row_tiles * p.images + window_image;
    let c = window % p.blocks * p.c_each + window_c;
    // Above and to the left of the image these wrap to numbers past its end.
    let row = tile % p.row_tiles * p.row_step + window_row - p.pad_y;
    let inside = image < p.n && c < p.c && row < p.h;
    let base = ((image * p.c + c) * p.h + row) * p.w;
    var word = vec4<f32>();
    for (var e = 0u; e < 4u; e++) {
        let place = column * 4u + e - p.pad_x;
        if (inside && place < p.w) {
            word[e] = x[base + place];
        }
    }
    let size = p.images * p.c_each * p.rows * p.columns;
    windows[window * p.window_size + index % size] = word;
}
