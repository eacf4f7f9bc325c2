// y[i] = 0 where unit(pcg4d(seed, step, stream, i / 4)[i % 4]) < rate, else x[i] · scale, with scale = 1 / (1 − rate).
// Layout: x and y [count] vectors of four neighbours; clock = (seed, step).
// Work: RUN vectors, a hash each, an invocation, WG apart and loaded together. Accumulates nothing. Bound by memory
// bandwidth.
// Reached: 23 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 70 % on Mesa 26 (64x64x32x32); 85 % on an H200
// (256x64x32x32).
struct Params {
    count: u32,
    stream: u32,
    rate: f32,
    scale: f32,
}
#import params
#import grid
#import random

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> clock: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

fn dropped(value: vec4<f32>, index: u32) -> vec4<f32> {
    let words = pcg4d(vec4<u32>(clock[0], clock[1], p.stream, index));
    let chance = vec4<f32>(unit(words.x), unit(words.y), unit(words.z), unit(words.w));
    return select(value * p.scale, vec4<f32>(0.0), chance < vec4<f32>(p.rate));
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_workgroup(group, groups) * (WG * RUN) + lane;
    if (index >= p.count) {
        return;
    }
    let one = x[index];
#repeat m MORE
    let index$m = index + ($mu + 1u) * WG;
    let more$m = x[min(index$m, p.count - 1u)];
#end
    y[index] = dropped(one, index);
#repeat m MORE
    if (index$m < p.count) {
        y[index$m] = dropped(more$m, index$m);
    }
#end
}
