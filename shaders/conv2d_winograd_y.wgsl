// y[n, o, i, j] = epilogue(the four by four results of tile t of channel o): points[p, place(o, t)], p = 6 i + j, transformed back
// (lib/winograd). Tiles lie as in conv2d_winograd_pack_x.
// Layout: points [36, point], y [n, o, oh, 4 · tiles_x] in words of four; place, which is generated, is where a product left
// its results.
// Work: one tile of one channel an invocation, tiles innermost. Accumulates in f32. Bound by memory bandwidth: 36 elements
// read and 16 written.
// Reached, with all its dispatches: 68 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 69 % on Mesa 26
// (16x128x16x16 by 128 of 3x3).
struct Params {
    n: u32,
    o: u32,
    oh: u32,
    tiles_y: u32,
    tiles_x: u32,
    first_image: u32,
    tiles: u32,
    count: u32,
    point: u32,
}
#import params
#import grid
#import winograd

@group(0) @binding(0) var<storage, read> points: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
#code

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_workgroup(group, groups) * WG + lane;
    let t = index % p.tiles;
    let o = index / p.tiles;
    let image = p.first_image + t / p.tiles_x / p.tiles_y;
    if (index >= p.count || image >= p.n) {
        return;
    }
    let start = place(o, t);
#repeat y 6
#repeat x 6
    let m$y$x = points[(6u * $yu + $xu) * p.point + start];
#end
#end
#repeat x 6
    let c$x = to_four(Six(m0$x, m1$x, m2$x, m3$x, m4$x, m5$x));
#end
    let top = t / p.tiles_x % p.tiles_y * 4u;
    let to = ((image * p.o + o) * p.oh + top) * p.tiles_x + t % p.tiles_x;
#repeat y 4
    if (top + $yu < p.oh) {
        let i$y = to + $yu * p.tiles_x;
        y[i$y] = epilogue(to_four(Six(c0[$y], c1[$y], c2[$y], c3[$y], c4[$y], c5[$y])), i$y);
    }
#end
}
