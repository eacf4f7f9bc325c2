// out tile = epilogue(before + sum over k of a[k, i] * b[k, j]), over four windows of K at once: `wide`, for software Vulkan.
// Layout: a0..a3 [rows / 32, k, 32] and b0..b3 [columns / 32, k, 32], four planes of K that matmul_pack_* packed and
// padded with zeros to whole tiles; before: the tile's sum so far, [rows, 4 * n4], read where `resume` is
// 1; out: rows 4 * `out_row` apart.
// Work: 32 rows × 4 columns an invocation; 8 lanes along the columns, each loading four of the rows' values for all.
// Accumulates f32; a turn adds one k of each plane, so that an accumulator is loaded and stored once in four.
// Bound by loads (32 of 4 to 6 ns a turn of 512 multiply-adds), then by accumulators kept in memory over a turn:
// one busy core reached 15 to 21 GFLOP/s on Mesa 22.3 and 13 to 20 on Mesa 26, and 24 to 38 with nothing but
// multiply-adds. A product of 1024, packing included: 13 to 18 and 12 to 16.
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
#code

// Four columns of a row: `sum` with a term of each plane. Inlined.
fn add(
    sum: vec4<f32>,
    x0: f32,
    x1: f32,
    x2: f32,
    x3: f32,
    y0: vec4<f32>,
    y1: vec4<f32>,
    y2: vec4<f32>,
    y3: vec4<f32>,
) -> vec4<f32> {
    return fma(vec4<f32>(x3), y3, fma(vec4<f32>(x2), y2, fma(vec4<f32>(x1), y1, fma(vec4<f32>(x0), y0, sum))));
}

fn put(to: u32, sum: vec4<f32>) {
    out[to] = epilogue(sum, to);
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = group.y * 32u;
    let column = group.x * 8u + lane;
    // Where nothing was before, the window holds something else.
    let resume = vec4<bool>(p.resume != 0u);
    let at = select(0u, row * p.n4 + column, p.resume != 0u);
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
    var c16 = select(vec4<f32>(0.0), before[at + 16u * p.n4], resume);
    var c17 = select(vec4<f32>(0.0), before[at + 17u * p.n4], resume);
    var c18 = select(vec4<f32>(0.0), before[at + 18u * p.n4], resume);
    var c19 = select(vec4<f32>(0.0), before[at + 19u * p.n4], resume);
    var c20 = select(vec4<f32>(0.0), before[at + 20u * p.n4], resume);
    var c21 = select(vec4<f32>(0.0), before[at + 21u * p.n4], resume);
    var c22 = select(vec4<f32>(0.0), before[at + 22u * p.n4], resume);
    var c23 = select(vec4<f32>(0.0), before[at + 23u * p.n4], resume);
    var c24 = select(vec4<f32>(0.0), before[at + 24u * p.n4], resume);
    var c25 = select(vec4<f32>(0.0), before[at + 25u * p.n4], resume);
    var c26 = select(vec4<f32>(0.0), before[at + 26u * p.n4], resume);
    var c27 = select(vec4<f32>(0.0), before[at + 27u * p.n4], resume);
    var c28 = select(vec4<f32>(0.0), before[at + 28u * p.n4], resume);
    var c29 = select(vec4<f32>(0.0), before[at + 29u * p.n4], resume);
    var c30 = select(vec4<f32>(0.0), before[at + 30u * p.n4], resume);
    var c31 = select(vec4<f32>(0.0), before[at + 31u * p.n4], resume);
    var i = group.y * p.k * 8u + lane;
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
        c0 = add(c0, r00.x, r01.x, r02.x, r03.x, y0, y1, y2, y3);
        c1 = add(c1, r00.y, r01.y, r02.y, r03.y, y0, y1, y2, y3);
        c2 = add(c2, r00.z, r01.z, r02.z, r03.z, y0, y1, y2, y3);
        c3 = add(c3, r00.w, r01.w, r02.w, r03.w, y0, y1, y2, y3);
        let r10 = subgroupBroadcast(x0, 1u);
        let r11 = subgroupBroadcast(x1, 1u);
        let r12 = subgroupBroadcast(x2, 1u);
        let r13 = subgroupBroadcast(x3, 1u);
        c4 = add(c4, r10.x, r11.x, r12.x, r13.x, y0, y1, y2, y3);
        c5 = add(c5, r10.y, r11.y, r12.y, r13.y, y0, y1, y2, y3);
        c6 = add(c6, r10.z, r11.z, r12.z, r13.z, y0, y1, y2, y3);
        c7 = add(c7, r10.w, r11.w, r12.w, r13.w, y0, y1, y2, y3);
        let r20 = subgroupBroadcast(x0, 2u);
        let r21 = subgroupBroadcast(x1, 2u);
        let r22 = subgroupBroadcast(x2, 2u);
        let r23 = subgroupBroadcast(x3, 2u);
        c8 = add(c8, r20.x, r21.x, r22.x, r23.x, y0, y1, y2, y3);
        c9 = add(c9, r20.y, r21.y, r22.y, r23.y, y0, y1, y2, y3);
        c10 = add(c10, r20.z, r21.z, r22.z, r23.z, y0, y1, y2, y3);
        c11 = add(c11, r20.w, r21.w, r22.w, r23.w, y0, y1, y2, y3);
        let r30 = subgroupBroadcast(x0, 3u);
        let r31 = subgroupBroadcast(x1, 3u);
        let r32 = subgroupBroadcast(x2, 3u);
        let r33 = subgroupBroadcast(x3, 3u);
        c12 = add(c12, r30.x, r31.x, r32.x, r33.x, y0, y1, y2, y3);
        c13 = add(c13, r30.y, r31.y, r32.y, r33.y, y0, y1, y2, y3);
        c14 = add(c14, r30.z, r31.z, r32.z, r33.z, y0, y1, y2, y3);
        c15 = add(c15, r30.w, r31.w, r32.w, r33.w, y0, y1, y2, y3);
        let r40 = subgroupBroadcast(x0, 4u);
        let r41 = subgroupBroadcast(x1, 4u);
        let r42 = subgroupBroadcast(x2, 4u);
        let r43 = subgroupBroadcast(x3, 4u);
        c16 = add(c16, r40.x, r41.x, r42.x, r43.x, y0, y1, y2, y3);
        c17 = add(c17, r40.y, r41.y, r42.y, r43.y, y0, y1, y2, y3);
        c18 = add(c18, r40.z, r41.z, r42.z, r43.z, y0, y1, y2, y3);
        c19 = add(c19, r40.w, r41.w, r42.w, r43.w, y0, y1, y2, y3);
        let r50 = subgroupBroadcast(x0, 5u);
        let r51 = subgroupBroadcast(x1, 5u);
        let r52 = subgroupBroadcast(x2, 5u);
        let r53 = subgroupBroadcast(x3, 5u);
        c20 = add(c20, r50.x, r51.x, r52.x, r53.x, y0, y1, y2, y3);
        c21 = add(c21, r50.y, r51.y, r52.y, r53.y, y0, y1, y2, y3);
        c22 = add(c22, r50.z, r51.z, r52.z, r53.z, y0, y1, y2, y3);
        c23 = add(c23, r50.w, r51.w, r52.w, r53.w, y0, y1, y2, y3);
        let r60 = subgroupBroadcast(x0, 6u);
        let r61 = subgroupBroadcast(x1, 6u);
        let r62 = subgroupBroadcast(x2, 6u);
        let r63 = subgroupBroadcast(x3, 6u);
        c24 = add(c24, r60.x, r61.x, r62.x, r63.x, y0, y1, y2, y3);
        c25 = add(c25, r60.y, r61.y, r62.y, r63.y, y0, y1, y2, y3);
        c26 = add(c26, r60.z, r61.z, r62.z, r63.z, y0, y1, y2, y3);
        c27 = add(c27, r60.w, r61.w, r62.w, r63.w, y0, y1, y2, y3);
        let r70 = subgroupBroadcast(x0, 7u);
        let r71 = subgroupBroadcast(x1, 7u);
        let r72 = subgroupBroadcast(x2, 7u);
        let r73 = subgroupBroadcast(x3, 7u);
        c28 = add(c28, r70.x, r71.x, r72.x, r73.x, y0, y1, y2, y3);
        c29 = add(c29, r70.y, r71.y, r72.y, r73.y, y0, y1, y2, y3);
        c30 = add(c30, r70.z, r71.z, r72.z, r73.z, y0, y1, y2, y3);
        c31 = add(c31, r70.w, r71.w, r72.w, r73.w, y0, y1, y2, y3);
        i += 8u;
        j += 8u;
    }
    let to = p.out_first + row * p.out_row + column;
    put(to + 0u * p.out_row, c0);
    put(to + 1u * p.out_row, c1);
    put(to + 2u * p.out_row, c2);
    put(to + 3u * p.out_row, c3);
    put(to + 4u * p.out_row, c4);
    put(to + 5u * p.out_row, c5);
    put(to + 6u * p.out_row, c6);
    put(to + 7u * p.out_row, c7);
    put(to + 8u * p.out_row, c8);
    put(to + 9u * p.out_row, c9);
    put(to + 10u * p.out_row, c10);
    put(to + 11u * p.out_row, c11);
    put(to + 12u * p.out_row, c12);
    put(to + 13u * p.out_row, c13);
    put(to + 14u * p.out_row, c14);
    put(to + 15u * p.out_row, c15);
    put(to + 16u * p.out_row, c16);
    put(to + 17u * p.out_row, c17);
    put(to + 18u * p.out_row, c18);
    put(to + 19u * p.out_row, c19);
    put(to + 20u * p.out_row, c20);
    put(to + 21u * p.out_row, c21);
    put(to + 22u * p.out_row, c22);
    put(to + 23u * p.out_row, c23);
    put(to + 24u * p.out_row, c24);
    put(to + 25u * p.out_row, c25);
    put(to + 26u * p.out_row, c26);
    put(to + 27u * p.out_row, c27);
    put(to + 28u * p.out_row, c28);
    put(to + 29u * p.out_row, c29);
    put(to + 30u * p.out_row, c30);
    put(to + 31u * p.out_row, c31);
}
