// d_weight[o, c, ky, kx] = sum over the parts of terms[part, channel, tap, o], in order, of the channel and the tap of three
// by three to which conv2d_window_pack_x takes c, ky and kx.
// Layout: terms [parts, c_padded, 9, o_words] in words of four, of all groups' channels c; several groups of group_c and
// group_o channels may be taken for one of c and o. d_weight [groups' o, group_c, TAPS_Y, TAPS_X].
// Work: four results an invocation. Accumulates in f32. Bound by memory bandwidth.
// Reached: 21 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 39 % on Mesa 26 (16x512x4x4 by 512 of
// 3x3).
struct Params {
    parts: u32,
    groups: u32,
    c: u32,
    c_padded: u32,
    o: u32,
    group_c: u32,
    group_o: u32,
    o_words: u32,
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
    if (k >= p.groups * p.c * (TAPS_Y * TAPS_X)) {
        return;
    }
    let c = k / (TAPS_Y * TAPS_X);
    let down = k / TAPS_X % TAPS_Y * DILATION_Y;
    let right = k % TAPS_X * DILATION_X;
    let by = down / STRIDE_Y / 3u * STRIDE_Y + down % STRIDE_Y;
    let bx = right / STRIDE_X / 3u * STRIDE_X + right % STRIDE_X;
    let channel = (c * BLOCKS_Y + by) * BLOCKS_X + bx;
    let tap = down / STRIDE_Y % 3u * 3u + right / STRIDE_X % 3u;
    let place = (channel * 9u + tap) * p.o_words + index % p.o_words;
    var sum = vec4<f32>();
    for (var part = 0u; part < p.parts; part++) {
        sum += terms[part * p.c_padded * 9u * p.o_words + place];
    }
    let o = index % p.o_words * 4u;
    for (var e = 0u; e < 4u; e++) {
        let result = c / p.c * p.o + o + e;
        if (o + e < p.o && result / p.group_o == c / p.group_c) {
            let to = (result * p.group_c + c % p.group_c) * (TAPS_Y * TAPS_X) + k % (TAPS_Y * TAPS_X);
            d_weight[to] = sum[e];
        }
    }
}
