// As tree_product_scatter, for software Vulkan: lines and weight lie in windows as `wide` has them. Strategy "windows".
// Layout: a{g}{q}, b{g}{q} as in matmul_wide; the others as in lib/tree_scatter. The call's lines are those from `line` on,
// its columns those from vec4 `column` on.
// Work: 32 lines × 4 columns an invocation, 8 lanes along the columns. Accumulates f32; where K takes several dispatches, in d.
// Bound by loads within the product, as matmul_wide.
// Reached: 8 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 9 % on Mesa 26 (tree-lstm, a batch of
// 25 trees).
struct Params {
    k: u32,
    a_k: u32,
    a_panel: u32,
    b_k: u32,
    b_panel: u32,
    level: u32,
    line: u32,
    column: u32,
}
#import params
#import panel_windows
@group(0) @binding(8 * GROUPS) var<storage, read> levels: array<u32>;
@group(0) @binding(8 * GROUPS + 1) var<storage, read> children: array<u32>;
@group(0) @binding(8 * GROUPS + 2) var<storage, read_write> d: array<vec4<f32>>;
#import tree_scatter

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
#repeat w 8
#repeat e 4
    var c$w$e = vec4<f32>();
#end
#end
    let a_first = group.y * p.a_panel + lane;
    let b_first = group.x * p.b_panel + lane;
    let a_k = p.a_k;
    let b_k = p.b_k;
    let turns = p.k;
#repeat g GROUPS
#import panel_sums
#end
    let column = p.column + group.x * 8u + lane;
    if (column >= N4) {
        return;
    }
    // A loop, so that the driver compiles what follows once and not for every line.
    var sums = array<vec4<f32>, 32>(
#repeat w 8
        c$w0, c$w1, c$w2, c$w3,
#end
    );
    for (var i = 0u; i < 32u; i++) {
        put(p.line + group.y * 32u + i, column, sums[i]);
    }
}
