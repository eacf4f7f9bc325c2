// out[part] = Σ d_y and Σ d_y · (x − mean) / √(variance + eps) of each channel over the part's stretch of its elements.
// Where RELU, d_y counts only where x̂ · weight + bias is positive.
// Layout: x and d_y [images, channels, size] in Elems (f32 or vec4 of neighbours), stats [2, channels], weight and bias
// [channels], out [parts, 2, channels]; a channel's elements are counted image by image.
// Work: one (part, channel) a group of LANES invocations, WG / LANES groups a workgroup; neighbouring lanes on neighbouring
// elements, 1 + MORE of them loaded at once; then the group adds up in workgroup memory. Accumulates in f32, in LANES
// chains (4·LANES with vec4). Bound by memory bandwidth.
// Reached: 29 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 32 % on Mesa 26 (64x64x32x32); 91 % on an H200
// (512x64x32x32).
struct Params {
    channels: u32,
    parts: u32,
    size: u32,
    elements: u32,
    elements_each: u32,
    images_on: u32,
    places_on: u32,
    eps: f32,
}
#import params
#import grid
#import bn_passed
alias Part = vec2<f32>;
#import group_sum
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
    let given = linear_workgroup(group, groups) * (WG / LANES) + lane / LANES;
    let index = min(given, p.channels * p.parts - 1u);
    let channel = index % p.channels;
    let part = index / p.channels;
    let first = part * p.elements_each + lane % LANES;
    let end = min((part + 1u) * p.elements_each, p.elements);

    let mean = Elem(stats[channel]);
    let deviation = inverseSqrt(stats[p.channels + channel] + p.eps);
    let scale = weight[channel] * deviation;
    let shift = bias[channel];
    // An element's image and place in it, carried on by LANES elements from one to the next: only the first is divided for.
    var image = first / p.size;
    var place = first % p.size;
    var sums = Elem(0.0);
    var dots = Elem(0.0);
    for (var i = first; i < end; i += LANES * (1u + MORE)) {
#import bn_places
        let centred = x[at] - mean;
        let d_one = d_y[at];
#repeat m MORE
        let centred$m = x[at$m] - mean;
        let d_more$m = select(Elem(0.0), d_y[at$m], inside$m);
#end
        let d = passed(d_one, centred * scale + shift);
        sums += d;
        dots += d * centred;
#repeat m MORE
        let d$m = passed(d_more$m, centred$m * scale + shift);
        sums += d$m;
        dots += d$m * centred$m;
#end
    }
    let whole = group_sum(Part(total(sums), total(dots)), lane);
    if (lane % LANES == 0u && given < p.channels * p.parts) {
        let at = part * 2u * p.channels + channel;
        out[at] = whole.x;
        out[at + p.channels] = whole.y * deviation;
    }
}
