// points[p, place(o, c)] = point p = 6 i + j of the transformed 3x3 weight of result o and channel c (lib/winograd). With FLIP
// the results are the weight's input channels and its taps run backwards: the weights of the gradient. Channels past the last
// are zero.
// Layout: weight [results, channels, 3, 3], or [channels, results, 3, 3] with FLIP; points [36, point]; place, which is
// generated, is where a product wants its operand's elements.
// Work: one 3x3 weight an invocation, results innermost or, CHANNELS_FIRST, channels: as they lie in the points.
// Accumulates nothing. Bound by memory bandwidth: 9 elements read and 36 written.
// Reached: 37 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 68 % on Mesa 26 (resnet9, train, batch 64).
struct Params {
    results: u32,
    channels: u32,
    channels_padded: u32,
    count: u32,
    point: u32,
}
#import params
#import grid
#import winograd

@group(0) @binding(0) var<storage, read> weight: array<f32>;
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
    let o = select(index % p.results, index / p.channels_padded, CHANNELS_FIRST);
    let c = select(index / p.results, index % p.channels_padded, CHANNELS_FIRST);
    let start = select(o * p.channels + c, c * p.results + o, FLIP) * 9u;
#repeat k 9
    var g$k = 0.0;
    if (c < p.channels) {
        g$k = weight[start + select($ku, 8u - $ku, FLIP)];
    }
#end
    let c0 = of_three(vec3(g0, g3, g6));
    let c1 = of_three(vec3(g1, g4, g7));
    let c2 = of_three(vec3(g2, g5, g8));
    let to = place(o, c);
#repeat y 6
    let r$y = of_three(vec3(c0.s$y, c1.s$y, c2.s$y));
#repeat x 6
    points[(6u * $yu + $xu) * p.point + to] = r$y.s$x;
#end
#end
}
