// c[part, batch, i, j] = epilogue(sum over k in the part of a[batch, i, k] * b[batch, k, j]): any strides, any batch.
// Layout: a and b with the strides given, in elements; up to three batch axes, x innermost, along which an operand may
// repeat (stride 0); c [parts, batch, m, n] contiguous; a and b
// are f32 or, where HALF, f16. With more than one part, matmul_sum adds them up.
// Work: one result an invocation, lanes along j. Accumulates f32 in order of k.
// Bound by loads: two for each multiply-add.
// Reached: 1.0 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 2.9 % on Mesa 26 (512x512x512 NN).
struct Params {
    count: u32,
    m: u32,
    n: u32,
    k: u32,
    k_part: u32,
    parts: u32,
    a_row: u32,
    a_k: u32,
    b_k: u32,
    b_column: u32,
    batch_x: u32,
    batch_y: u32,
    a_x: u32,
    a_y: u32,
    a_z: u32,
    b_x: u32,
    b_y: u32,
    b_z: u32,
}
#import params
#import grid
#import element
@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read> b: array<u32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
#code

fn a_at(i: u32) -> f32 {
    return element_of(a[place_of(i)], i);
}

fn b_at(i: u32) -> f32 {
    return element_of(b[place_of(i)], i);
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let number = linear_workgroup(group, groups) * WG + lane;
    if (number >= p.count * p.parts) {
        return;
    }
    let part = number / p.count;
    let index = number - part * p.count;
    let column = index % p.n;
    let row = index / p.n % p.m;
    let matrix = index / (p.n * p.m);
    let x = matrix % p.batch_x;
    let y = matrix / p.batch_x % p.batch_y;
    let z = matrix / (p.batch_x * p.batch_y);
    let start = part * p.k_part;
    var from_a = x * p.a_x + y * p.a_y + z * p.a_z + row * p.a_row + start * p.a_k;
    var from_b = x * p.b_x + y * p.b_y + z * p.b_z + column * p.b_column + start * p.b_k;
    var left = min(p.k_part, p.k - start);
    var sum = 0.0;
    // By fours: Mesa 22.3 ends an invocation's loops after 65,535 turns.
    for (; left >= 4u; left -= 4u) {
        sum = fma(a_at(from_a), b_at(from_b), sum);
        sum = fma(a_at(from_a + p.a_k), b_at(from_b + p.b_k), sum);
        sum = fma(a_at(from_a + 2u * p.a_k), b_at(from_b + 2u * p.b_k), sum);
        sum = fma(a_at(from_a + 3u * p.a_k), b_at(from_b + 3u * p.b_k), sum);
        from_a += 4u * p.a_k;
        from_b += 4u * p.b_k;
    }
    for (; left > 0u; left--) {
        sum = fma(a_at(from_a), b_at(from_b), sum);
        from_a += p.a_k;
        from_b += p.b_k;
    }
    c[number] = epilogue(sum, index);
}
