// c[part, batch, i, j] = epilogue(sum over k in the part of a[batch, i, k] * b[batch, k, j]).
// Layout: a stored [m, k] where A_K_INNERMOST, else [k, m]; b stored [n, k] where B_K_INNERMOST, else [k, n]; f16, read
// by fours (ElemA, ElemB vec4<f16>) where their rows are whole fours; up to three batch axes, x innermost, along which
// an operand may repeat (stride 0); c [parts, batch, m, n] in Out. With more than one part, matmul_sum adds
// them up. A dispatch begins with matrix `first` of the parts'. WHOLE: nothing ends within a tile.
// Work: a tile a workgroup; grid (columns, rows, batch · parts). Operands f16, accumulates f32: lib/coop_tile.
// Bound by the matrix units on large products.
// Reached: 38 % of the roofline measured on two cores' llvmpipe of Mesa 26 (512x512x512 NN, f16); 45 % on an H200
// (4096x4096x4096 TN, f16), 37 % NN, 32 % NT; with operands transposed first 43 % NN, 42 % NT.
struct Params {
    m: u32,
    n: u32,
    k: u32,
    k_part: u32,
    first: u32,
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
#import params

@group(0) @binding(0) var<storage, read> a: array<ElemA>;
@group(0) @binding(1) var<storage, read> b: array<ElemB>;
@group(0) @binding(2) var<storage, read_write> c: array<Out>;
#code
#import coop_tile

// Rows of tiles that are walked through together, column by column.
const BAND: u32 = 8u;

// The first element of the operands' matrices.
var<private> a_first: u32;
var<private> b_first: u32;

fn prepare(q: u32) {}

fn element_a(row: u32, column: u32, end: vec2<u32>, pitch: u32) -> f16 {
    let inside = row < end.x && column < end.y;
    // vec4 of one or of four: this is not called where ElemA is four.
    return select(f16(0.0), vec4<f16>(a[select(0u, a_first + row * pitch + column, inside)]).x, inside);
}

fn a_words(m: u32, k: u32) -> vec4<f16> {
    let row = select(k, m, A_K_INNERMOST);
    let column = select(m, k, A_K_INNERMOST);
    let end = select(vec2<u32>(p.k, p.m), vec2<u32>(p.m, p.k), A_K_INNERMOST);
    if (A_BY_FOUR) {
        let inside = WHOLE || (row < end.x && column < end.y);
        let value = vec4<f16>(a[select(0u, a_first / 4u + row * (end.y / 4u) + column / 4u, inside)]);
        return select(vec4<f16>(), value, inside);
    }
    return vec4<f16>(
        element_a(row, column, end, end.y),
        element_a(row, column + 1u, end, end.y),
        element_a(row, column + 2u, end, end.y),
        element_a(row, column + 3u, end, end.y),
    );
}

fn element_b(row: u32, column: u32, end: vec2<u32>, pitch: u32) -> f16 {
    let inside = row < end.x && column < end.y;
    // vec4 of one or of four: this is not called where ElemB is four.
    return select(f16(0.0), vec4<f16>(b[select(0u, b_first + row * pitch + column, inside)]).x, inside);
}

fn b_words(q: u32, k: u32) -> vec4<f16> {
    let row = select(k, q, B_K_INNERMOST);
    let column = select(q, k, B_K_INNERMOST);
    let end = select(vec2<u32>(p.k, p.n), vec2<u32>(p.n, p.k), B_K_INNERMOST);
    if (B_BY_FOUR) {
        let inside = WHOLE || (row < end.x && column < end.y);
        let value = vec4<f16>(b[select(0u, b_first / 4u + row * (end.y / 4u) + column / 4u, inside)]);
        return select(vec4<f16>(), value, inside);
    }
    return vec4<f16>(
        element_b(row, column, end, end.y),
        element_b(row, column + 1u, end, end.y),
        element_b(row, column + 2u, end, end.y),
        element_b(row, column + 3u, end, end.y),
    );
}

fn put(m: u32, q: u32, part: u32, value: vec4<f32>) {
    for (var e = 0u; e < 4u; e++) {
        if (m < p.m && q + e < p.n) {
            // The epilogue counts within one part.
            let index = (part % p.batch * p.m + m) * p.n + q + e;
            c[(part * p.m + m) * p.n + q + e] = Out(epilogue(value[e], index));
        }
    }
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(subgroup_invocation_id) member: u32,
    @builtin(subgroup_size) members: u32,
) {
    let number = p.first + group.z;
    let matrix = number % p.batch;
    let x = matrix % p.batch_x;
    let y = matrix / p.batch_x % p.batch_y;
    let z = matrix / (p.batch_x * p.batch_y);
    a_first = x * p.a_x + y * p.a_y + z * p.a_z;
    b_first = x * p.b_x + y * p.b_y + z * p.b_z;
    let start = number / p.batch * p.k_part;
    let terms = vec2<u32>(start, min(start + p.k_part, p.k));
    // Workgroups that run at once have tiles of few rows and few columns: caches hold what they read.
    let tiles = group.y * groups.x + group.x;
    let band = tiles / (BAND * groups.x);
    let rows = min(BAND, groups.y - band * BAND);
    let place = tiles % (BAND * groups.x);
    let tile = vec2<u32>(band * BAND + place % rows, place / rows);
    product(tile, number, terms, lane, subgroup, member, members);
}
