// d_weight[o, c, k] = (0 if first, else d_weight[o, c, k]) + sum over the parts of terms[part, c, k, o], in order.
// Layout: terms [parts, c_padded, taps, o_words] in words of four, d_weight [o, c, taps].
// Work: four results an invocation. Accumulates in f32.
struct Params {
    parts: u32,
    c: u32,
    c_padded: u32,
    taps: u32,
    o: u32,
    o_words: u32,
    first: u32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read> terms: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> d_weight: array<f32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_workgroup(group, groups) * WG + lane;
    let k = index / p.o_words;
    if (k >= p.c * p.taps) {
        return;
    }
    var sum = vec4<f32>();
    for (var part = 0u; part < p.parts; part++) {
        sum += terms[part * p.c_padded * p.taps * p.o_words + index];
    }
    let o = index % p.o_words * 4u;
    for (var e = 0u; e < 4u; e++) {
        if (o + e < p.o) {
            let place = (o + e) * p.c * p.taps + k;
            if (p.first == 1u) {
                d_weight[place] = sum[e];
            } else {
                d_weight[place] += sum[e];
            }
        }
    }
}
