// As conv2d_winograd_pack_d_y, where nothing is padded in the points.
// Layout: d_y in WINDOWS parts [count, oh, tiles_x] in words of four, from plane first on of the turn, where plane = image · o +
// channel; points [36, point].
// Work: one tile of one channel of every part an invocation, tiles innermost; IMAGES_FIRST, then the images of a
// turn, so that neighbours store side by side, which wants one part. Accumulates nothing. Bound by the 36 stores, for
// four words read.
// Reached: 34 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 66 % on Mesa 26 (resnet9, train, batch 64); 74 % on
// an H200 (512x64x32x32), 63 % (512x256x8x8).
struct Params {
    first: u32,
    count: u32,
    o: u32,
    oh: u32,
    tiles_y: u32,
    tiles_x: u32,
    point: u32,
    images: u32,
}
#import params
#import grid
#import winograd

#repeat w WINDOWS
@group(0) @binding($w) var<storage, read> d_y$w: array<vec4<f32>>;
#end
@group(0) @binding(WINDOWS) var<storage, read_write> points: array<f32>;
#code

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_workgroup(group, groups) * WG + lane;
    let tiles = p.tiles_y * p.tiles_x;
    let unit = index / tiles;
    if (unit >= p.count) {
        return;
    }
    let plane = select(unit, unit % p.images * p.o + unit / p.images, IMAGES_FIRST);
    let tile = index % tiles;
    let top = tile / p.tiles_x * 4u;
    let start = (plane * p.oh + top) * p.tiles_x + tile % p.tiles_x;
#repeat y 4
    let inside$y = top + $yu < p.oh;
    let row$y = start + select(0u, $yu * p.tiles_x, inside$y);
#end
#repeat w WINDOWS
    {
        let at = p.first + $wu * p.count + plane;
        let to = place(at % p.o, at / p.o * tiles + tile);
#repeat y 4
        let d$y = select(vec4<f32>(), d_y$w[row$y], inside$y);
#end
#import winograd_taps
    }
#end
}
