// out[part] = Σ d_y and Σ d_y · (x − mean) / √(variance + eps) of each channel over the part's stretch of its elements.
// Where RELU, d_y counts only where x̂ · weight + bias is positive.
// Layout: x and d_y [images, channels, size] in Elems (f32 or vec4 of neighbours), stats [2, channels], weight and bias
// [channels], out [parts, 2, channels]; a channel's elements are counted image by image.
// Work: one (part, channel) a workgroup, neighbouring lanes on neighbouring elements, then a tree in workgroup memory.
// Accumulates in f32, in WG chains (4·WG with vec4). Bound by memory bandwidth.
// Reached: 29 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 32 % on Mesa 26 (64x64x32x32).
struct Params {
    channels: u32,
    parts: u32,
    size: u32,
    elements: u32,
    elements_each: u32,
    eps: f32,
}
#import params
#import grid
#import bn_passed
#code

@group(0) @binding(0) var<storage, read> x: array<Elem>;
@group(0) @binding(1) var<storage, read> d_y: array<Elem>;
@group(0) @binding(2) var<storage, read> stats: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;

var<workgroup> partial: array<vec2<f32>, WG>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_workgroup(group, groups);
    if (index >= p.channels * p.parts) {
        return;
    }
    let channel = index % p.channels;
    let part = index / p.channels;
    let first = part * p.elements_each;
    let end = min(first + p.elements_each, p.elements);

    let mean = Elem(stats[channel]);
    let deviation = inverseSqrt(stats[p.channels + channel] + p.eps);
    let scale = weight[channel] * deviation;
    let shift = bias[channel];
    var sums = Elem(0.0);
    var dots = Elem(0.0);
    for (var i = first + lane; i < end; i += WG) {
        let at = (i / p.size * p.channels + channel) * p.size + i % p.size;
        let centred = x[at] - mean;
        let d = passed(d_y[at], centred * scale + shift);
        sums += d;
        dots += d * centred;
    }
    partial[lane] = vec2<f32>(total(sums), total(dots));
    for (var half = WG / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
            partial[lane] += partial[lane + half];
        }
    }
    if (lane == 0u) {
        let at = part * 2u * p.channels + channel;
        out[at] = partial[0].x;
        out[at + p.channels] = partial[0].y * deviation;
    }
}
