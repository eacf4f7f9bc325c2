// d_x = weight · r · (d_y − share · (Σ d_y + x̂ · Σ d_y·x̂)), with r = 1 / √(variance + eps) and x̂ = (x − mean) · r.
// Where RELU, d_y counts only where x̂ · weight + bias is positive.
// Layout: x, d_y and d_x [planes, size] in Elems (f32 or vec4 of neighbours), where plane = image · channels + channel;
// x and d_y in WINDOWS parts of count planes each, from plane first on; stats and sums [2, channels]; weight and bias
// [channels]; share = 1 / elements of a channel.
// Work: up to RUN Elems of one plane of every part an invocation, of which MORE are loaded with the first; neighbouring
// invocations on neighbouring Elems. Accumulates nothing. Bound by memory bandwidth.
// Reached: 65 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 60 % on Mesa 26 (64x64x32x32); 94 % on an H200
// (512x64x32x32).
struct Params {
    first: u32,
    count: u32,
    channels: u32,
    size: u32,
    per_plane: u32,
    share: f32,
    eps: f32,
}
#import params
#import grid
#import bn_passed

#repeat w WINDOWS
@group(0) @binding($w) var<storage, read> x$w: array<Elem>;
@group(0) @binding(WINDOWS + $w) var<storage, read> d_y$w: array<Elem>;
#end
@group(0) @binding(2 * WINDOWS) var<storage, read> stats: array<f32>;
@group(0) @binding(2 * WINDOWS + 1) var<storage, read> sums: array<f32>;
@group(0) @binding(2 * WINDOWS + 2) var<storage, read> weight: array<f32>;
@group(0) @binding(2 * WINDOWS + 3) var<storage, read> bias: array<f32>;
@group(0) @binding(2 * WINDOWS + 4) var<storage, read_write> d_x: array<Elem>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_workgroup(group, groups) * WG + lane;
    let plane = index / p.per_plane;
    if (plane >= p.count) {
        return;
    }
    let first = index % p.per_plane;
#repeat w WINDOWS
    {
        let channel = (p.first + $wu * p.count + plane) % p.channels;
        let mean = Elem(stats[channel]);
        let deviation = inverseSqrt(stats[p.channels + channel] + p.eps);
        let scale = weight[channel] * deviation;
        let shift = bias[channel];
        let constant = Elem(p.share * sums[channel]);
        let slope = p.share * sums[p.channels + channel] * deviation;
        let begin = (p.first + $wu * p.count) * p.size;
        // Counted from where the invocation begins: no driver unrolls that in every window.
        for (var place = first; place < p.size; place += (1u + MORE) * p.per_plane) {
            let i = plane * p.size + place;
            let centred = x$w[i] - mean;
            let d = passed(d_y$w[i], centred * scale + shift);
#repeat m MORE
            let place$m = place + ($mu + 1u) * p.per_plane;
            let i$m = plane * p.size + min(place$m, p.size - 1u);
            let centred$m = x$w[i$m] - mean;
            let d$m = passed(d_y$w[i$m], centred$m * scale + shift);
#end
            d_x[begin + i] = (d - constant - centred * slope) * scale;
#repeat m MORE
            if (place$m < p.size) {
                d_x[begin + i$m] = (d$m - constant - centred$m * slope) * scale;
            }
#end
        }
    }
#end
}
