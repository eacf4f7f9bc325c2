// out[part] = mean and Σ(x − mean)² · scale of each channel over the part's rectangle of images × plane elements, by sums
// shifted by the part's first element (Chan, Golub and LeVeque, 1983): one pass, and no cancellation with a large mean.
// Layout: x [images, channels, size] in Elems (f32 or vec4 of neighbours), out [parts, 2, channels].
// Work: one (part, channel) an invocation. Accumulates in f32, in two chains (eight with vec4). Bound by memory.
// Reached: 119 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 204 % on Mesa 26 (64x64x32x32, from the cache).
struct Params {
    channels: u32,
    parts: u32,
    images: u32,
    size: u32,
    images_each: u32,
    run_parts: u32,
    run_each: u32,
    scale: f32,
}
#import params
#import grid
#code

@group(0) @binding(0) var<storage, read> x: array<Elem>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

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

    let shift = head(x[(first_image * p.channels + channel) * p.size + first]);
    var sum_a = Elem(0.0);
    var sum_b = Elem(0.0);
    var squares_a = Elem(0.0);
    var squares_b = Elem(0.0);
    for (var image = first_image; image < end_image; image++) {
        var at = (image * p.channels + channel) * p.size + first;
        for (var two = length / 2u; two > 0u; two--) {
            let a = x[at] - Elem(shift);
            let b = x[at + 1u] - Elem(shift);
            sum_a += a;
            sum_b += b;
            squares_a += a * a;
            squares_b += b * b;
            at += 2u;
        }
        if (length % 2u == 1u) {
            let a = x[at] - Elem(shift);
            sum_a += a;
            squares_a += a * a;
        }
    }
    let count = f32((end_image - first_image) * length * WIDTH);
    let sum = total(sum_a + sum_b);
    let mean = sum / count;
    let at = part * 2u * p.channels + channel;
    out[at] = shift + mean;
    out[at + p.channels] = max(total(squares_a + squares_b) - sum * mean, 0.0) * p.scale;
}
