// out[first + i] = epilogue(sum over the parts of terms[part, i / width, i % width], in order): what conv2d_window_3x3 left,
// of images whose width is no multiple of four.
// Layout: terms [parts, stride] of rows of padded_width, out of first + count or more.
// Work: one result an invocation. Accumulates in f32. Bound by memory bandwidth.
struct Params {
    parts: u32,
    count: u32,
    stride: u32,
    first: u32,
    width: u32,
    padded_width: u32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read> terms: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
#code

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
    let place = index / p.width * p.padded_width + index % p.width;
    var sum = 0.0;
    for (var part = 0u; part < p.parts; part++) {
        sum += terms[part * p.stride + place];
    }
    let i = p.first + index;
    out[i] = epilogue(sum, i);
}
