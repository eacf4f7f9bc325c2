// d_weight[o, c, ky, kx] = the three by three results of points[p, place(o, c)], p = 6 i + j, transformed back (lib/winograd);
// where p.resume is 1, added to what is there.
// Layout: points [36, point], d_weight [o, c, 3, 3]; place, which is generated, is where a product left its results.
// Work: nine results an invocation, channels innermost. Accumulates in f32. Bound by memory bandwidth: 36 elements read and 9
// written.
// Reached, with all its dispatches: 64 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 67 % on Mesa 26
// (16x128x16x16 by 128 of 3x3).
struct Params {
    c: u32,
    count: u32,
    resume: u32,
    point: u32,
}
#import params
#import grid
#import winograd

@group(0) @binding(0) var<storage, read> points: array<f32>;
@group(0) @binding(1) var<storage, read_write> d_weight: array<f32>;
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
    let start = place(index / p.c, index % p.c);
#repeat y 6
#repeat x 6
    let m$y$x = points[(6u * $yu + $xu) * p.point + start];
#end
#end
#repeat x 6
    let c$x = to_three(Six(m0$x, m1$x, m2$x, m3$x, m4$x, m5$x));
#end
#repeat y 3
    let r$y = to_three(Six(c0[$y], c1[$y], c2[$y], c3[$y], c4[$y], c5[$y]));
#repeat x 3
    let to$y$x = index * 9u + 3u * $yu + $xu;
    if (p.resume == 1u) {
        d_weight[to$y$x] += r$y[$x];
    } else {
        d_weight[to$y$x] = r$y[$x];
    }
#end
#end
}
