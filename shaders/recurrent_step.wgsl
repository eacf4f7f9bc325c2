// One step: h' and c' = cell(x, W · h + bias, h, c), where the mask is not 0; else h and c. Strategy "steps".
// Layout: x [T, BATCH, GATES, HIDDEN]; w [GATES * HIDDEN, HIDDEN]; tape as src/ops/recurrent/mod.rs says; parameters are
// first elements.
// Work: one unit of one sequence an invocation, all its gates. Accumulates f32. Bound by loads of w, which
// neighbouring sequences share.
// Reached: 0.8 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 1.4 % on Mesa 26 (lstm of 256, 32 by 64 steps).
struct Params {
    x: u32,
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
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> tape: array<f32>;
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
    let h = tape[p.h_before + i];
    var c = 0.0;
    if (CELL_STATE) {
        c = tape[p.c_before + i];
    }
    var sum: array<f32, 4>;
    var input: array<f32, 4>;
    for (var gate = 0u; gate < GATES; gate++) {
        let row = gate * HIDDEN + u;
        var dot = bias_at(row);
        for (var k = 0u; k < HIDDEN; k++) {
            dot += w[row * HIDDEN + k] * tape[p.h_before + b * HIDDEN + k];
        }
        sum[gate] = dot;
        input[gate] = x[p.x + b * (GATES * HIDDEN) + row];
    }
    let there = mask_at(p.mask + b) != 0.0;
    let next = cell_forward(
        Gates(input[0], input[1], input[2], input[3]),
        Gates(sum[0], sum[1], sum[2], sum[3]),
        h,
        c,
    );
    tape[p.h_after + i] = select(h, next.h, there);
    if (CELL_STATE) {
        tape[p.c_after + i] = select(c, next.c, there);
    }
    if (KEPT > 0u) {
        let kept = p.kept + b * (KEPT * HIDDEN) + u;
        tape[kept] = select(0.0, next.kept.a, there);
        tape[kept + HIDDEN] = select(0.0, next.kept.b, there);
        tape[kept + 2u * HIDDEN] = select(0.0, next.kept.c, there);
        tape[kept + 3u * HIDDEN] = select(0.0, next.kept.d, there);
    }
}
