// out = epilogue(before + sum over k of a[k, i] * b[k, j]), over GROUPS times four windows of K: `wide`, for software Vulkan.
// Where p.resume is 1, the sums go on from before(i), which is out[i] or, where no sum is divided, zero.
// Layout: a{g}0..a{g}3, planes of K, panels of 32 rows `a_panel` words apart and in them neighbours along K `a_k` words apart:
// [rows / 32, k, 32] where matmul_pack_* packed and padded them with zeros to whole tiles, [k, rows] where the operand lies so;
// b{g}0..b{g}3 likewise with columns; out: rows 4 * `out_row` apart, from word `out_first` on.
// Work: 32 rows × 4 columns an invocation; 8 lanes along the columns, each loading four of the rows' values for all.
// Accumulates f32; a turn adds one k of each plane, so that an accumulator is loaded and stored once in four.
// Bound by loads (32 in the time of ten multiply-adds each, for 512 of those a turn), then by accumulators kept in memory over
// a turn: of the 88 GFLOP/s that multiply-adds alone reach on a core, 32 on Mesa 22.3 and 36 on Mesa 26.
// Reached, with all its dispatches: 26 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 43 % on Mesa 26
// (2048x2048x2048).
struct Params {
    k: u32,
    a_k: u32,
    a_panel: u32,
    b_k: u32,
    b_panel: u32,
    resume: u32,
    out_first: u32,
    out_row: u32,
}
#import params
#import panel_windows
@group(0) @binding(8 * GROUPS) var<storage, read_write> out: array<vec4<f32>>;
#code

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let to = p.out_first + group.y * 32u * p.out_row + group.x * 8u + lane;
    // Sum c{w}{e} is that of row 4 w + e.
#repeat w 8
#repeat e 4
    let to$w$e = to + (4u * $wu + $eu) * p.out_row;
    var c$w$e = vec4<f32>();
    if (p.resume == 1u) {
        c$w$e = before(to$w$e);
    }
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
#repeat w 8
#repeat e 4
    out[to$w$e] = epilogue(c$w$e, to$w$e);
#end
#end
}
