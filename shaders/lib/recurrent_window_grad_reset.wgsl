// The second half of a step of four units of sequence b backwards through a GRU whose reset gate comes in front of the
// product, given the gradients `sum` of r · h; returns those of r and z.
fn step(b: u32, unit4: u32, sum: vec4<f32>) -> Gates {
    let zero = Elem(0.0);
    if (b >= BATCH || unit4 >= HIDDEN4) {
        return Gates(zero, zero, zero, zero);
    }
    let i = b * HIDDEN4 + unit4;
    // Where the mask is 0, r was kept as 0, and so was the gradient of n.
    let r = tape[p.kept / 4u + b * (KEPT * HIDDEN4) + unit4];
    let d_r = sum * tape[p.h_before / 4u + i] * r * (Elem(1.0) - r);
    let d_x = p.d_x / 4u + b * (GATES * HIDDEN4) + unit4;
    out[d_x] = d_r;
    out[p.d_state / 4u + i] += sum * r;
    return Gates(d_r, out[d_x + HIDDEN4], zero, zero);
}
