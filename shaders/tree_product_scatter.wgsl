// d[child] += its place in lines[i] * weight, for the lines of a level.
// Layout: lines, weight and levels as in lib/tree_product, the others as in lib/tree_scatter. The call's lines
// are those from `first` on.
// Work: eight lines and four columns an invocation. Accumulates f32. Bound as tree_product_store.
// Reached: 3.7 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 12 % on Mesa 26 (tree-lstm, a batch
// of two trees: what few lines a level leave to reach).
struct Params {
    level: u32,
    first: u32,
}
#import params
#import tree_product
@group(0) @binding(3) var<storage, read> children: array<u32>;
@group(0) @binding(4) var<storage, read_write> d: array<vec4<f32>>;

#import tree_scatter

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let column = group.x * LANES + lane;
    let line = group.y * 8u;
    if (column >= N4) {
        return;
    }
    let sums = eight(line, column);
    put(p.first + line + 0u, column, sums[0]);
    put(p.first + line + 1u, column, sums[1]);
    put(p.first + line + 2u, column, sums[2]);
    put(p.first + line + 3u, column, sums[3]);
    put(p.first + line + 4u, column, sums[4]);
    put(p.first + line + 5u, column, sums[5]);
    put(p.first + line + 6u, column, sums[6]);
    put(p.first + line + 7u, column, sums[7]);
}
