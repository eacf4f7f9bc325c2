// points[p, place(c, t)] = point p = 6 i + j of the transformed 6x6 input tile t of channel c (lib/winograd): tile t has the
// rows from 4 · (t / tiles_x % tiles_y) - pad_y and the columns from 4 · (t % tiles_x) - pad_x on of image first_image + t /
// (tiles_x · tiles_y), zero outside. Channels and tiles past the last are zero.
// Layout: x [n, c, h, w], points [36, point]; place, which is generated, is where a product wants its operand's elements.
// Work: one tile of one channel an invocation, tiles innermost. Accumulates nothing. Bound by memory bandwidth: 16 elements
// read, neighbours apart, and 36 written.
// Reached: 43 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 31 % on Mesa 26 (32x64x32x32 by 64 of
// 3x3).
struct Params {
    n: u32,
    c: u32,
    h: u32,
    w: u32,
    pad_y: u32,
    pad_x: u32,
    tiles_y: u32,
    tiles_x: u32,
    first_image: u32,
    tiles: u32,
    tiles_padded: u32,
    count: u32,
    point: u32,
}
#import params
#import grid
#import winograd

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> points: array<f32>;
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
    let t = index % p.tiles_padded;
    let c = index / p.tiles_padded;
    let image = p.first_image + t / p.tiles_x / p.tiles_y;
    let there = t < p.tiles && c < p.c && image < p.n;
    // Above and to the left of the image these wrap to numbers past its end.
    let top = t / p.tiles_x % p.tiles_y * 4u - p.pad_y;
    let left = t % p.tiles_x * 4u - p.pad_x;
    let plane = (image * p.c + c) * p.h;
#repeat x 6
    let there$x = there && left + $xu < p.w;
#end
#repeat y 6
    let there_row$y = top + $yu < p.h;
    let row$y = (plane + top + $yu) * p.w + left;
#repeat x 6
    var d$y$x = 0.0;
    if (there_row$y && there$x) {
        d$y$x = x[row$y + $xu];
    }
#end
#end
    let to = place(c, t);
#import winograd_points
}
