// c[part, batch, i, j] = epilogue(sum over k in the part of a[batch, i, k] * b[batch, k, j]): tiles of 128×128, for GPUs.
// Layout: a [m, k] where A_K_INNERMOST, else [k, m]; b [n, k] where B_K_INNERMOST, else [k, n]; ElemA and ElemB are
// vec4<f32> where the innermost extent is a multiple of 4 (A_BY_FOUR, B_BY_FOUR), else f32; batch axes as in
// matmul_simple; c [parts, batch, m, n] contiguous. With more than one part, matmul_sum adds them up.
// Work: a tile a workgroup of 256, 8×8 results an invocation; both operands pass through workgroup memory K-major,
// 16 of K at a time (16 KiB together), the next ones being loaded meanwhile. Accumulates f32 in order of k.
// Bound by arithmetic and by workgroup memory.
// Reached: 5.8 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 9.9 % on Mesa 26 (512x512x512 NN).
#import params
#code
#import matmul_tile

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let part = group.z / p.batch;
    let matrix = group.z % p.batch;
    let x = matrix % p.batch_x;
    let y = matrix / p.batch_x % p.batch_y;
    let z = matrix / (p.batch_x * p.batch_y);
    let first_a = x * p.a_x + y * p.a_y + z * p.a_z;
    let first_b = x * p.b_x + y * p.b_y + z * p.b_z;
    let k_start = part * p.k_part;
    let k_end = min(p.k, k_start + p.k_part);
    // The first 128 invocations load blocks of a, the others blocks of b: neighbours along the stored rows.
    let loads_a = lane < 128u;
    let number = lane % 128u;
    let innermost_k = select(B_K_INNERMOST, A_K_INNERMOST, loads_a);
    let block_w = select(number % 32u, number / 4u, innermost_k);
    let block_k = select(number / 32u, number % 4u, innermost_k);
    let w = select(group.x, group.y, loads_a) * 128u + 4u * block_w;
    let place = 4u * block_k * 32u + block_w;
    let column = lane % 16u;
    let row = lane / 16u;
    var c0a = vec4<f32>(0.0);
    var c0b = vec4<f32>(0.0);
    var c1a = vec4<f32>(0.0);
    var c1b = vec4<f32>(0.0);
    var c2a = vec4<f32>(0.0);
    var c2b = vec4<f32>(0.0);
    var c3a = vec4<f32>(0.0);
    var c3b = vec4<f32>(0.0);
    var c4a = vec4<f32>(0.0);
    var c4b = vec4<f32>(0.0);
    var c5a = vec4<f32>(0.0);
    var c5b = vec4<f32>(0.0);
    var c6a = vec4<f32>(0.0);
    var c6b = vec4<f32>(0.0);
    var c7a = vec4<f32>(0.0);
    var c7b = vec4<f32>(0.0);
    var block = mat4x4<f32>();
    if (loads_a) {
        block = block_a(w, k_start + 4u * block_k, p.m, k_end, first_a);
    } else {
        block = block_b(w, k_start + 4u * block_k, p.n, k_end, first_b);
    }
    for (var k = k_start; k < k_end; k += 16u) {
        if (innermost_k) {
            block = transpose(block);
        }
        workgroupBarrier();
        if (loads_a) {
            tile_a[place] = block[0];
            tile_a[place + 32u] = block[1];
            tile_a[place + 64u] = block[2];
            tile_a[place + 96u] = block[3];
        } else {
            tile_b[place] = block[0];
            tile_b[place + 32u] = block[1];
            tile_b[place + 64u] = block[2];
            tile_b[place + 96u] = block[3];
        }
        workgroupBarrier();
        // Past the end these are zeros that nothing uses.
        if (loads_a) {
            block = block_a(w, k + 16u + 4u * block_k, p.m, k_end, first_a);
        } else {
            block = block_b(w, k + 16u + 4u * block_k, p.n, k_end, first_b);
        }
        for (var i = 0u; i < 16u; i++) {
            let x0 = tile_a[i * 32u + row];
            let x1 = tile_a[i * 32u + row + 16u];
            let y0 = tile_b[i * 32u + column];
            let y1 = tile_b[i * 32u + column + 16u];
            c0a = fma(vec4<f32>(x0.x), y0, c0a);
            c0b = fma(vec4<f32>(x0.x), y1, c0b);
            c1a = fma(vec4<f32>(x0.y), y0, c1a);
            c1b = fma(vec4<f32>(x0.y), y1, c1b);
            c2a = fma(vec4<f32>(x0.z), y0, c2a);
            c2b = fma(vec4<f32>(x0.z), y1, c2b);
            c3a = fma(vec4<f32>(x0.w), y0, c3a);
            c3b = fma(vec4<f32>(x0.w), y1, c3b);
            c4a = fma(vec4<f32>(x1.x), y0, c4a);
            c4b = fma(vec4<f32>(x1.x), y1, c4b);
            c5a = fma(vec4<f32>(x1.y), y0, c5a);
            c5b = fma(vec4<f32>(x1.y), y1, c5b);
            c6a = fma(vec4<f32>(x1.z), y0, c6a);
            c6b = fma(vec4<f32>(x1.z), y1, c6b);
            c7a = fma(vec4<f32>(x1.w), y0, c7a);
            c7b = fma(vec4<f32>(x1.w), y1, c7b);
        }
    }
    let to_row = group.y * 128u + 4u * row;
    let to_column = group.x * 128u + 4u * column;
    put(to_row, to_column, group.z, c0a);
    put(to_row, to_column + 64u, group.z, c0b);
    put(to_row + 1u, to_column, group.z, c1a);
    put(to_row + 1u, to_column + 64u, group.z, c1b);
    put(to_row + 2u, to_column, group.z, c2a);
    put(to_row + 2u, to_column + 64u, group.z, c2b);
    put(to_row + 3u, to_column, group.z, c3a);
    put(to_row + 3u, to_column + 64u, group.z, c3b);
    put(to_row + 64u, to_column, group.z, c4a);
    put(to_row + 64u, to_column + 64u, group.z, c4b);
    put(to_row + 65u, to_column, group.z, c5a);
    put(to_row + 65u, to_column + 64u, group.z, c5b);
    put(to_row + 66u, to_column, group.z, c6a);
    put(to_row + 66u, to_column + 64u, group.z, c6b);
    put(to_row + 67u, to_column, group.z, c7a);
    put(to_row + 67u, to_column + 64u, group.z, c7b);
}
