// out tile = before + sum over k of a[k, i] * b[k, j], over four windows of K at once: `wide`, for software Vulkan.
// Layout: a0..a3 [rows / 16, k, 16] and b0..b3 [columns / 32, k, 32], four planes of K that matmul_pack_* packed and
// padded with zeros to whole tiles; before: the tile's sum so far, [rows, 4 * n4], read where `resume` is
// 1; out: rows 4 * `out_row` apart.
// Work: 16 rows × 4 columns an invocation; 8 lanes along the columns, so that the rows' values are loaded once and
// broadcast. Accumulates f32; a turn adds one k of each plane, so that an accumulator is loaded and stored once in four.
// Bound: Mesa 22.3 reads uniform windows 20 times as fast as storage, where stores cost as much as 40 multiply-adds.
struct Params {
    k: u32,
    n4: u32,
    resume: u32,
    out_first: u32,
    out_row: u32,
}
#import params
@group(0) @binding(0) var<uniform> a0: array<vec4<f32>, 4096>;
@group(0) @binding(1) var<uniform> a1: array<vec4<f32>, 4096>;
@group(0) @binding(2) var<uniform> a2: array<vec4<f32>, 4096>;
@group(0) @binding(3) var<uniform> a3: array<vec4<f32>, 4096>;
@group(0) @binding(4) var<uniform> b0: array<vec4<f32>, 4096>;
@group(0) @binding(5) var<uniform> b1: array<vec4<f32>, 4096>;
@group(0) @binding(6) var<uniform> b2: array<vec4<f32>, 4096>;
@group(0) @binding(7) var<uniform> b3: array<vec4<f32>, 4096>;
@group(0) @binding(8) var<uniform> before: array<vec4<f32>, 4096>;
@group(0) @binding(9) var<storage, read_write> out: array<vec4<f32>>;

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row4 = group.y * 4u;
    let column = group.x * 8u + lane;
    // Where nothing was before, the window holds something else.
    let resume = vec4<bool>(p.resume != 0u);
    let at = select(0u, row4 * 4u * p.n4 + column, p.resume != 0u);
    var c0 = select(vec4<f32>(0.0), before[at + 0u * p.n4], resume);
    var c1 = select(vec4<f32>(0.0), before[at + 1u * p.n4], resume);
    var c2 = select(vec4<f32>(0.0), before[at + 2u * p.n4], resume);
    var c3 = select(vec4<f32>(0.0), before[at + 3u * p.n4], resume);
    var c4 = select(vec4<f32>(0.0), before[at + 4u * p.n4], resume);
    var c5 = select(vec4<f32>(0.0), before[at + 5u * p.n4], resume);
    var c6 = select(vec4<f32>(0.0), before[at + 6u * p.n4], resume);
    var c7 = select(vec4<f32>(0.0), before[at + 7u * p.n4], resume);
    var c8 = select(vec4<f32>(0.0), before[at + 8u * p.n4], resume);
    var c9 = select(vec4<f32>(0.0), before[at + 9u * p.n4], resume);
    var c10 = select(vec4<f32>(0.0), before[at + 10u * p.n4], resume);
    var c11 = select(vec4<f32>(0.0), before[at + 11u * p.n4], resume);
    var c12 = select(vec4<f32>(0.0), before[at + 12u * p.n4], resume);
    var c13 = select(vec4<f32>(0.0), before[at + 13u * p.n4], resume);
    var c14 = select(vec4<f32>(0.0), before[at + 14u * p.n4], resume);
    var c15 = select(vec4<f32>(0.0), before[at + 15u * p.n4], resume);
    var i = group.y * p.k * 4u + lane % 4u;
    var j = group.x * p.k * 8u + lane;
    for (var k = 0u; k < p.k; k++) {
        let x0 = a0[i];
        let x1 = a1[i];
        let x2 = a2[i];
        let x3 = a3[i];
        let y0 = b0[j];
        let y1 = b1[j];
        let y2 = b2[j];
        let y3 = b3[j];
        let r00 = subgroupBroadcast(x0, 0u);
        let r01 = subgroupBroadcast(x1, 0u);
        let r02 = subgroupBroadcast(x2, 0u);
        let r03 = subgroupBroadcast(x3, 0u);
        c0 = fma(vec4<f32>(r03.x), y3, fma(vec4<f32>(r02.x), y2, fma(vec4<f32>(r01.x), y1, fma(vec4<f32>(r00.x), y0, c0))));
        c1 = fma(vec4<f32>(r03.y), y3, fma(vec4<f32>(r02.y), y2, fma(vec4<f32>(r01.y), y1, fma(vec4<f32>(r00.y), y0, c1))));
        c2 = fma(vec4<f32>(r03.z), y3, fma(vec4<f32>(r02.z), y2, fma(vec4<f32>(r01.z), y1, fma(vec4<f32>(r00.z), y0, c2))));
        c3 = fma(vec4<f32>(r03.w), y3, fma(vec4<f32>(r02.w), y2, fma(vec4<f32>(r01.w), y1, fma(vec4<f32>(r00.w), y0, c3))));
        let r10 = subgroupBroadcast(x0, 1u);
        let r11 = subgroupBroadcast(x1, 1u);
        let r12 = subgroupBroadcast(x2, 1u);
        let r13 = subgroupBroadcast(x3, 1u);
        c4 = fma(vec4<f32>(r13.x), y3, fma(vec4<f32>(r12.x), y2, fma(vec4<f32>(r11.x), y1, fma(vec4<f32>(r10.x), y0, c4))));
        c5 = fma(vec4<f32>(r13.y), y3, fma(vec4<f32>(r12.y), y2, fma(vec4<f32>(r11.y), y1, fma(vec4<f32>(r10.y), y0, c5))));
        c6 = fma(vec4<f32>(r13.z), y3, fma(vec4<f32>(r12.z), y2, fma(vec4<f32>(r11.z), y1, fma(vec4<f32>(r10.z), y0, c6))));
        c7 = fma(vec4<f32>(r13.w), y3, fma(vec4<f32>(r12.w), y2, fma(vec4<f32>(r11.w), y1, fma(vec4<f32>(r10.w), y0, c7))));
        let r20 = subgroupBroadcast(x0, 2u);
        let r21 = subgroupBroadcast(x1, 2u);
        let r22 = subgroupBroadcast(x2, 2u);
        let r23 = subgroupBroadcast(x3, 2u);
        c8 = fma(vec4<f32>(r23.x), y3, fma(vec4<f32>(r22.x), y2, fma(vec4<f32>(r21.x), y1, fma(vec4<f32>(r20.x), y0, c8))));
        c9 = fma(vec4<f32>(r23.y), y3, fma(vec4<f32>(r22.y), y2, fma(vec4<f32>(r21.y), y1, fma(vec4<f32>(r20.y), y0, c9))));
        c10 = fma(vec4<f32>(r23.z), y3, fma(vec4<f32>(r22.z), y2, fma(vec4<f32>(r21.z), y1, fma(vec4<f32>(r20.z), y0, c10))));
        c11 = fma(vec4<f32>(r23.w), y3, fma(vec4<f32>(r22.w), y2, fma(vec4<f32>(r21.w), y1, fma(vec4<f32>(r20.w), y0, c11))));
        let r30 = subgroupBroadcast(x0, 3u);
        let r31 = subgroupBroadcast(x1, 3u);
        let r32 = subgroupBroadcast(x2, 3u);
        let r33 = subgroupBroadcast(x3, 3u);
        c12 = fma(vec4<f32>(r33.x), y3, fma(vec4<f32>(r32.x), y2, fma(vec4<f32>(r31.x), y1, fma(vec4<f32>(r30.x), y0, c12))));
        c13 = fma(vec4<f32>(r33.y), y3, fma(vec4<f32>(r32.y), y2, fma(vec4<f32>(r31.y), y1, fma(vec4<f32>(r30.y), y0, c13))));
        c14 = fma(vec4<f32>(r33.z), y3, fma(vec4<f32>(r32.z), y2, fma(vec4<f32>(r31.z), y1, fma(vec4<f32>(r30.z), y0, c14))));
        c15 = fma(vec4<f32>(r33.w), y3, fma(vec4<f32>(r32.w), y2, fma(vec4<f32>(r31.w), y1, fma(vec4<f32>(r30.w), y0, c15))));
        i += 4u;
        j += 8u;
    }
    let to = p.out_first + row4 * 4u * p.out_row + column;
    out[to + 0u * p.out_row] = c0;
    out[to + 1u * p.out_row] = c1;
    out[to + 2u * p.out_row] = c2;
    out[to + 3u * p.out_row] = c3;
    out[to + 4u * p.out_row] = c4;
    out[to + 5u * p.out_row] = c5;
    out[to + 6u * p.out_row] = c6;
    out[to + 7u * p.out_row] = c7;
    out[to + 8u * p.out_row] = c8;
    out[to + 9u * p.out_row] = c9;
    out[to + 10u * p.out_row] = c10;
    out[to + 11u * p.out_row] = c11;
    out[to + 12u * p.out_row] = c12;
    out[to + 13u * p.out_row] = c13;
    out[to + 14u * p.out_row] = c14;
    out[to + 15u * p.out_row] = c15;
}
