// points[p, place(o, t)] = point p = 6 i + j of the transformed 4x4 tile t of d_y of channel o, as four taps (lib/winograd):
// tile t has the rows from 4 · (t / tiles_x % tiles_y) and the columns from 4 · (t % tiles_x) on of image first_image + t /
// (tiles_x · tiles_y), zero outside. Tiles past the last are zero.
// Layout: d_y [n, o, oh, 4 · tiles_x] in words of four, points [36, point]; place, which is generated, is where a product
// wants its operand's elements.
// Work: one tile of one channel an invocation, tiles innermost. Accumulates nothing. Bound by memory bandwidth: 16 elements
// read and 36 written.
// Reached: 16 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 19 % on Mesa 26 (64x3x32x32 by 32 of
// 3x3).
struct Params {
    n: u32,
    o: u32,
    oh: u32,
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

@group(0) @binding(0) var<storage, read> d_y: array<vec4<f32>>;
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
    let o = index / p.tiles_padded;
    let image = p.first_image + t / p.tiles_x / p.tiles_y;
    let there = t < p.tiles && image < p.n;
    let top = t / p.tiles_x % p.tiles_y * 4u;
    let start = ((image * p.o + o) * p.oh + top) * p.tiles_x + t % p.tiles_x;
#repeat y 4
    var d$y = vec4<f32>();
    if (there && top + $yu < p.oh) {
        d$y = d_y[start + $yu * p.tiles_x];
    }
#end
    let to = place(o, t);
#import winograd_taps
}
