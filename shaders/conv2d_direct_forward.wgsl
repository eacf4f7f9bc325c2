// y[n, o, i, j] = sum over c, ky, kx of x[n, c, i·stride + ky·dilation - pad, …] · weight[o, c, ky, kx], then the epilogue.
// Layout: x [n, c, h, w], weight [o, c / groups, kh, kw], y [n, o, oh, ow], zeros around the image;
// x and weight are f32 or, where HALF, f16.
// Work: EACH channels of one pixel an invocation, neighbouring invocations on neighbouring pixels. Accumulates in f32.
// Bound by loads: each element of a window is loaded for EACH multiply-adds, and each weight for one.
// Reached: 1.2 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 2.0 % on Mesa 26 (16x128x16x16 by 128 of 3x3).
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

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> weight: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
#code

fn x_at(i: u32) -> f32 {
    return element_of(x[place_of(i)], i);
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
    let plane = p.oh * p.ow;
    let blocks = p.o / EACH;
    let image = index / plane / blocks;
    if (image >= p.n) {
        return;
    }
    let pixel = index % plane;
    let first = index / plane % blocks * EACH;
    let group_c = p.c / p.groups;
    let x_channel = image * p.c + first / (p.o / p.groups) * group_c;
    // Above and to the left of the image these wrap to numbers past its end.
    let top = pixel / p.ow * p.stride_y - p.pad_y;
    let left = pixel % p.ow * p.stride_x - p.pad_x;
    let window = p.kh * p.kw;
    let filter_size = group_c * window;
    var sums: array<f32, EACH>;
    for (var c = 0u; c < group_c; c++) {
        for (var ky = 0u; ky < p.kh; ky++) {
            let row = top + ky * p.dilation_y;
            if (row >= p.h) {
                continue;
            }
            let x_row = ((x_channel + c) * p.h + row) * p.w;
            let w_row = first * filter_size + c * window + ky * p.kw;
            for (var kx = 0u; kx < p.kw; kx++) {
                let column = left + kx * p.dilation_x;
                if (column < p.w) {
                    let value = x_at(x_row + column);
                    for (var e = 0u; e < EACH; e++) {
                        sums[e] = fma(value, weight_at(w_row + e * filter_size + kx), sums[e]);
                    }
                }
            }
        }
    }
    for (var e = 0u; e < EACH; e++) {
        let i = (image * p.o + first + e) * plane + pixel;
        y[i] = epilogue(sums[e], i);
    }
}
