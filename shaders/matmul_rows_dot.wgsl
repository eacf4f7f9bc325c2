// c[i, j] = epilogue(sum over k of a[i, k] * b[j, k]): a few rows against a transposed matrix, read once.
// Layout: a [ROWS, 4 * K4] in a uniform window, b [n, 4 * K4], both as vec4; c [ROWS, n]. ROWS is at most 4.
// Work: ROWS results an invocation, lanes along n. Accumulates f32, four sums each. Bound by reading b.
// Reached: 21 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 102 % on Mesa 26 (1x256x2048 NT).
struct Params {
    n: u32,
}
#import params
#import grid
@group(0) @binding(0) var<uniform> a: array<vec4<f32>, ROWS * K4>;
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
#code

fn put(row: u32, column: u32, sum: vec4<f32>) {
    let to = row * p.n + column;
    c[to] = epilogue((sum.x + sum.y) + (sum.z + sum.w), to);
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let column = linear_workgroup(group, groups) * WG + lane;
    if (column >= p.n) {
        return;
    }
    var s0 = vec4<f32>(0.0);
    var s1 = vec4<f32>(0.0);
    var s2 = vec4<f32>(0.0);
    var s3 = vec4<f32>(0.0);
    let start = column * K4;
    for (var k = 0u; k < K4; k++) {
        let y = b[start + k];
        s0 = fma(a[k], y, s0);
        if (ROWS > 1u) {
            s1 = fma(a[min(1u, ROWS - 1u) * K4 + k], y, s1);
        }
        if (ROWS > 2u) {
            s2 = fma(a[min(2u, ROWS - 1u) * K4 + k], y, s2);
        }
        if (ROWS > 3u) {
            s3 = fma(a[min(3u, ROWS - 1u) * K4 + k], y, s3);
        }
    }
    put(0u, column, s0);
    if (ROWS > 1u) {
        put(1u, column, s1);
    }
    if (ROWS > 2u) {
        put(2u, column, s2);
    }
    if (ROWS > 3u) {
        put(3u, column, s3);
    }
}
