// Takes half a step of one unit of sequence b through a GRU whose reset gate comes in front of the product, given the sums of
// its gates: over the state before, r, z and what the second product is with, r · h; SECOND, over that, the state after.
fn step(b: u32, unit: u32, sums: vec4<f32>) -> f32 {
    if (b >= BATCH || unit >= HIDDEN) {
        return 0.0;
    }
    let i = b * HIDDEN + unit;
    let at = p.x + b * (GATES * HIDDEN) + unit;
    let h = tape[p.h_before + i];
    let there = mask_at(p.mask + b) != 0.0;
    let kept = p.kept + b * (KEPT * HIDDEN) + unit;
    if (SECOND) {
        let z = tape[kept + HIDDEN];
        let n = tanh(x[at + 2u * HIDDEN] + sums.z);
        let h_next = select(h, (1.0 - z) * n + z * h, there);
        tape[p.h_after + i] = h_next;
        tape[kept + 2u * HIDDEN] = select(0.0, n, there);
        return h_next;
    }
    let r = sigmoid_of(x[at] + sums.x);
    tape[kept] = select(0.0, r, there);
    tape[kept + HIDDEN] = select(0.0, sigmoid_of(x[at + HIDDEN] + sums.y), there);
    tape[kept + 3u * HIDDEN] = select(0.0, r * h, there);
    return r * h;
}
