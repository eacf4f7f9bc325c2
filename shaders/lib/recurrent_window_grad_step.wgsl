// Takes the step of four units of sequence b backwards, given what the successor's gates hand to its state; returns its
// gradients of the recurrent parts.
fn step(b: u32, unit4: u32, sum: vec4<f32>) -> Gates {
    let zero = Elem(0.0);
    let none = Gates(zero, zero, zero, zero);
    if (b >= BATCH || unit4 >= HIDDEN4) {
        return none;
    }
    let i = b * HIDDEN4 + unit4;
    let d_h_at = p.d_state / 4u + i;
    var d_h = out[d_h_at] + sum;
    if (p.last == 1u) {
        out[d_h_at] = d_h;
        return none;
    }
    d_h += d_hidden_at(p.d_hidden / 4u + i);
    let there = vec4<bool>(mask_at(p.mask + b) != 0.0);
    var kept = none;
    if (KEPT > 0u) {
        let at = p.kept / 4u + b * (KEPT * HIDDEN4) + unit4;
        kept = Gates(tape[at], tape[at + HIDDEN4], tape[at + 2u * HIDDEN4], tape[at + 3u * HIDDEN4]);
    }
    var c = zero;
    var c_before = zero;
    var d_c = zero;
    let d_c_at = d_h_at + BATCH * HIDDEN4;
    if (CELL_STATE) {
        c = tape[p.c_after / 4u + i];
        c_before = tape[p.c_before / 4u + i];
        d_c = out[d_c_at];
    }
    let back = cell_backward(d_h, d_c, kept, tape[p.h_after / 4u + i], tape[p.h_before / 4u + i], c, c_before);
    out[d_h_at] = select(d_h, back.d_h, there);
    if (CELL_STATE) {
        out[d_c_at] = select(d_c, back.d_c, there);
    }
    let d_x = Gates(
        select(zero, back.d_x.a, there),
        select(zero, back.d_x.b, there),
        select(zero, back.d_x.c, there),
        select(zero, back.d_x.d, there),
    );
    put_gates(p.d_x / 4u + b * (GATES * HIDDEN4) + unit4, d_x);
    if (!OWN_RECURRENT_GRADIENT) {
        return d_x;
    }
    let d_s = Gates(
        select(zero, back.d_s.a, there),
        select(zero, back.d_s.b, there),
        select(zero, back.d_s.c, there),
        select(zero, back.d_s.d, there),
    );
    put_gates(p.d_s / 4u + b * (GATES * HIDDEN4) + unit4, d_s);
    return d_s;
}

// The gradients of four units' gates.
fn put_gates(at: u32, gates: Gates) {
    out[at] = gates.a;
    if (GATES > 1u) {
        out[at + HIDDEN4] = gates.b;
        out[at + 2u * HIDDEN4] = gates.c;
    }
    if (GATES > 3u) {
        out[at + 3u * HIDDEN4] = gates.d;
    }
}
