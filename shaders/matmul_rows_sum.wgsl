// c[i, j] = epilogue(sum over k of a[i, k] * b[k, j]): a few rows against a matrix, read once.
// Layout: a [ROWS, 4 * K4] in a uniform window, b [4 * K4, 4 * n4], both as vec4; c [ROWS, 4 * n4]. ROWS is at most 4.
// Work: four neighbouring columns of ROWS rows an invocation. Accumulates f32 in order of k. Bound by reading b.
// Reached: 8 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 167 % on Mesa 26 (1x256x2048 NN).
struct Params {
    n4: u32,
}
#import params
#import grid
@group(0) @binding(0) var<uniform> a: array<vec4<f32>, ROWS * K4>;
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
#code

// `sum` with four more terms.
fn add(row: u32, k: u32, y0: vec4<f32>, y1: vec4<f32>, y2: vec4<f32>, y3: vec4<f32>, sum: vec4<f32>) -> vec4<f32> {
    let x = a[min(row, ROWS - 1u) * K4 + k];
    let low = fma(vec4<f32>(x.y), y1, fma(vec4<f32>(x.x), y0, sum));
    return fma(vec4<f32>(x.w), y3, fma(vec4<f32>(x.z), y2, low));
}

fn put(row: u32, column4: u32, sum: vec4<f32>) {
    let to = 4u * (row * p.n4 + column4);
    c[to] = epilogue(sum.x, to);
    c[to + 1u] = epilogue(sum.y, to + 1u);
    c[to + 2u] = epilogue(sum.z, to + 2u);
    c[to + 3u] = epilogue(sum.w, to + 3u);
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let column4 = linear_workgroup(group, groups) * WG + lane;
    if (column4 >= p.n4) {
        return;
    }
    var s0 = vec4<f32>(0.0);
    var s1 = vec4<f32>(0.0);
    var s2 = vec4<f32>(0.0);
    var s3 = vec4<f32>(0.0);
    var i = column4;
    for (var k = 0u; k < K4; k++) {
        let y0 = b[i];
        let y1 = b[i + p.n4];
        let y2 = b[i + 2u * p.n4];
        let y3 = b[i + 3u * p.n4];
        i += 4u * p.n4;
        s0 = add(0u, k, y0, y1, y2, y3, s0);
        if (ROWS > 1u) {
            s1 = add(1u, k, y0, y1, y2, y3, s1);
        }
        if (ROWS > 2u) {
            s2 = add(2u, k, y0, y1, y2, y3, s2);
        }
        if (ROWS > 3u) {
            s3 = add(3u, k, y0, y1, y2, y3, s3);
        }
    }
    put(0u, column4, s0);
    if (ROWS > 1u) {
        put(1u, column4, s1);
    }
    if (ROWS > 2u) {
        put(2u, column4, s2);
    }
    if (ROWS > 3u) {
        put(3u, column4, s3);
    }
}
