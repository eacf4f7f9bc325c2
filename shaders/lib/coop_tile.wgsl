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
// Work: SUBGROUP_ROWS × SUBGROUP_COLUMNS subgroups of ROWS × COLUMNS matrices each. Steps of SIDE terms have two places in
// workgroup memory in turn: the next one's words are there, and its matrices loaded, before this one's are multiplied, and one
// barrier a step is enough. Short steps leave registers for the sums. Operands f16, sums f32. Indices and strides are values
// of their own: naga does not emit what stands inside a cooperative operation.
var<workgroup> a_tile: array<vec4<f16>, 2 * A_ROWS * A_PITCH>;
var<workgroup> b_tile: array<vec4<f16>, 2 * B_ROWS * B_PITCH>;
// A matrix of sums for each subgroup.
var<workgroup> patches: array<f32, SUBGROUP_ROWS * SUBGROUP_COLUMNS * SIDE * SIDE>;

// Where word i of an invocation lies whose first lies at `own`: place in a tile's row, and row. A workgroup's invocations and a
// row's words, or the rows, are powers of two, so nothing carries over.
fn a_place(own: vec2<u32>, i: u32) -> vec2<u32> {
    if (A_ACROSS) {
        return own + vec2<u32>(i * WG / A_ROWS, i * WG % A_ROWS);
    }
    return own + vec2<u32>(i * WG % A_WORDS, i * WG / A_WORDS);
}

fn b_place(own: vec2<u32>, i: u32) -> vec2<u32> {
    return own + vec2<u32>(i * WG % B_WORDS, i * WG / B_WORDS);
}

fn a_word(place: vec2<u32>, m_first: u32, k_first: u32, k_end: u32) -> vec4<f16> {
    let m = m_first + select(4u * place.x, place.y, A_K_INNERMOST);
    let k = k_first + select(place.y, 4u * place.x, A_K_INNERMOST);
    if (WHOLE || (place.y < A_ROWS && place.x < A_WORDS && k < k_end)) {
        return a_words(m, k);
    }
    return vec4<f16>();
}

fn b_word(place: vec2<u32>, q_first: u32, k_first: u32, k_end: u32) -> vec4<f16> {
    let q = q_first + select(4u * place.x, place.y, B_K_INNERMOST);
    let k = k_first + select(place.y, 4u * place.x, B_K_INNERMOST);
    if (WHOLE || (place.y < B_ROWS && k < k_end)) {
        return b_words(q, k);
    }
    return vec4<f16>();
}

fn keep_a(turn: u32, place: vec2<u32>, word: vec4<f16>) {
    if (WHOLE || (place.y < A_ROWS && place.x < A_WORDS)) {
        a_tile[turn * A_ROWS * A_PITCH + place.y * A_PITCH + place.x] = word;
    }
}

fn keep_b(turn: u32, place: vec2<u32>, word: vec4<f16>) {
    if (WHOLE || place.y < B_ROWS) {
        b_tile[turn * B_ROWS * B_PITCH + place.y * B_PITCH + place.x] = word;
    }
}

// The matrix of a at row m of a turn's tiles.
fn a_matrix(turn: u32, m: u32) -> CoopA {
    let pitch = A_PITCH;
    if (A_K_INNERMOST) {
        let at = (turn * A_ROWS + m) * A_PITCH;
        return coopLoadT<CoopA>(&a_tile[at], pitch);
    }
    let at = turn * A_ROWS * A_PITCH + m / 4u;
    return coopLoad<CoopA>(&a_tile[at], pitch);
}

// The matrix of b at column q of a turn's tiles.
fn b_matrix(turn: u32, q: u32) -> CoopB {
    let pitch = B_PITCH;
    if (B_K_INNERMOST) {
        let at = (turn * B_ROWS + q) * B_PITCH;
        return coopLoad<CoopB>(&b_tile[at], pitch);
    }
    let at = turn * B_ROWS * B_PITCH + q / 4u;
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
    let a_own = select(vec2<u32>(lane % A_WORDS, lane / A_WORDS), vec2<u32>(lane / A_ROWS, lane % A_ROWS), A_ACROSS);
    let b_own = vec2<u32>(lane % B_WORDS, lane / B_WORDS);
    // All of an invocation's words of b lie in the same four columns, unless they lie along k.
    prepare(q_first + lane % B_WORDS * 4u);
#repeat r ROWS
#repeat s COLUMNS
    var sum$r$s = CoopC();
#end
#end
#repeat i A_EACH
    var a$i = a_word(a_place(a_own, $iu), m_first, terms.x, terms.y);
    keep_a(0u, a_place(a_own, $iu), a$i);
#end
#repeat i B_EACH
    var b$i = b_word(b_place(b_own, $iu), q_first, terms.x, terms.y);
    keep_b(0u, b_place(b_own, $iu), b$i);
#end
    workgroupBarrier();
    // The matrices of one turn, and those of the other.
#repeat r ROWS
    var a_of0_$r = a_matrix(0u, m + $ru * SIDE);
    var a_of1_$r: CoopA;
#end
#repeat s COLUMNS
    var b_of0_$s = b_matrix(0u, q + $su * SIDE);
    var b_of1_$s: CoopB;
#end
    // Counted in steps: of a loop so counted, compilers let the turns overlap.
    let steps = (terms.y - terms.x + SIDE - 1u) / SIDE;
    for (var step = 0u; step < steps; step += 2u) {
#repeat turn 2
        {
            // Past the end nothing, or the last ones again, which nothing uses.
            let next = terms.x + select(step + $turnu + 1u, min(step + $turnu + 1u, steps - 1u), WHOLE) * SIDE;
#repeat i A_EACH
            a$i = a_word(a_place(a_own, $iu), m_first, next, terms.y);
#end
#repeat i B_EACH
            b$i = b_word(b_place(b_own, $iu), q_first, next, terms.y);
#end
#repeat i A_EACH
            keep_a($($turn+1%2)u, a_place(a_own, $iu), a$i);
#end
#repeat i B_EACH
            keep_b($($turn+1%2)u, b_place(b_own, $iu), b$i);
#end
            workgroupBarrier();
#repeat r ROWS
            a_of$($turn+1%2)_$r = a_matrix($($turn+1%2)u, m + $ru * SIDE);
#end
#repeat s COLUMNS
            b_of$($turn+1%2)_$s = b_matrix($($turn+1%2)u, q + $su * SIDE);
#end
#repeat r ROWS
#repeat s COLUMNS
            sum$r$s = coopMultiplyAdd(a_of$turn_$r, b_of$turn_$s, sum$r$s);
#end
#end
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
