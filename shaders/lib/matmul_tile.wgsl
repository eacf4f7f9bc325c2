// What the matmul_tile kernels share: parameters, operands, and blocks of four rows by four of K, transposed on the way
// where the operand lies otherwise; 0 past the end.
struct Params {
    m: u32,
    n: u32,
    k: u32,
    k_part: u32,
    batch: u32,
    batch_x: u32,
    batch_y: u32,
    a_x: u32,
    a_y: u32,
    a_z: u32,
    b_x: u32,
    b_y: u32,
    b_z: u32,
}
@group(0) @binding(0) var<storage, read> a: array<ElemA>;
@group(0) @binding(1) var<storage, read> b: array<ElemB>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;

// [k, w / 4]
var<workgroup> tile_a: array<vec4<f32>, 512>;
var<workgroup> tile_b: array<vec4<f32>, 512>;

fn element_a(row: u32, column: u32, end: vec2<u32>, first: u32, pitch: u32) -> f32 {
    let inside = row < end.x && column < end.y;
    // vec4 of one or of four floats: this is not called where ElemA is four.
    return select(0.0, vec4<f32>(a[select(0u, first + row * pitch + column, inside)]).x, inside);
}

// Four neighbours of a row of a, zeros from `end` on.
fn four_a(row: u32, column: u32, end: vec2<u32>, first: u32, pitch: u32) -> vec4<f32> {
    if (A_BY_FOUR) {
        let inside = row < end.x && column < end.y;
        let value = vec4<f32>(a[select(0u, (first + row * pitch + column) / 4u, inside)]);
        return select(vec4<f32>(0.0), value, inside);
    }
    return vec4<f32>(
        element_a(row, column, end, first, pitch),
        element_a(row, column + 1u, end, first, pitch),
        element_a(row, column + 2u, end, first, pitch),
        element_a(row, column + 3u, end, first, pitch),
    );
}

// A block of 4×4, as stored.
fn block_a(w: u32, k: u32, extent: u32, k_end: u32, first: u32) -> mat4x4<f32> {
    let row = select(k, w, A_K_INNERMOST);
    let column = select(w, k, A_K_INNERMOST);
    let end = select(vec2<u32>(k_end, extent), vec2<u32>(extent, k_end), A_K_INNERMOST);
    let pitch = select(extent, p.k, A_K_INNERMOST);
    return mat4x4<f32>(
        four_a(row, column, end, first, pitch),
        four_a(row + 1u, column, end, first, pitch),
        four_a(row + 2u, column, end, first, pitch),
        four_a(row + 3u, column, end, first, pitch),
    );
}

fn element_b(row: u32, column: u32, end: vec2<u32>, first: u32, pitch: u32) -> f32 {
    let inside = row < end.x && column < end.y;
    // vec4 of one or of four floats: this is not called where ElemB is four.
    return select(0.0, vec4<f32>(b[select(0u, first + row * pitch + column, inside)]).x, inside);
}

// Four neighbours of a row of b, zeros from `end` on.
fn four_b(row: u32, column: u32, end: vec2<u32>, first: u32, pitch: u32) -> vec4<f32> {
    if (B_BY_FOUR) {
        let inside = row < end.x && column < end.y;
        let value = vec4<f32>(b[select(0u, (first + row * pitch + column) / 4u, inside)]);
        return select(vec4<f32>(0.0), value, inside);
    }
    return vec4<f32>(
        element_b(row, column, end, first, pitch),
        element_b(row, column + 1u, end, first, pitch),
        element_b(row, column + 2u, end, first, pitch),
        element_b(row, column + 3u, end, first, pitch),
    );
}

// A block of 4×4, as stored.
fn block_b(w: u32, k: u32, extent: u32, k_end: u32, first: u32) -> mat4x4<f32> {
    let row = select(k, w, B_K_INNERMOST);
    let column = select(w, k, B_K_INNERMOST);
    let end = select(vec2<u32>(k_end, extent), vec2<u32>(extent, k_end), B_K_INNERMOST);
    let pitch = select(extent, p.k, B_K_INNERMOST);
    return mat4x4<f32>(
        four_b(row, column, end, first, pitch),
        four_b(row + 1u, column, end, first, pitch),
        four_b(row + 2u, column, end, first, pitch),
        four_b(row + 3u, column, end, first, pitch),
    );
}

fn put(row: u32, column: u32, matrix: u32, sum: vec4<f32>) {
    if (row < p.m) {
        let to = (matrix * p.m + row) * p.n + column;
        if (column < p.n) {
            c[to] = epilogue(sum.x, to);
        }
        if (column + 1u < p.n) {
            c[to + 1u] = epilogue(sum.y, to + 1u);
        }
        if (column + 2u < p.n) {
            c[to + 2u] = epilogue(sum.z, to + 2u);
        }
        if (column + 3u < p.n) {
            c[to + 3u] = epilogue(sum.w, to + 3u);
        }
    }
}
