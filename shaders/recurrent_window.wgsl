// One step of some units of all sequences: as recurrent_step or, in two calls, recurrent_step_reset, for software Vulkan, where uniform windows are read far faster
// than storage, and dispatches are dear. Strategy "window".
// Layout: a00..a03, the states before it as recurrent_pack_state lays them, four planes of K; b00..b03, the weight of the
// dispatch's units as recurrent_pack_weight lays it; x, tape: as recurrent_step; packed: the states after it, as a.
// Work: 32 sequences × 1 unit, all its gates, an invocation; 8 lanes along the units. Accumulates f32, K in four planes.
// Bound by loads within the product, as matmul_wide; then by stores.
// Reached, with all its dispatches: 16 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 19 % on Mesa 26 (lstm
// of 256, 32 by 64 steps).
struct Params {
    x: u32,
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
alias Elem = f32;
#import panel_windows
@group(0) @binding(8) var<storage, read> x: array<f32>;
@group(0) @binding(9) var<storage, read_write> tape: array<f32>;
@group(0) @binding(10) var<storage, read_write> packed: array<vec4<f32>>;
#code

// Four sequences of a panel of 32.
fn put(panel: u32, row4: u32, unit: u32, s0: vec4<f32>, s1: vec4<f32>, s2: vec4<f32>, s3: vec4<f32>) {
    let b = panel * 32u + row4 * 4u;
    let states = vec4<f32>(step(b, unit, s0), step(b + 1u, unit, s1), step(b + 2u, unit, s2), step(b + 3u, unit, s3));
    if (unit < HIDDEN) {
        let plane = unit / RUN;
        packed[((plane * PANELS + panel) * RUN + unit - plane * RUN) * 8u + row4] = states;
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
    let column = p.unit + group.x * 8u + lane;
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
