// c[part, i, j] = epilogue(sum over k in the part of a[i, k] * b[k, j]): a few rows against a matrix, for software Vulkan
// that reads uniform windows far faster than storage. A dispatch is a part; matmul_sum adds them up.
// Layout: a [rows, 4 * K4] in one window; b [4 * K4, 4 * n4], n4 a multiple of 8, through eight of 64 KiB: window i begins
// at word start<i> of b, and holds fours of rows `first` + i * `each` to that + `each`; c [rows, 4 * n4] from word
// `out_first` on.
// Work: four neighbouring columns of row group.y an invocation. Accumulates f32 in order of the turns. Bound by loads
// from lines far apart: 18 ns for 8 floats on Mesa 22.3, 1.1 to 2.4 ms of one busy core for 1×256 by 256×2048, where
// storage took 5.4 to 5.7.
// Reached: 34 % of the roofline measured on two cores' llvmpipe of Mesa 22.3 (1x256x2048 NN).
struct Params {
    n4: u32,
    first: u32,
    each: u32,
    out_first: u32,
    start0: u32,
    start1: u32,
    start2: u32,
    start3: u32,
    start4: u32,
    start5: u32,
    start6: u32,
    start7: u32,
}
#import params
@group(0) @binding(0) var<uniform> a: array<vec4<f32>, ROWS * K4>;
@group(0) @binding(1) var<uniform> b0: array<vec4<f32>, 4096>;
@group(0) @binding(2) var<uniform> b1: array<vec4<f32>, 4096>;
@group(0) @binding(3) var<uniform> b2: array<vec4<f32>, 4096>;
@group(0) @binding(4) var<uniform> b3: array<vec4<f32>, 4096>;
@group(0) @binding(5) var<uniform> b4: array<vec4<f32>, 4096>;
@group(0) @binding(6) var<uniform> b5: array<vec4<f32>, 4096>;
@group(0) @binding(7) var<uniform> b6: array<vec4<f32>, 4096>;
@group(0) @binding(8) var<uniform> b7: array<vec4<f32>, 4096>;
@group(0) @binding(9) var<storage, read_write> c: array<vec4<f32>>;
#code

// `sum` with four more terms; none past the end.
fn add(sum: vec4<f32>, row: u32, k4: u32, y0: vec4<f32>, y1: vec4<f32>, y2: vec4<f32>, y3: vec4<f32>) -> vec4<f32> {
    let x = select(vec4<f32>(0.0), a[row * K4 + min(k4, K4 - 1u)], k4 < K4);
    let low = fma(vec4<f32>(x.y), y1, fma(vec4<f32>(x.x), y0, sum));
    return fma(vec4<f32>(x.w), y3, fma(vec4<f32>(x.z), y2, low));
}

// Where four rows begin in a window: those numbered k4, or the last ones.
fn begin(k4: u32, start: u32) -> u32 {
    return min(k4, K4 - 1u) * 4u * p.n4 - start;
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let column = group.x * 8u + lane;
    let n = p.n4;
    var sum = vec4<f32>(0.0);
    for (var turn = 0u; turn < p.each; turn++) {
        let k = p.first + turn;
        let i0 = begin(k, p.start0) + column;
        sum = add(sum, group.y, k, b0[i0], b0[i0 + n], b0[i0 + 2u * n], b0[i0 + 3u * n]);
        let i1 = begin(k + p.each, p.start1) + column;
        sum = add(sum, group.y, k + p.each, b1[i1], b1[i1 + n], b1[i1 + 2u * n], b1[i1 + 3u * n]);
        let i2 = begin(k + 2u * p.each, p.start2) + column;
        sum = add(sum, group.y, k + 2u * p.each, b2[i2], b2[i2 + n], b2[i2 + 2u * n], b2[i2 + 3u * n]);
        let i3 = begin(k + 3u * p.each, p.start3) + column;
        sum = add(sum, group.y, k + 3u * p.each, b3[i3], b3[i3 + n], b3[i3 + 2u * n], b3[i3 + 3u * n]);
        let i4 = begin(k + 4u * p.each, p.start4) + column;
        sum = add(sum, group.y, k + 4u * p.each, b4[i4], b4[i4 + n], b4[i4 + 2u * n], b4[i4 + 3u * n]);
        let i5 = begin(k + 5u * p.each, p.start5) + column;
        sum = add(sum, group.y, k + 5u * p.each, b5[i5], b5[i5 + n], b5[i5 + 2u * n], b5[i5 + 3u * n]);
        let i6 = begin(k + 6u * p.each, p.start6) + column;
        sum = add(sum, group.y, k + 6u * p.each, b6[i6], b6[i6 + n], b6[i6 + 2u * n], b6[i6 + 3u * n]);
        let i7 = begin(k + 7u * p.each, p.start7) + column;
        sum = add(sum, group.y, k + 7u * p.each, b7[i7], b7[i7 + n], b7[i7 + 2u * n], b7[i7 + 3u * n]);
    }
    let to = group.y * n + column;
    c[p.out_first + to] = epilogue(sum, to);
}
