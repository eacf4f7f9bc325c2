// out[i] = epilogue(padded[i / width, i % width]): what conv2d_window_3x3 left of images whose width is no multiple of four.
// Layout: padded of rows of padded_width, out of count.
// Work: one result an invocation. Accumulates nothing. Bound by memory bandwidth.
// Reached: 13 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 15 % on Mesa 26 (16x32x30x30 by 64 of
// 5x5).
struct Params {
    count: u32,
    width: u32,
    padded_width: u32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read> padded: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
#code

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(group, groups) * WG + lane;
    if (i < p.count) {
        out[i] = epilogue(padded[i / p.width * p.padded_width + i % p.width], i);
    }
}
