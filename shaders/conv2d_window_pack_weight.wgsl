// windows[part, block, c, k, o] = weight[o, c, k]: the weights of o_each results and c_each channels, the results side by
// side; zero where there is no such result or channel. With FLIP the results are the weight's input channels, and k runs
// backwards: the weights of the gradient.
// Layout: weight [results, channels, taps], or [channels, results, taps] with FLIP; a window [c_each, taps, o_each] is
// followed by a gap up to window_size words of four.
// Work: one word of four an invocation. Accumulates nothing. Bound by memory bandwidth.
struct Params {
    results: u32,
    channels: u32,
    taps: u32,
    o_each: u32,
    c_each: u32,
    blocks: u32,
    window_size: u32,
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
    let o_words = p.o_each / 4u;
    let o_word = index % o_words;
    var rest = index / o_words;
    let tap = rest % p.taps;
    rest /= p.taps;
    let window_c = rest % p.c_each;
    let window = rest / p.c_each;
    let c = window % p.blocks * p.c_each + window_c;
    let o = window / p.blocks * p.o_each + o_word * 4u;
    var word = vec4<f32>();
    for (var e = 0u; e < 4u; e++) {
        if (c < p.channels && o + e < p.results) {
            if (FLIP) {
                word[e] = weight[(c * p.results + o + e) * p.taps + p.taps - 1u - tap];
            } else {
                word[e] = weight[((o + e) * p.channels + c) * p.taps + tap];
            }
        }
    }
    let size = p.c_each * p.taps * o_words;
    windows[window * p.window_size + index % size] = word;
}
