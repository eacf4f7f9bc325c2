// One step of a GRU whose reset gate comes in front of the product, in two calls, since the second's product is with what
// all units of the first made. SECOND false: r, z = sigmoid(x + W · h) and r · h, kept in the tape; true: n = tanh(x_n +
// W_n · (r · h)) and h' = (1 - z) · n + z · h, where the mask is not 0. Strategy "steps".
// Layout, work and bounds: as recurrent_step.
// Reached: 0.3 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 1 % on Mesa 26 (gru-reset-before
// 128→256, 64 steps, forward, batch 32).
struct Params {
    x: u32,
    h_before: u32,
    h_after: u32,
    kept: u32,
    mask: u32,
}
#import params
#import grid
alias Elem = f32;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> tape: array<f32>;
#code

// A row of w times HIDDEN elements of the tape.
fn product(row: u32, from_first: u32) -> f32 {
    var dot = 0.0;
    for (var k = 0u; k < HIDDEN; k++) {
        dot += w[row * HIDDEN + k] * tape[from_first + k];
    }
    return dot;
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(group, groups) * WG + lane;
    if (i >= BATCH * HIDDEN) {
        return;
    }
    let b = i / HIDDEN;
    let u = i - b * HIDDEN;
    let h = tape[p.h_before + i];
    let there = mask_at(p.mask + b) != 0.0;
    let input = p.x + b * (GATES * HIDDEN) + u;
    let kept = p.kept + b * (KEPT * HIDDEN) + u;
    if (SECOND) {
        let n = tanh(x[input + 2u * HIDDEN] + product(2u * HIDDEN + u, p.kept + (b * KEPT + 3u) * HIDDEN));
        let z = tape[kept + HIDDEN];
        tape[p.h_after + i] = select(h, (1.0 - z) * n + z * h, there);
        tape[kept + 2u * HIDDEN] = select(0.0, n, there);
    } else {
        let state = p.h_before + b * HIDDEN;
        let r = sigmoid_of(x[input] + product(u, state));
        let z = sigmoid_of(x[input + HIDDEN] + product(HIDDEN + u, state));
        tape[kept] = select(0.0, r, there);
        tape[kept + HIDDEN] = select(0.0, z, there);
        tape[kept + 3u * HIDDEN] = select(0.0, r * h, there);
    }
}
