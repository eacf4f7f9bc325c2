// y = (x − mean) / √(variance + eps) · weight + bias, with the numbers of the channel; then the epilogue.
// Layout: x and y [planes, size] in Elems (f32 or vec4 of neighbours), where plane = image · channels + channel; x in
// WINDOWS parts of count planes each, from plane first on; stats [2, channels]; weight and bias [channels].
// Work: up to RUN Elems of one plane of every part an invocation, of which MORE are loaded with the first; neighbouring
// invocations on neighbouring Elems. Accumulates nothing. Bound by memory bandwidth.
// Reached: 59 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 60 % on Mesa 26 (64x64x32x32); 87 % on an H200
// (512x64x32x32).
struct Params {
    first: u32,
    count: u32,
    channels: u32,
    size: u32,
    per_plane: u32,
    eps: f32,
}
#import params
#import grid

#repeat w WINDOWS
@group(0) @binding($w) var<storage, read> x$w: array<Elem>;
#end
@group(0) @binding(WINDOWS) var<storage, read> stats: array<f32>;
@group(0) @binding(WINDOWS + 1) var<storage, read> weight: array<f32>;
@group(0) @binding(WINDOWS + 2) var<storage, read> bias: array<f32>;
@group(0) @binding(WINDOWS + 3) var<storage, read_write> y: array<Elem>;
#code

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
        let mean = stats[channel];
        let scale = weight[channel] * inverseSqrt(stats[p.channels + channel] + p.eps);
        let shift = bias[channel];
        let begin = (p.first + $wu * p.count) * p.size;
        // Counted from where the invocation begins: no driver unrolls that in every window.
        for (var place = first; place < p.size; place += (1u + MORE) * p.per_plane) {
            let i = plane * p.size + place;
            let one = epilogue((x$w[i] - Elem(mean)) * scale + shift, begin + i);
#repeat m MORE
            let place$m = place + ($mu + 1u) * p.per_plane;
            let i$m = plane * p.size + min(place$m, p.size - 1u);
            let more$m = epilogue((x$w[i$m] - Elem(mean)) * scale + shift, begin + i$m);
#end
            y[begin + i] = one;
#repeat m MORE
            if (place$m < p.size) {
                y[begin + i$m] = more$m;
            }
#end
        }
    }
#end
}
