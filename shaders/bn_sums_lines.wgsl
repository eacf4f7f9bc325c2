// out[part] = Σ d_y and Σ d_y · (x − mean) / √(variance + eps) of each channel over the part's rectangle of images ×
// plane elements.
// Where RELU, d_y counts only where x̂ · weight + bias is positive.
// Layout: x and d_y [images, channels, size] in Elems (f32 or vec4 of neighbours), stats [2, channels], weight and bias
// [channels], out [parts, 2, channels].
// Work: one (part, channel) an invocation. Accumulates in f32, in two chains (eight with vec4). Bound by memory.
// Reached: 128 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 166 % on Mesa 26 (64x64x32x32, from the cache).
struct Params {
    channels: u32,
    parts: u32,
    images: u32,
    size: u32,
    images_each: u32,
    run_parts: u32,
    run_each: u32,
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

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_workgroup(group, groups) * WG + lane;
    if (index >= p.channels * p.parts) {
        return;
    }
    let channel = index % p.channels;
    let part = index / p.channels;
    let first_image = part / p.run_parts * p.images_each;
    let end_image = min(first_image + p.images_each, p.images);
    let first = part % p.run_parts * p.run_each;
    let length = min(p.run_each, p.size - first);

    let mean = Elem(stats[channel]);
    let deviation = inverseSqrt(stats[p.channels + channel] + p.eps);
    let scale = weight[channel] * deviation;
    let shift = bias[channel];
    var sum_a = Elem(0.0);
    var sum_b = Elem(0.0);
    var dot_a = Elem(0.0);
    var dot_b = Elem(0.0);
    for (var image = first_image; image < end_image; image++) {
        var at = (image * p.channels + channel) * p.size + first;
        for (var two = length / 2u; two > 0u; two--) {
            let x_a = x[at] - mean;
            let x_b = x[at + 1u] - mean;
            let a = passed(d_y[at], x_a * scale + shift);
            let b = passed(d_y[at + 1u], x_b * scale + shift);
            sum_a += a;
            sum_b += b;
            dot_a += a * x_a;
            dot_b += b * x_b;
            at += 2u;
        }
        if (length % 2u == 1u) {
            let x_a = x[at] - mean;
            let a = passed(d_y[at], x_a * scale + shift);
            sum_a += a;
            dot_a += a * x_a;
        }
    }
    let at = part * 2u * p.channels + channel;
    out[at] = total(sum_a + sum_b);
    out[at + p.channels] = total(dot_a + dot_b) * deviation;
}
