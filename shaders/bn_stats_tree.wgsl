// out[part] = mean and Σ(x − mean)² · scale of each channel over the part's stretch of its elements, by sums shifted by
// the part's first element (Chan, Golub and LeVeque, 1983): one pass, and no cancellation with a large mean.
// Layout: x [images, channels, size] in Elems (f32 or vec4 of neighbours), out [parts, 2, channels]; a channel's elements
// are counted image by image.
// Work: one (part, channel) a group of LANES invocations, WG / LANES groups a workgroup; neighbouring lanes on neighbouring
// elements, 1 + MORE of them loaded at once; then the group adds up in workgroup memory. Accumulates in f32, in LANES
// chains (4·LANES with vec4). Bound by memory bandwidth.
// Reached: 16 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 19 % on Mesa 26 (64x64x32x32); 83 % on an H200
// (512x64x32x32), 92 % with twice the channels.
struct Params {
    channels: u32,
    parts: u32,
    size: u32,
    elements: u32,
    elements_each: u32,
    images_on: u32,
    places_on: u32,
    scale: f32,
}
#import params
#import grid
alias Part = vec2<f32>;
#import group_sum
#code

@group(0) @binding(0) var<storage, read> x: array<Elem>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

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
    let start = part * p.elements_each;
    let end = min(start + p.elements_each, p.elements);

    let shift = head(x[(start / p.size * p.channels + channel) * p.size + start % p.size]);
    let first = start + lane % LANES;
    // An element's image and place in it, carried on by LANES elements from one to the next: only the first is divided for.
    var image = first / p.size;
    var place = first % p.size;
    var sums = Elem(0.0);
    var squares = Elem(0.0);
    for (var i = first; i < end; i += LANES * (1u + MORE)) {
#import bn_places
        let one = x[at];
#repeat m MORE
        let more$m = x[at$m];
#end
        let value = one - Elem(shift);
        sums += value;
        squares += value * value;
#repeat m MORE
        let value$m = select(Elem(0.0), more$m - Elem(shift), inside$m);
        sums += value$m;
        squares += value$m * value$m;
#end
    }
    let whole = group_sum(Part(total(sums), total(squares)), lane);
    if (lane % LANES == 0u && given < p.channels * p.parts) {
        let mean = whole.x / f32((end - start) * WIDTH);
        let at = part * 2u * p.channels + channel;
        out[at] = shift + mean;
        out[at + p.channels] = max(whole.y - whole.x * mean, 0.0) * p.scale;
    }
}
