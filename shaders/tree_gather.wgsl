// lines[i] = the hidden states of the children of a level's i-th node, one after another; 0 for one that is not there.
// Layout: children [nodes, ARITY] rows of the trace; levels [1 + levels, 2]; trace [planes, ROWS, H], plane 0 read;
// put_line says how lines lie, [nodes of the level * LINES]; all in vec4.
// Work: one vec4 an invocation. Bound by memory latency.
// Reached: 83 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 80 % on Mesa 26 (child-sum-tree-lstm,
// a batch of 25 trees).
struct Params {
    level: u32,
}
#import params
#import tree_node
@group(0) @binding(1) var<storage, read> children: array<u32>;
@group(0) @binding(2) var<storage, read> levels: array<u32>;
@group(0) @binding(3) var<storage, read> trace: array<vec4<f32>>;
#code

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let at = id.x / (ARITY * H4);
    let node = node_of(at);
    if (node == NO_NODE) {
        return;
    }
    let slot = id.x / H4 % ARITY;
    let column = id.x % H4;
    let row = children[node * ARITY + slot];
    var state = vec4<f32>(0.0);
    if (row < ROWS) {
        state = trace[row * H4 + column];
    }
    // Slots of a line, and lines before this one.
    let slots = ARITY / LINES;
    put_line(at * LINES + slot / slots, slot % slots * H4 + column, state);
}
