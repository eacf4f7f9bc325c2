// sums[m, q] = Σ a[m, k] · b[k, q] over the k of a part, in tiles of M_TILE × Q_TILE, by cooperative matrices of
// SIDE × SIDE: what the coop kernels share. Each defines
// prepare(q): remembers where four columns of b lie, q a multiple of four;
// a_words(m, k), b_words(q, k): four neighbours along the tile's rows as the constants below lay them out; 0 past the
// end, k never past the part's;
// put(m, q, part, value): stores the four columns of row m that were prepared last.
// Layout: a_tile [m][k] where A_K_INNERMOST, else [k][m]; b_tile [q][k] where B_K_INNERMOST, else [k][q]; in vec4s, with
// two between rows so that neighbouring rows lie in other banks of workgroup memory.
// Work: SUBGROUP_ROWS × SUBGROUP_COLUMNS subgroups of 2 × FRAGMENTS matrices each; the next step's words travel from
// memory while this step's are multiplied. Operands f16, sums f32. Indices and strides are values of their own: naga
// does not emit what stands inside a cooperative operation.
var<workgroup> a_tile: array<vec4<f16>, A_ROWS * A_PITCH>;
var<workgroup> b_tile: array<vec4<f16>, B_ROWS * B_PITCH>;
// A matrix of sums for each subgroup.
var<workgroup> patches: array<f32, SUBGROUP_ROWS * SUBGROUP_COLUMNS * SIDE * SIDE>;

// What an invocation brings of a step. Four names, not an array, which some compilers keep in memory.
struct Words {
    w0: vec4<f16>,
    w1: vec4<f16>,
    w2: vec4<f16>,
    w3: vec4<f16>,
}

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
    if (i < A_ROWS * A_WORDS && k < k_end) {
        return a_words(m, k);
    }
    return vec4<f16>();
}

fn b_word(i: u32, q_first: u32, k_first: u32, k_end: u32) -> vec4<f16> {
    let q = q_first + select(i % B_WORDS * 4u, i / B_WORDS, B_K_INNERMOST);
    let k = k_first + select(i / B_WORDS, i % B_WORDS * 4u, B_K_INNERMOST);
    if (i < B_ROWS * B_WORDS && k < k_end) {
        return b_words(q, k);
    }
    return vec4<f16>();
}

fn a_step(lane: u32, m_first: u32, k_first: u32, k_end: u32) -> Words {
    var words = Words();
    words.w0 = a_word(lane, m_first, k_first, k_end);
    if (A_EACH > 1u) {
        words.w1 = a_word(lane + WG, m_first, k_first, k_end);
    }
    if (A_EACH > 2u) {
        words.w2 = a_word(lane + 2u * WG, m_first, k_first, k_end);
        words.w3 = a_word(lane + 3u * WG, m_first, k_first, k_end);
    }
    return words;
}

fn b_step(lane: u32, q_first: u32, k_first: u32, k_end: u32) -> Words {
    var words = Words();
    words.w0 = b_word(lane, q_first, k_first, k_end);
    if (B_EACH > 1u) {
        words.w1 = b_word(lane + WG, q_first, k_first, k_end);
    }
    if (B_EACH > 2u) {
        words.w2 = b_word(lane + 2u * WG, q_first, k_first, k_end);
        words.w3 = b_word(lane + 3u * WG, q_first, k_first, k_end);
    }
    return words;
}

fn keep_a(i: u32, word: vec4<f16>) {
    let place = a_place(i);
    if (i < A_ROWS * A_WORDS) {
        a_tile[place.y * A_PITCH + place.x] = word;
    }
}

fn keep_b(i: u32, word: vec4<f16>) {
    if (i < B_ROWS * B_WORDS) {
        b_tile[i / B_WORDS * B_PITCH + i % B_WORDS] = word;
    }
}

fn keep(lane: u32, a: Words, b: Words) {
    keep_a(lane, a.w0);
    keep_b(lane, b.w0);
    if (A_EACH > 1u) {
        keep_a(lane + WG, a.w1);
    }
    if (B_EACH > 1u) {
        keep_b(lane + WG, b.w1);
    }
    if (A_EACH > 2u) {
        keep_a(lane + 2u * WG, a.w2);
        keep_a(lane + 3u * WG, a.w3);
    }
    if (B_EACH > 2u) {
        keep_b(lane + 2u * WG, b.w2);
        keep_b(lane + 3u * WG, b.w3);
    }
}

// The matrix of a at row m and term k of the tiles.
fn a_matrix(m: u32, k: u32) -> CoopA {
    let pitch = A_PITCH;
    if (A_K_INNERMOST) {
        let at = m * A_PITCH + k / 4u;
        return coopLoadT<CoopA>(&a_tile[at], pitch);
    }
    let at = k * A_PITCH + m / 4u;
    return coopLoad<CoopA>(&a_tile[at], pitch);
}

// The matrix of b at term k and column q of the tiles.
fn b_matrix(k: u32, q: u32) -> CoopB {
    let pitch = B_PITCH;
    if (B_K_INNERMOST) {
        let at = q * B_PITCH + k / 4u;
        return coopLoad<CoopB>(&b_tile[at], pitch);
    }
    let at = k * B_PITCH + q / 4u;
    return coopLoadT<CoopB>(&b_tile[at], pitch);
}

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

// A tile of results: of subgroup `number`, whose invocation this is number `member` of `members`.
fn product(tile: vec2<u32>, part: u32, terms: vec2<u32>, lane: u32, number: u32, member: u32, members: u32) {
    let m_first = tile.x * M_TILE;
    let q_first = tile.y * Q_TILE;
    // Where subgroups turn out small there are more of them than needed: they repeat what others do.
    let subgroup = number % (SUBGROUP_ROWS * SUBGROUP_COLUMNS);
    let m = subgroup / SUBGROUP_COLUMNS * (2u * SIDE);
    let q = subgroup % SUBGROUP_COLUMNS * (FRAGMENTS * SIDE);
    // All of an invocation's words of b lie in the same four columns, unless they lie along k.
    prepare(q_first + lane % B_WORDS * 4u);
    var s00 = CoopC();
    var s01 = CoopC();
    var s02 = CoopC();
    var s03 = CoopC();
    var s10 = CoopC();
    var s11 = CoopC();
    var s12 = CoopC();
    var s13 = CoopC();
    var a = a_step(lane, m_first, terms.x, terms.y);
    var b = b_step(lane, q_first, terms.x, terms.y);
    for (var k_first = terms.x; k_first < terms.y; k_first += K_STEP) {
        workgroupBarrier();
        keep(lane, a, b);
        workgroupBarrier();
        a = a_step(lane, m_first, k_first + K_STEP, terms.y);
        b = b_step(lane, q_first, k_first + K_STEP, terms.y);
        for (var k = 0u; k < K_STEP; k += SIDE) {
            let a0 = a_matrix(m, k);
            let a1 = a_matrix(m + SIDE, k);
            let b0 = b_matrix(k, q);
            let b1 = b_matrix(k, q + SIDE);
            s00 = coopMultiplyAdd(a0, b0, s00);
            s01 = coopMultiplyAdd(a0, b1, s01);
            s10 = coopMultiplyAdd(a1, b0, s10);
            s11 = coopMultiplyAdd(a1, b1, s11);
            if (FRAGMENTS > 2u) {
                let b2 = b_matrix(k, q + 2u * SIDE);
                let b3 = b_matrix(k, q + 3u * SIDE);
                s02 = coopMultiplyAdd(a0, b2, s02);
                s03 = coopMultiplyAdd(a0, b3, s03);
                s12 = coopMultiplyAdd(a1, b2, s12);
                s13 = coopMultiplyAdd(a1, b3, s13);
            }
        }
    }
    let at = subgroup * SIDE * SIDE;
    let side = SIDE;
    coopStoreT(s00, &patches[at], side);
    workgroupBarrier();
    put_patch(at, m_first + m, q_first + q, part, member, members);
    workgroupBarrier();
    coopStoreT(s01, &patches[at], side);
    workgroupBarrier();
    put_patch(at, m_first + m, q_first + q + SIDE, part, member, members);
    workgroupBarrier();
    coopStoreT(s10, &patches[at], side);
    workgroupBarrier();
    put_patch(at, m_first + m + SIDE, q_first + q, part, member, members);
    workgroupBarrier();
    coopStoreT(s11, &patches[at], side);
    workgroupBarrier();
    put_patch(at, m_first + m + SIDE, q_first + q + SIDE, part, member, members);
    if (FRAGMENTS > 2u) {
        workgroupBarrier();
        coopStoreT(s02, &patches[at], side);
        workgroupBarrier();
        put_patch(at, m_first + m, q_first + q + 2u * SIDE, part, member, members);
        workgroupBarrier();
        coopStoreT(s03, &patches[at], side);
        workgroupBarrier();
        put_patch(at, m_first + m, q_first + q + 3u * SIDE, part, member, members);
        workgroupBarrier();
        coopStoreT(s12, &patches[at], side);
        workgroupBarrier();
        put_patch(at, m_first + m + SIDE, q_first + q + 2u * SIDE, part, member, members);
        workgroupBarrier();
        coopStoreT(s13, &patches[at], side);
        workgroupBarrier();
        put_patch(at, m_first + m + SIDE, q_first + q + 3u * SIDE, part, member, members);
    }
}
