// windows[group, block, octet, channel, tap, o] = weight[o, c, ky, kx], zero where there is no such result, channel or tap: the
// weights of c_each of the channels that conv2d_window_pack_x makes and of eight results, side by side. Along an axis, b
// being the channel's block there, of BLOCKS, and j the tap's place of three,
//     k = ((b / STRIDE · 3 + j) · STRIDE + b % STRIDE) / DILATION, where the division leaves no rest.
// With FLIP the results are the weight's input channels, and k runs backwards: the weights of the gradient.
// Layout: weight [results, group_channels, TAPS_Y, TAPS_X], or [channels, group_results, TAPS_Y, TAPS_X] with FLIP, of all
// groups; several groups may be taken for one, of so many results and channels, with zeros between them. An octet's weights
// [c_each, 9, 8] are followed by a gap up to o_stride words of four.
// Work: one word of four an invocation. Accumulates nothing. Bound by memory bandwidth.
// Reached: 23 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 36 % on Mesa 26 (16x512x4x4 by 512 of
// 3x3).
struct Params {
    results: u32,
    channels: u32,
    group_results: u32,
    group_channels: u32,
    octets: u32,
    group_windows: u32,
    c_each: u32,
    o_stride: u32,
    count: u32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read> weight: array<f32>;
@group(0) @binding(1) var<storage, read_write> windows: array<vec4<f32>>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_workgroup(group, groups) * WG + lane;
    if (index >= p.count) {
        return;
    }
    let tap = index / 2u % 9u;
    let window_channel = index / 18u % p.c_each;
    let window_of_all = index / 18u / p.c_each;
    let group_number = window_of_all / p.group_windows;
    let window = window_of_all % p.group_windows;
    let o = window % p.octets * 8u + index % 2u * 4u;
    let channel = window / p.octets * p.c_each + window_channel;
    let c = channel / (BLOCKS_Y * BLOCKS_X);
    let by = channel / BLOCKS_X % BLOCKS_Y;
    let bx = channel % BLOCKS_X;
    let down = (by / STRIDE_Y * 3u + tap / 3u) * STRIDE_Y + by % STRIDE_Y;
    let right = (bx / STRIDE_X * 3u + tap % 3u) * STRIDE_X + bx % STRIDE_X;
    var ky = down / DILATION_Y;
    var kx = right / DILATION_X;
    let whole = down % DILATION_Y == 0u && right % DILATION_X == 0u;
    let inside = whole && ky < TAPS_Y && kx < TAPS_X && c < p.channels;
    if (FLIP) {
        ky = TAPS_Y - 1u - ky;
        kx = TAPS_X - 1u - kx;
    }
    let c_of_all = group_number * p.channels + c;
    var word = vec4<f32>();
    for (var e = 0u; e < 4u; e++) {
        let result = group_number * p.results + o + e;
        if (inside && o + e < p.results && result / p.group_results == c_of_all / p.group_channels) {
            let by_result = result * p.group_channels + c_of_all % p.group_channels;
            let by_channel = c_of_all * p.group_results + result % p.group_results;
            word[e] = weight[(select(by_result, by_channel, FLIP) * TAPS_Y + ky) * TAPS_X + kx];
        }
    }
    windows[window_of_all * p.o_stride + index % (p.c_each * 18u)] = word;
}
