// sums[m, q] = Σ a[m, k] · b[k, q] over the k of a part, in tiles of M_TILE × Q_TILE, by cooperative matrices of
// SIDE × SIDE: what the coop kernels share. Each defines
// prepare(q): remembers where four columns of b lie, q a multiple of four;
// a_words(m, k), b_words(q, k): four neighbours along the tile's rows as the constants below lay them out; 0 past the
// end, k never past the part's;
// put(m, q, part, value): stores the four columns of row m that were prepared last; or, where DIRECT is 1 and not 0,
// c [parts, m, n], to which whole matrices are stored as they are.
// Layout: a_tile [m][k] where A_K_INNERMOST, else [k][m]; b_tile [q][k] where B_K_INNERMOST, else [k][q]; in vec4s, with
// two between rows so that neighbouring rows lie in other banks of workgroup memory.
// WHOLE: nothing ends within a tile, the words of a step are as many for each invocation, and parts are pairs of steps.
// Work: SUBGROUP_ROWS × SUBGROUP_COLUMNS subgroups of ROWS × COLUMNS matrices each. Steps of K_STEP have two places in
// workgroup memory in turn: the next one's words travel from memory while this one's are multiplied, and one barrier a step
// is enough. Short steps leave registers for the sums. Operands f16, sums f32. Indices and strides are values of their own:
// naga does not emit what stands inside a cooperative operation.
var<workgroup> a_tile: array<vec4<f16>, 2 * A_ROWS * A_PITCH>;
var<workgroup> b_tile: array<vec4<f16>, 2 * B_ROWS * B_PITCH>;
// A matrix of sums for each subgroup.
var<workgroup> patches: array<f32, SUBGROUP_ROWS * SUBGROUP_COLUMNS * SIDE * SIDE>;

// Word i of a step of a: its place in a tile's row, and the row.
fn a_place(i: u32) -> vec2<u32> {
    if (A_ACROSS) {
        return vec2<u32>(i / A_ROWS, i % A_ROWS);
    }
    return vec2<u32>(i % A_WORDS, i / A_WORDS);
}

fn a_word(i: u32, m_first: u32, k_first: u32, k_end: u32) -> vec4<f16> {
    let place = a_place(i);
    let m = m_first + select(4u * place.x, place.y, A_K_INNERMOST);
    let k = k_first + select(place.y, 4u * place.x, A_K_INNERMOST);
    if (WHOLE || (i < A_ROWS * A_WORDS && k < k_end)) {
        return a_words(m, k);
    }
    return vec4<f16>();
}

fn b_word(i: u32, q_first: u32, k_first: u32, k_end: u32) -> vec4<f16> {
    let q = q_first + select(i % B_WORDS * 4u, i / B_WORDS, B_K_INNERMOST);
    let k = k_first + select(i / B_WORDS, i % B_WORDS * 4u, B_K_INNERMOST);
    if (WHOLE || (i < B_ROWS * B_WORDS && k < k_end)) {
        return b_words(q, k);
    }
    return vec4<f16>();
}

fn keep_a(turn: u32, i: u32, word: vec4<f16>) {
    let place = a_place(i);
    if (i < A_ROWS * A_WORDS) {
        a_tile[(turn * A_ROWS + place.y) * A_PITCH + place.x] = word;
    }
}

fn keep_b(turn: u32, i: u32, word: vec4<f16>) {
    if (i < B_ROWS * B_WORDS) {
        b_tile[(turn * B_ROWS + i / B_WORDS) * B_PITCH + i % B_WORDS] = word;
    }
}

// The matrix of a at row m and term k of a turn's tiles.
fn a_matrix(turn: u32, m: u32, k: u32) -> CoopA {
    let pitch = A_PITCH;
    if (A_K_INNERMOST) {
        let at = (turn * A_ROWS + m) * A_PITCH + k / 4u;
        return coopLoadT<CoopA>(&a_tile[at], pitch);
    }
    let at = (turn * A_ROWS + k) * A_PITCH + m / 4u;
    return coopLoad<CoopA>(&a_tile[at], pitch);
}

// The matrix of b at term k and column q of a turn's tiles.
fn b_matrix(turn: u32, k: u32, q: u32) -> CoopB {
    let pitch = B_PITCH;
    if (B_K_INNERMOST) {
        let at = (turn * B_ROWS + q) * B_PITCH + k / 4u;
        return coopLoad<CoopB>(&b_tile[at], pitch);
    }
    let at = (turn * B_ROWS + k) * B_PITCH + q / 4u;
    return coopLoadT<CoopB>(&b_tile[at], pitch);
}

#repeat patched PATCHED
// Stores a subgroup's patch as the results from row m and column q on.
fn put_patch(patch_first: u32, m: u32, q: u32, part: u32, member: u32, members: u32) {
    for (var i = member; i < SIDE * SIDE / 4u; i += members) {
        let row = i / (SIDE / 4u);
        let column = i % (SIDE / 4u) * 4u;
        let at = patch_first + row * SIDE + column;
        prepare(q + column);
        put(m + row, q + column, part, vec4<f32>(patches[at], patches[at + 1u], patches[at + 2u], patches[at + 3u]));
    }
}
#end

// A tile of results: of subgroup `number`, whose invocation this is number `member` of `members`.
fn product(tile: vec2<u32>, part: u32, terms: vec2<u32>, lane: u32, number: u32, member: u32, members: u32) {
    let m_first = tile.x * M_TILE;
    let q_first = tile.y * Q_TILE;
    // Where subgroups turn out small there are more of them than needed: they repeat what others do.
    let subgroup = number % (SUBGROUP_ROWS * SUBGROUP_COLUMNS);
    let m = subgroup / SUBGROUP_COLUMNS * (ROWS * SIDE);
    let q = subgroup % SUBGROUP_COLUMNS * (COLUMNS * SIDE);
    // All of an invocation's words of b lie in the same four columns, unless they lie along k.
    prepare(q_first + lane % B_WORDS * 4u);
#repeat r ROWS
#repeat s COLUMNS
    var sum$r$s = CoopC();
#end
#end
#repeat i A_EACH
    var a$i = a_word(lane + $iu * WG, m_first, terms.x, terms.y);
    keep_a(0u, lane + $iu * WG, a$i);
#end
#repeat i B_EACH
    var b$i = b_word(lane + $iu * WG, q_first, terms.x, terms.y);
    keep_b(0u, lane + $iu * WG, b$i);
#end
    workgroupBarrier();
    let last = terms.y - K_STEP;
    for (var first = terms.x; first < terms.y; first += 2u * K_STEP) {
#repeat turn 2
        {
            // Past the end nothing, or the last ones again, which nothing uses.
            let next = select(first + ($turnu + 1u) * K_STEP, min(first + ($turnu + 1u) * K_STEP, last), WHOLE);
#repeat i A_EACH
            a$i = a_word(lane + $iu * WG, m_first, next, terms.y);
#end
#repeat i B_EACH
            b$i = b_word(lane + $iu * WG, q_first, next, terms.y);
#end
            for (var k = 0u; k < K_STEP; k += SIDE) {
#repeat r ROWS
                let a_of$r = a_matrix($turnu, m + $ru * SIDE, k);
#end
#repeat s COLUMNS
                let b_of$s = b_matrix($turnu, k, q + $su * SIDE);
#end
#repeat r ROWS
#repeat s COLUMNS
                sum$r$s = coopMultiplyAdd(a_of$r, b_of$s, sum$r$s);
#end
#end
            }
#repeat i A_EACH
            keep_a(1u - $turnu, lane + $iu * WG, a$i);
#end
#repeat i B_EACH
            keep_b(1u - $turnu, lane + $iu * WG, b$i);
#end
            workgroupBarrier();
        }
#end
    }
#repeat direct DIRECT
    let pitch = p.n;
#repeat r ROWS
#repeat s COLUMNS
    let to$r$s = (part * p.m + m_first + m + $ru * SIDE) * p.n + q_first + q + $su * SIDE;
    coopStoreT(sum$r$s, &c[to$r$s], pitch);
#end
#end
#end
#repeat patched PATCHED
    let own = subgroup * SIDE * SIDE;
    let side = SIDE;
#repeat r ROWS
#repeat s COLUMNS
    coopStoreT(sum$r$s, &patches[own], side);
    workgroupBarrier();
    put_patch(own, m_first + m + $ru * SIDE, q_first + q + $su * SIDE, part, member, members);
    workgroupBarrier();
#end
#end
#end
}
