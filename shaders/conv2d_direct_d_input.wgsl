// d_x[n, c, i, j] = sum over o, ky, kx of d_y[n, o, (i + pad - ky·dilation) / stride, …] · weight[o, c, ky, kx], where the
// division leaves no rest, then the epilogue.
// Layout: d_y [n, o, oh, ow], weight [o, c / groups, kh, kw], d_x [n, c, h, w]; d_y and weight are f32 or, where HALF,
// f16.
// Work: EACH channels of one pixel an invocation, neighbouring invocations on neighbouring pixels. Accumulates in f32.
// Bound by loads: each element of a window is loaded for EACH multiply-adds, and each weight for one.
// Reached: 1.4 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 2.4 % on Mesa 26 (16x128x16x16 by 128 of 3x3).
struct Params {
    n: u32,
    c: u32,
    h: u32,
    w: u32,
    o: u32,
    oh: u32,
    ow: u32,
    kh: u32,
    kw: u32,
    stride_y: u32,
    stride_x: u32,
    pad_y: u32,
    pad_x: u32,
    dilation_y: u32,
    dilation_x: u32,
    groups: u32,
}
#import params
#import grid
#import element

@group(0) @binding(0) var<storage, read> d_y: array<u32>;
@group(0) @binding(1) var<storage, read> weight: array<u32>;
@group(0) @binding(2) var<storage, read_write> d_x: array<f32>;
#code

fn d_y_at(i: u32) -> f32 {
    return element_of(d_y[place_of(i)], i);
}

fn weight_at(i: u32) -> f32 {
    return element_of(weight[place_of(i)], i);
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_workgroup(group, groups) * WG + lane;
    let plane = p.h * p.w;
    let blocks = p.c / EACH;
    let image = index / plane / blocks;
    if (image >= p.n) {
        return;
    }
    let pixel = index % plane;
    let first = index / plane % blocks * EACH;
    let group_c = p.c / p.groups;
    let group_o = p.o / p.groups;
    let group_number = first / group_c;
    let bottom = pixel / p.w + p.pad_y;
    let right = pixel % p.w + p.pad_x;
    let window = p.kh * p.kw;
    var sums: array<f32, EACH>;
    for (var ky = 0u; ky < p.kh; ky++) {
        // Where the window would begin outside, this wraps to a number past the end.
        let y = bottom - ky * p.dilation_y;
        let row = y / p.stride_y;
        if (row * p.stride_y != y || row >= p.oh) {
            continue;
        }
        for (var kx = 0u; kx < p.kw; kx++) {
            let x = right - kx * p.dilation_x;
            let column = x / p.stride_x;
            if (column * p.stride_x == x && column < p.ow) {
                for (var i = 0u; i < group_o; i++) {
                    let o = group_number * group_o + i;
                    let value = d_y_at(((image * p.o + o) * p.oh + row) * p.ow + column);
                    let w = (o * group_c + first % group_c) * window + ky * p.kw + kx;
                    for (var e = 0u; e < EACH; e++) {
                        sums[e] = fma(value, weight_at(w + e * window), sums[e]);
                    }
                }
            }
        }
    }
    for (var e = 0u; e < EACH; e++) {
        let i = (image * p.c + first + e) * plane + pixel;
        d_x[i] = epilogue(sums[e], i);
    }
}
