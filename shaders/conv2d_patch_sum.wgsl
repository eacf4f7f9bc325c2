// d_weight[o, c, t] = sum over parts of sums[part, t, c, o], for t = ky · KW + kx.
// Layout: sums [parts, taps, channels, results], d_weight [results, channels, taps].
// Work: 32 results' columns a workgroup, each of 8 slices of the parts by 32 invocations. Accumulates f32, every eighth part,
// then the slices in their order. Bound by memory bandwidth.
// Reached: 31 % of the roofline measured on an H200 (256 parts of 64x32x3x3).
struct Params {
    count: u32,
    parts: u32,
    results: u32,
    channels: u32,
    taps: u32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read> sums: array<f32>;
@group(0) @binding(1) var<storage, read_write> d_weight: array<f32>;

const SLICES: u32 = 8u;
var<workgroup> slices: array<f32, 32u * SLICES>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_workgroup(group, groups) * 32u + lane % 32u;
    let there = index < p.count;
    var sum = 0.0;
    if (there) {
        for (var part = lane / 32u; part < p.parts; part += SLICES) {
            sum += sums[part * p.count + index];
        }
    }
    slices[lane] = sum;
    workgroupBarrier();
    if (lane < 32u && there) {
        for (var slice = 1u; slice < SLICES; slice++) {
            sum += slices[slice * 32u + lane];
        }
        let o = index % p.results;
        let c = index / p.results % p.channels;
        let tap = index / p.results / p.channels;
        d_weight[(o * p.channels + c) * p.taps + tap] = sum;
    }
}
