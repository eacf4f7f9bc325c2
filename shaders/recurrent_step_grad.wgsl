// One step backwards: the gradient of a step's hidden state is what is given, what its own successor left in d_state, and
// the successor's gate gradients times w; from it the cell gives those of this step's gates. With `last` 1 there is no step
// any more: the sum is the gradient of the initial state. Strategy "steps".
// Layout: tape and out as src/ops/recurrent/mod.rs says; w [GATES * HIDDEN, HIDDEN]; parameters are first elements; d_next:
// the successor's gradients of the recurrent parts, with `first` 1 there are none.
// Work: one unit of one sequence an invocation. Accumulates f32. Bound by loads of w, along which the lanes lie.
// Reached: 0.8 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 1.3 % on Mesa 26 (lstm of 256, 32 by 64 steps).
struct Params {
    first: u32,
    last: u32,
    d_next: u32,
    d_x: u32,
    d_s: u32,
    d_state: u32,
    d_hidden: u32,
    h_before: u32,
    h_after: u32,
    c_before: u32,
    c_after: u32,
    kept: u32,
    mask: u32,
}
#import params
#import grid
alias Elem = f32;
@group(0) @binding(0) var<storage, read> tape: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
#code

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
    var d_h = out[p.d_state + i];
    if (p.first == 0u) {
        for (var k = 0u; k < PRODUCT_GATES * HIDDEN; k++) {
            d_h += out[p.d_next + b * (GATES * HIDDEN) + k] * w[k * HIDDEN + u];
        }
    }
    if (p.last == 1u) {
        out[p.d_state + i] = d_h;
        return;
    }
    d_h += d_hidden_at(p.d_hidden + i);
    let there = mask_at(p.mask + b) != 0.0;
    var kept = Gates(0.0, 0.0, 0.0, 0.0);
    if (KEPT > 0u) {
        let at = p.kept + b * (KEPT * HIDDEN) + u;
        kept = Gates(tape[at], tape[at + HIDDEN], tape[at + 2u * HIDDEN], tape[at + 3u * HIDDEN]);
    }
    var c = 0.0;
    var c_before = 0.0;
    var d_c = 0.0;
    let d_c_at = p.d_state + BATCH * HIDDEN + i;
    if (CELL_STATE) {
        c = tape[p.c_after + i];
        c_before = tape[p.c_before + i];
        d_c = out[d_c_at];
    }
    let back = cell_backward(d_h, d_c, kept, tape[p.h_after + i], tape[p.h_before + i], c, c_before);
    out[p.d_state + i] = select(d_h, back.d_h, there);
    if (CELL_STATE) {
        out[d_c_at] = select(d_c, back.d_c, there);
    }
    let to = b * (GATES * HIDDEN) + u;
    out[p.d_x + to] = select(0.0, back.d_x.a, there);
    if (GATES > 1u) {
        out[p.d_x + to + HIDDEN] = select(0.0, back.d_x.b, there);
        out[p.d_x + to + 2u * HIDDEN] = select(0.0, back.d_x.c, there);
    }
    if (GATES > 3u) {
        out[p.d_x + to + 3u * HIDDEN] = select(0.0, back.d_x.d, there);
    }
    if (OWN_RECURRENT_GRADIENT) {
        out[p.d_s + to] = select(0.0, back.d_s.a, there);
        out[p.d_s + to + HIDDEN] = select(0.0, back.d_s.b, there);
        out[p.d_s + to + 2u * HIDDEN] = select(0.0, back.d_s.c, there);
    }
}
