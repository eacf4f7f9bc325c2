// One step backwards of some units of all sequences: as recurrent_step_grad and, in a second call, recurrent_step_reset_grad, for software Vulkan, where uniform windows are
// read far faster than storage, and dispatches are dear. Strategy "window".
// Layout: a00..a03, the successor's gradients of the recurrent parts, as `packed`; b00..b03, the weight's columns of the
// dispatch's units as recurrent_pack_columns lays them; tape, out, d_hidden: as recurrent_step_grad, in fours of units;
// packed [4 planes, panels of 32 sequences, RUN, 8 fours of sequences]: this step's, GATES * HIDDEN of them in planes of
// RUN, of which those of the first two gates (or the one there is) and of the others are laid where PACKS_FIRST and
// PACKS_THIRD.
// Work: 32 sequences × 4 units an invocation; 8 lanes along the units. Accumulates f32, K in four planes. Bound by loads
// within the product, as matmul_wide; then by loads of the tape and stores.
// Reached, with all its dispatches: 13 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 14 % on Mesa 26 (lstm
// of 256, 32 by 64 steps).
struct Params {
    last: u32,
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
    unit: u32,
    panel: u32,
}
#import params
alias Elem = vec4<f32>;
const HIDDEN4: u32 = HIDDEN / 4u;
#import panel_windows
@group(0) @binding(8) var<storage, read> tape: array<vec4<f32>>;
@group(0) @binding(9) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(10) var<storage, read_write> packed: array<vec4<f32>>;
#code

// Lays one gradient of four units and four sequences of a panel where the next step reads it.
fn pack(panel: u32, row4: u32, k: u32, g0: vec4<f32>, g1: vec4<f32>, g2: vec4<f32>, g3: vec4<f32>) {
    // Fours of K lie in one plane.
    let plane = k / RUN;
    let to = ((plane * PANELS + panel) * RUN + k - plane * RUN) * 8u + row4;
    packed[to] = vec4<f32>(g0.x, g1.x, g2.x, g3.x);
    packed[to + 8u] = vec4<f32>(g0.y, g1.y, g2.y, g3.y);
    packed[to + 16u] = vec4<f32>(g0.z, g1.z, g2.z, g3.z);
    packed[to + 24u] = vec4<f32>(g0.w, g1.w, g2.w, g3.w);
}

// Four sequences of a panel of 32.
fn put(panel: u32, row4: u32, unit4: u32, s0: vec4<f32>, s1: vec4<f32>, s2: vec4<f32>, s3: vec4<f32>) {
    let b = panel * 32u + row4 * 4u;
    let g0 = step(b, unit4, s0);
    let g1 = step(b + 1u, unit4, s1);
    let g2 = step(b + 2u, unit4, s2);
    let g3 = step(b + 3u, unit4, s3);
    if (unit4 >= HIDDEN4 || p.last == 1u) {
        return;
    }
    let k = unit4 * 4u;
    if (PACKS_FIRST) {
        pack(panel, row4, k, g0.a, g1.a, g2.a, g3.a);
    }
    if (GATES > 1u && PACKS_FIRST) {
        pack(panel, row4, HIDDEN + k, g0.b, g1.b, g2.b, g3.b);
    }
    if (GATES > 1u && PACKS_THIRD) {
        pack(panel, row4, 2u * HIDDEN + k, g0.c, g1.c, g2.c, g3.c);
    }
    if (GATES > 3u) {
        pack(panel, row4, 3u * HIDDEN + k, g0.d, g1.d, g2.d, g3.d);
    }
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let a_first = group.y * RUN * 8u + lane;
    let b_first = group.x * RUN * 8u + lane;
    let a_k = 8u;
    let b_k = 8u;
#repeat w 8
#repeat e 4
    var c$w$e = vec4<f32>();
#end
#end
    let turns = RUN;
#repeat g GROUPS
#import panel_sums
#end
    let column = p.unit / 4u + group.x * 8u + lane;
    // A loop, so that the driver compiles the cell once and not for every row.
    var sums = array<vec4<f32>, 32>(
#repeat w 8
        c$w0, c$w1, c$w2, c$w3,
#end
    );
    for (var row4 = 0u; row4 < 8u; row4++) {
        let at = 4u * row4;
        put(p.panel + group.y, row4, column, sums[at], sums[at + 1u], sums[at + 2u], sums[at + 3u]);
    }
}
