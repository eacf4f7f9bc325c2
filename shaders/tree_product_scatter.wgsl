// d[child] += what its place in lines[i] * weight is, for the lines of a level: the gradients of the children's states. A
// child has one parent, so no two invocations touch one element.
// Layout: as in tree_product; children [nodes, ARITY] rows of d; d [planes, ROWS, H] vec4, plane 0 changed. The call's
// lines are those from `first` on.
// Work: eight lines and four columns an invocation. Accumulates f32. Bound as tree_product_store.
struct Params {
    level: u32,
    first: u32,
}
#import params
#import tree_product
@group(0) @binding(3) var<storage, read> children: array<u32>;
@group(0) @binding(4) var<storage, read_write> d: array<vec4<f32>>;

fn put(line: u32, column: u32, sum: vec4<f32>) {
    if (line >= levels[2u * p.level + 1u] * LINES) {
        return;
    }
    // All slots of a level's nodes, counted through.
    let slot = line * (ARITY / LINES) + column / H4;
    let row = children[levels[2u * p.level] * ARITY + slot];
    if (row < ROWS) {
        d[row * H4 + column % H4] += sum;
    }
}

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
