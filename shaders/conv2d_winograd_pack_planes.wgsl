// As conv2d_winograd_pack_x, for images as wide as their tiles, with one column of padding on either side, where nothing is
// padded in the points.
// Layout: x in WINDOWS parts [count, h, tiles_x] in words of four, from plane first on of the turn, where plane = image · c +
// channel; points [36, point].
// Work: one tile of one channel of every part an invocation, tiles innermost; IMAGES_FIRST, then the images of a
// turn, so that neighbours store side by side, which wants one part. Accumulates nothing. Bound by the 36
// stores, for 18 words read.
// Reached: 23 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 47 % on Mesa 26 (resnet9, train, batch 64); 75 % on
// an H200 (512x64x32x32), 62 % (512x256x8x8).
struct Params {
    first: u32,
    count: u32,
    c: u32,
    h: u32,
    pad_y: u32,
    tiles_y: u32,
    tiles_x: u32,
    point: u32,
    images: u32,
}
#import params
#import grid
#import winograd

#repeat w WINDOWS
@group(0) @binding($w) var<storage, read> x$w: array<vec4<f32>>;
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
    let plane = select(unit, unit % p.images * p.c + unit / p.images, IMAGES_FIRST);
    let tile = index % tiles;
    // Of an edge, the word beside it: what is read there counts as zero.
    let column = tile % p.tiles_x;
    let left = max(column, 1u) - 1u;
    let right = min(column + 1u, p.tiles_x - 1u);
    // Above the image these wrap to numbers past its end.
    let top = tile / p.tiles_x * 4u - p.pad_y;
#repeat y 6
    let inside$y = top + $yu < p.h;
    let row$y = (plane * p.h + min(top + $yu, p.h - 1u)) * p.tiles_x;
#end
#repeat w WINDOWS
    {
        let at = p.first + $wu * p.count + plane;
        let to = place(at % p.c, at / p.c * tiles + tile);
#repeat y 6
        let here$y = select(vec4<f32>(), x$w[row$y + column], inside$y);
        let d$y0 = select(0.0, x$w[row$y + left].w, inside$y && column > 0u);
        let d$y1 = here$y.x;
        let d$y2 = here$y.y;
        let d$y3 = here$y.z;
        let d$y4 = here$y.w;
        let d$y5 = select(0.0, x$w[row$y + right].x, inside$y && right > column);
#end
#import winograd_points
    }
#end
}
