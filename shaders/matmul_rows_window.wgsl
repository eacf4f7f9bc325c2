// c[i, j] = epilogue(sum over k of a[i, k] * b[j, k]) for the columns j of one window: a few rows against a transposed
// matrix, part by part.
// Layout: a [ROWS, 4 * K4] and COLUMNS rows of b, [COLUMNS, 4 * K4], in uniform windows as vec4; c [ROWS, n] whole.
// Work: ROWS results an invocation, a lane a column. Accumulates f32, four sums each. Bound by reading b, which software
// Vulkan does some twenty times as fast from a uniform window as from a storage buffer.
struct Params {
    n: u32,
    first: u32,
}
#import params
@group(0) @binding(0) var<uniform> a: array<vec4<f32>, ROWS * K4>;
@group(0) @binding(1) var<uniform> b: array<vec4<f32>, COLUMNS * K4>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
#code

fn put(row: u32, column: u32, sum: vec4<f32>) {
    let to = row * p.n + column;
    c[to] = epilogue((sum.x + sum.y) + (sum.z + sum.w), to);
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let column = group.x * 8u + lane;
    if (column >= COLUMNS) {
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
    put(0u, p.first + column, s0);
    if (ROWS > 1u) {
        put(1u, p.first + column, s1);
    }
    if (ROWS > 2u) {
        put(2u, p.first + column, s2);
    }
    if (ROWS > 3u) {
        put(3u, p.first + column, s3);
    }
}
