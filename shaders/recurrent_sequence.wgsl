// Steps of a sequence, `turns` of them from the `begin`th on: as recurrent_step, the state in workgroup memory. Strategy "sequence".
// Layout: x, tape: as recurrent_step; w [HIDDEN, GATES * HIDDEN], the recurrent weight transposed by
// recurrent_transpose, so that lanes read neighbours.
// Work: a sequence a workgroup, a unit an invocation, all its gates. Accumulates f32. Bound by loads of w, which all
// workgroups share: once a step and sequence.
// Reached: 0.5 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 1.0 % on Mesa 26 (lstm of 256, 32 by 64 steps).
struct Params {
    steps: u32,
    begin: u32,
    turns: u32,
    reverse: u32,
    c_first: u32,
    kept: u32,
}
#import params
alias Elem = f32;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> tape: array<f32>;
#code

const STATE: u32 = BATCH * HIDDEN;
var<workgroup> h: array<f32, HIDDEN>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) u: u32) {
    let b = group.x;
    let is_unit = u < HIDDEN;
    let i = b * HIDDEN + min(u, HIDDEN - 1u);
    let first = select(p.begin, p.steps - p.begin, p.reverse == 1u) * STATE;
    var own = tape[first + i];
    var c = 0.0;
    if (CELL_STATE) {
        c = tape[p.c_first + first + i];
    }
    for (var turn = p.begin; turn < p.begin + p.turns; turn++) {
        let t = select(turn, p.steps - 1u - turn, p.reverse == 1u);
        if (is_unit) {
            h[u] = own;
        }
        workgroupBarrier();
        if (is_unit) {
            var sum: array<f32, 4>;
            var input: array<f32, 4>;
            for (var gate = 0u; gate < GATES; gate++) {
                let row = gate * HIDDEN + u;
                var dot = bias_at(row);
                for (var k = 0u; k < HIDDEN; k++) {
                    dot += w[k * (GATES * HIDDEN) + row] * h[k];
                }
                sum[gate] = dot;
                input[gate] = x[(t * BATCH + b) * (GATES * HIDDEN) + row];
            }
            let there = mask_at(t * BATCH + b) != 0.0;
            let next = cell_forward(
                Gates(input[0], input[1], input[2], input[3]),
                Gates(sum[0], sum[1], sum[2], sum[3]),
                own,
                c,
            );
            own = select(own, next.h, there);
            c = select(c, next.c, there);
            let after = select(t + 1u, t, p.reverse == 1u) * STATE + i;
            tape[after] = own;
            if (CELL_STATE) {
                tape[p.c_first + after] = c;
            }
            if (KEPT > 0u) {
                let kept = p.kept + (t * BATCH + b) * (KEPT * HIDDEN) + u;
                tape[kept] = select(0.0, next.kept.a, there);
                tape[kept + HIDDEN] = select(0.0, next.kept.b, there);
                tape[kept + 2u * HIDDEN] = select(0.0, next.kept.c, there);
                tape[kept + 3u * HIDDEN] = select(0.0, next.kept.d, there);
            }
        }
        workgroupBarrier();
    }
}
