// c[part, batch, i, j] = epilogue(sum over k in the part of a[batch, i, k] * b[batch, k, j]), in tiles of M_TILE × N_TILE by
// way of workgroup memory, for GPUs.
// Layout: a, operand 0, [m, k] where K_INNERMOST0, else [k, m]; b, operand 1, [n, k] where K_INNERMOST1, else [k, n]; Elem0
// and Elem1 are vec4<f32> where the innermost extent is a multiple of 4 (BY_FOUR0, BY_FOUR1), else f32; batch axes as in
// matmul_simple; c [parts, batch, m, n] contiguous, Out f32 or vec4<f32> of WIDTH neighbours. With more than one part,
// matmul_sum adds them up. A dispatch begins with matrix `first` of the parts'. WHOLE: nothing ends within a tile.
// Work: a tile a workgroup; of it each 32 invocations have 16 ROWS × 32 COLUMNS results, each one 4 ROWS × 4 COLUMNS, in
// blocks of 4×4. Both operands pass through workgroup memory K-major, STEP of K at a time, the next ones being loaded
// meanwhile; where PAD, rows are padded there: blocks stored side by side lie in other banks. Accumulates f32 in order of k.
// Bound by arithmetic.
// Reached: 74 % of the roofline measured on an H200 (4096x4096x4096 NN), 70 % NT; 63 % with the loads running across the end
// of the loop's turn. On software Vulkan it is there to be tested.
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
@group(0) @binding(0) var<storage, read> x0: array<Elem0>;
@group(0) @binding(1) var<storage, read> x1: array<Elem1>;
@group(0) @binding(2) var<storage, read_write> c: array<Out>;
#code

const A_PITCH: u32 = M_TILE / 4u + PAD;
const B_PITCH: u32 = N_TILE / 4u + PAD;
// Blocks of 4×4 of a in a step: no more than invocations; of b there are B_EACH for each.
const A_BLOCKS: u32 = M_TILE * STEP / 16u;

// [k, w / 4]
var<workgroup> tile_a: array<vec4<f32>, STEP * A_PITCH>;
var<workgroup> tile_b: array<vec4<f32>, STEP * B_PITCH>;

#repeat o 2
fn element$o(row: u32, column: u32, end: vec2<u32>, first: u32, pitch: u32) -> f32 {
    let inside = row < end.x && column < end.y;
    // vec4 of one or of four floats: this is not called where Elem$o is four.
    return select(0.0, vec4<f32>(x$o[select(0u, first + row * pitch + column, inside)]).x, inside);
}

// Four neighbours of a row of operand $o, zeros from `end` on.
fn four$o(row: u32, column: u32, end: vec2<u32>, first: u32, pitch: u32) -> vec4<f32> {
    if (BY_FOUR$o) {
        let inside = WHOLE || (row < end.x && column < end.y);
        let value = vec4<f32>(x$o[select(0u, (first + row * pitch + column) / 4u, inside)]);
        return select(vec4<f32>(0.0), value, inside);
    }
    return vec4<f32>(
        element$o(row, column, end, first, pitch),
        element$o(row, column + 1u, end, first, pitch),
        element$o(row, column + 2u, end, first, pitch),
        element$o(row, column + 3u, end, first, pitch),
    );
}

// A block of 4×4 of operand $o, K-major, of which `extent` rows there are.
fn block$o(w: u32, k: u32, extent: u32, k_end: u32, first: u32) -> mat4x4<f32> {
    let row = select(k, w, K_INNERMOST$o);
    let column = select(w, k, K_INNERMOST$o);
    let end = select(vec2<u32>(k_end, extent), vec2<u32>(extent, k_end), K_INNERMOST$o);
    let pitch = select(extent, p.k, K_INNERMOST$o);
    let block = mat4x4<f32>(
        four$o(row, column, end, first, pitch),
        four$o(row + 1u, column, end, first, pitch),
        four$o(row + 2u, column, end, first, pitch),
        four$o(row + 3u, column, end, first, pitch),
    );
    if (K_INNERMOST$o) {
        return transpose(block);
    }
    return block;
}

#end
// Where block `number` of a step lies along the tile's rows and along K, in blocks: neighbours along the stored rows.
fn block_place(number: u32, across: u32, k_innermost: bool) -> vec2<u32> {
    if (k_innermost) {
        return vec2<u32>(number / (STEP / 4u), number % (STEP / 4u));
    }
    return vec2<u32>(number % across, number / across);
}

fn put(row: u32, column: u32, matrix: u32, sum: vec4<f32>) {
    let to = (matrix * p.m + row) * p.n + column;
#repeat e PIECES
    if (WHOLE || (row < p.m && column + $eu < p.n)) {
        let at$e = (to + $eu) / WIDTH;
        c[at$e] = epilogue(piece(sum, $eu), at$e);
    }
#end
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = p.first + group.z;
    let part = number / p.batch;
    let matrix = number % p.batch;
    let x = matrix % p.batch_x;
    let y = matrix / p.batch_x % p.batch_y;
    let z = matrix / (p.batch_x * p.batch_y);
    let first_a = x * p.a_x + y * p.a_y + z * p.a_z;
    let first_b = x * p.b_x + y * p.b_y + z * p.b_z;
    let k_start = part * p.k_part;
    let k_end = min(p.k, k_start + p.k_part);
    // The last step that there is, where nothing checks.
    let k_last = select(k_end, k_end - STEP, WHOLE);

    let brings_a = lane < A_BLOCKS;
    let place_a = block_place(lane, M_TILE / 4u, K_INNERMOST0);
#repeat b B_EACH
    let place_b$b = block_place(lane + $bu * WG, N_TILE / 4u, K_INNERMOST1);
    let w_b$b = group.x * N_TILE + 4u * place_b$b.x;
    let to_b$b = 4u * place_b$b.y * B_PITCH + place_b$b.x;
#end
    let w_a = group.y * M_TILE + 4u * place_a.x;
    let to_a = 4u * place_a.y * A_PITCH + place_a.x;

    let row = lane / 32u / WARP_COLUMNS * (4u * ROWS) + lane % 32u / 8u;
    let column = lane / 32u % WARP_COLUMNS * (8u * COLUMNS) + lane % 8u;
#repeat r ROWS
#repeat e 4
#repeat s COLUMNS
    var c$r$e$s = vec4<f32>();
#end
#end
#end
    var of_a = mat4x4<f32>();
    if (brings_a) {
        of_a = block0(w_a, k_start + 4u * place_a.y, p.m, k_end, first_a);
    }
#repeat b B_EACH
    var of_b$b = block1(w_b$b, k_start + 4u * place_b$b.y, p.n, k_end, first_b);
#end
#repeat w 4
    if (brings_a) {
        tile_a[to_a + $wu * A_PITCH] = of_a[$w];
    }
#repeat b B_EACH
    tile_b[to_b$b + $wu * B_PITCH] = of_b$b[$w];
#end
#end
    workgroupBarrier();
    // What is loaded is stored within the turn: compilers do not let loads run across its end.
    for (var k = k_start; k < k_end; k += STEP) {
        // Past the end these are zeros, or the last ones again, which nothing uses.
        let next = min(k + STEP, k_last);
        if (brings_a) {
            of_a = block0(w_a, next + 4u * place_a.y, p.m, k_end, first_a);
        }
#repeat b B_EACH
        of_b$b = block1(w_b$b, next + 4u * place_b$b.y, p.n, k_end, first_b);
#end
        for (var i = 0u; i < STEP; i += UNROLL) {
#repeat u UNROLL
            {
                let at_a = (i + $uu) * A_PITCH + row;
                let at_b = (i + $uu) * B_PITCH + column;
#repeat s COLUMNS
                let y$s = tile_b[at_b + $su * 8u];
#end
#repeat r ROWS
                let of_row$r = tile_a[at_a + $ru * 4u];
#repeat e 4
#repeat s COLUMNS
                c$r$e$s = fma(vec4<f32>(of_row$r[$e]), y$s, c$r$e$s);
#end
#end
#end
            }
#end
        }
        workgroupBarrier();
#repeat w 4
        if (brings_a) {
            tile_a[to_a + $wu * A_PITCH] = of_a[$w];
        }
#repeat b B_EACH
        tile_b[to_b$b + $wu * B_PITCH] = of_b$b[$w];
#end
#end
        workgroupBarrier();
    }
    let to_row = group.y * M_TILE + 4u * row;
    let to_column = group.x * N_TILE + 4u * column;
#repeat r ROWS
#repeat e 4
#repeat s COLUMNS
    put(to_row + $ru * 16u + $eu, to_column + $su * 32u, number, c$r$e$s);
#end
#end
#end
}
