// Takes the step of one unit of sequence b, given the recurrent sums of its gates; returns the state after it.
fn step(b: u32, unit: u32, sums: vec4<f32>) -> f32 {
    if (b >= BATCH || unit >= HIDDEN) {
        return 0.0;
    }
    let i = b * HIDDEN + unit;
    let at = p.x + b * (GATES * HIDDEN) + unit;
    var s = Gates(sums.x + bias_at(unit), 0.0, 0.0, 0.0);
    var input = Gates(x[at], 0.0, 0.0, 0.0);
    if (GATES > 1u) {
        s.b = sums.y + bias_at(HIDDEN + unit);
        s.c = sums.z + bias_at(2u * HIDDEN + unit);
        input.b = x[at + HIDDEN];
        input.c = x[at + 2u * HIDDEN];
    }
    if (GATES > 3u) {
        s.d = sums.w + bias_at(3u * HIDDEN + unit);
        input.d = x[at + 3u * HIDDEN];
    }
    let h = tape[p.h_before + i];
    var c = 0.0;
    if (CELL_STATE) {
        c = tape[p.c_before + i];
    }
    let next = cell_forward(input, s, h, c);
    let there = mask_at(p.mask + b) != 0.0;
    let h_next = select(h, next.h, there);
    tape[p.h_after + i] = h_next;
    if (CELL_STATE) {
        tape[p.c_after + i] = select(c, next.c, there);
    }
    if (KEPT > 0u) {
        let kept = p.kept + b * (KEPT * HIDDEN) + unit;
        tape[kept] = select(0.0, next.kept.a, there);
        tape[kept + HIDDEN] = select(0.0, next.kept.b, there);
        tape[kept + 2u * HIDDEN] = select(0.0, next.kept.c, there);
        tape[kept + 3u * HIDDEN] = select(0.0, next.kept.d, there);
    }
    return h_next;
}
