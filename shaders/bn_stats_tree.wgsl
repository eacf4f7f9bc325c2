// out[part] = mean and Σ(x − mean)² · scale of each channel over the part's stretch of its elements, by sums shifted by
// the part's first element (Chan, Golub and LeVeque, 1983): one pass, and no cancellation with a large mean.
// Layout: x [images, channels, size] in Elems (f32 or vec4 of neighbours), out [parts, 2, channels]; a channel's elements
// are counted image by image.
// Work: one (part, channel) a workgroup, neighbouring lanes on neighbouring elements, then a tree in workgroup memory.
// Accumulates in f32, in WG chains (4·WG with vec4). Bound by memory bandwidth.
// Reached: 16 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 19 % on Mesa 26 (64x64x32x32).
struct Params {
    channels: u32,
    parts: u32,
    size: u32,
    elements: u32,
    elements_each: u32,
    scale: f32,
}
#import params
#import grid
#code

@group(0) @binding(0) var<storage, read> x: array<Elem>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

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

    let shift = head(x[(first / p.size * p.channels + channel) * p.size + first % p.size]);
    var sums = Elem(0.0);
    var squares = Elem(0.0);
    for (var i = first + lane; i < end; i += WG) {
        let value = x[(i / p.size * p.channels + channel) * p.size + i % p.size] - Elem(shift);
        sums += value;
        squares += value * value;
    }
    partial[lane] = vec2<f32>(total(sums), total(squares));
    for (var half = WG / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
            partial[lane] += partial[lane + half];
        }
    }
    if (lane == 0u) {
        let mean = partial[0].x / f32((end - first) * WIDTH);
        let at = part * 2u * p.channels + channel;
        out[at] = shift + mean;
        out[at + p.channels] = max(partial[0].y - partial[0].x * mean, 0.0) * p.scale;
    }
}
