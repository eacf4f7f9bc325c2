// As conv2d_window_pack_x, for images whose width is a multiple of 4 and PAD_X, the padding on the left, below 4:
// windows[tile, block, image, c, row, column] = x[image, c, row - PAD_Y, column - PAD_X], zero outside and unless LIVE.
// Layout: x in WINDOWS parts [planes, H, words] in words of four, from plane first on; plane p is channel FIRST_C + p %
// CHANNELS of image p / CHANNELS. A window [IMAGES, C_EACH, ROWS, columns] is followed by a gap up to WINDOW_SIZE words.
// Tile t begins at image t / ROW_TILES · IMAGES and at row t % ROW_TILES · ROW_STEP.
// Work: a row of a window of every part an invocation, each word of x read once; what is divided by is constant, because
// divisions cost more than the words, and what bounds the loop is not, because drivers would write it out. Accumulates
// nothing. Bound by stores: through windows a core reads 0.8 GB/s and writes 1 GB/s on Mesa 22.3, and as much on Mesa 26.
// Reached: 19 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 112 % on Mesa 26 (32x64x32x32 by 64 of
// 3x3).
struct Params {
    first: u32,
    count: u32,
    words: u32,
    columns: u32,
}
#import params
#import grid

#repeat w WINDOWS
@group(0) @binding($w) var<storage, read> x$w: array<vec4<f32>>;
#end
@group(0) @binding(WINDOWS) var<storage, read_write> windows: array<vec4<f32>>;

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
    let planes = p.count / (ROW_TILES * ROWS);
    let plane = index / (ROW_TILES * ROWS);
    let row_tile = index / ROWS % ROW_TILES;
    let window_row = index % ROWS;
    // Above the image this wraps to a number past its end.
    let row = row_tile * ROW_STEP + window_row - PAD_Y;
    let words = select(0u, p.words, LIVE && row < H);
    let start = (plane * H + row) * p.words;
#repeat w WINDOWS
    {
        let image = (p.first + $wu * planes + plane) / CHANNELS;
        let c = FIRST_C + (p.first + $wu * planes + plane) % CHANNELS;
        let window = (image / IMAGES * ROW_TILES + row_tile) * BLOCKS + c / C_EACH;
        let to = window * WINDOW_SIZE + ((image % IMAGES * C_EACH + c % C_EACH) * ROWS + window_row) * p.columns;
        var last = vec4<f32>();
        for (var column = 0u; column < p.columns; column++) {
            var next = vec4<f32>();
            if (column < words) {
                next = x$w[start + column];
            }
            if (PAD_X == 0u) {
                windows[to + column] = next;
            } else if (PAD_X == 1u) {
                windows[to + column] = vec4(last.w, next.xyz);
            } else if (PAD_X == 2u) {
                windows[to + column] = vec4(last.zw, next.xy);
            } else {
                windows[to + column] = vec4(last.yzw, next.x);
            }
            last = next;
        }
    }
#end
}
