// out[image] = mean and Σ(x − mean)² · scale of each channel of the image, by sums shifted by the plane's first element, as
// bn_stats_lines.
// Layout: x in WINDOWS parts [count, size] in words of four, from plane first on, where plane = image · channels + channel;
// out [images, 2, channels].
// Work: one plane of every part an invocation. Accumulates in f32, in eight chains. For planes that are read through uniform
// windows, where it does not matter which lane reads what. Bound by loads.
// Reached: 95 % of the roofline measured on two cores' llvmpipe of Mesa 22.3 (64x64x32x32).
struct Params {
    first: u32,
    count: u32,
    channels: u32,
    size: u32,
    scale: f32,
}
#import params
#import grid
#code

#repeat w WINDOWS
@group(0) @binding($w) var<storage, read> x$w: array<Elem>;
#end
@group(0) @binding(WINDOWS) var<storage, read_write> out: array<f32>;

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
        let end = plane * p.size + p.size;
        var at = plane * p.size;
        let shift = head(x$w[at]);
        var sum_a = Elem();
        var sum_b = Elem();
        var squares_a = Elem();
        var squares_b = Elem();
        for (; at + 1u < end; at += 2u) {
            let a = x$w[at] - Elem(shift);
            let b = x$w[at + 1u] - Elem(shift);
            sum_a += a;
            sum_b += b;
            squares_a += a * a;
            squares_b += b * b;
        }
        // Of an odd size one is left. Mesa 22.3 is not to be trusted with a condition on p.size alone (ARCHITECTURE.md).
        if (at < end) {
            let a = x$w[at] - Elem(shift);
            sum_a += a;
            squares_a += a * a;
        }
        let sum = total(sum_a + sum_b);
        let mean = sum / f32(WIDTH * p.size);
        let index = p.first + $wu * p.count + plane;
        let to = index / p.channels * 2u * p.channels + index % p.channels;
        out[to] = shift + mean;
        out[to + p.channels] = max(total(squares_a + squares_b) - sum * mean, 0.0) * p.scale;
    }
#end
}
