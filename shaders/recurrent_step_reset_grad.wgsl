// The second half of a step backwards through a GRU whose reset gate comes in front of the product: recurrent_step_grad
// gave the gradients of z and n; here those of r · h, from that of n through w, and with them r's and the state's.
// Strategy "steps".
// Layout, work and bounds: as recurrent_step_grad.
// Reached: 0.7 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 2 % on Mesa 26 (gru-reset-before
// 128→256, 64 steps, forward and backward, batch 32).
struct Params {
    d_x: u32,
    d_state: u32,
    h_before: u32,
    kept: u32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read> tape: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

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
    let d_n = p.d_x + (b * GATES + 2u) * HIDDEN;
    var d_reset = 0.0;
    for (var k = 0u; k < HIDDEN; k++) {
        d_reset += out[d_n + k] * w[(2u * HIDDEN + k) * HIDDEN + u];
    }
    // Where the mask is 0, r was kept as 0, and so was the gradient of n.
    let r = tape[p.kept + b * (KEPT * HIDDEN) + u];
    out[p.d_x + b * (GATES * HIDDEN) + u] = d_reset * tape[p.h_before + i] * r * (1.0 - r);
    out[p.d_state + i] += d_reset * r;
}
