// The states of a level's nodes: c = sigmoid(i) tanh(u) + sum over children of sigmoid(f) c, h = sigmoid(o) tanh(c).
// Layout: products, of each node the gates i, o, u and one f a child, [nodes of the level, 3 + ARITY, H]; or where
// SHARED, of each child i, o, u, which add up, and f, [nodes of the level, ARITY, 4, H]; a line's PITCH4 vec4 apart; bias
// [4, H] of i, o, u, f; children [nodes, ARITY] rows; levels [1 + levels, 2]; trace [planes, ROWS, H] of h, c,
// i, o, u and the f; all in vec4.
// Work: one vec4 of a state an invocation. Bound by memory latency.
// Reached: 46 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 86 % on Mesa 26 (tree-lstm, a batch of
// 25 trees).
struct Params {
    level: u32,
}
#import params
#import tree_node
@group(0) @binding(0) var<storage, read> products: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> children: array<u32>;
@group(0) @binding(3) var<storage, read> levels: array<u32>;
@group(0) @binding(4) var<storage, read_write> trace: array<vec4<f32>>;

fn sigmoid(x: vec4<f32>) -> vec4<f32> {
    return 1.0 / (1.0 + exp(-x));
}

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let at = id.x / H4;
    let column = id.x % H4;
    let node = node_of(at);
    if (node == NO_NODE) {
        return;
    }
    var i = bias[column];
    var o = bias[H4 + column];
    var u = bias[2u * H4 + column];
    let start = at * select(1u, ARITY, SHARED) * PITCH4 + column;
    for (var line = 0u; line < select(1u, ARITY, SHARED); line++) {
        let gates = start + line * PITCH4;
        i += products[gates];
        o += products[gates + H4];
        u += products[gates + 2u * H4];
    }
    i = sigmoid(i);
    o = sigmoid(o);
    u = tanh(u);
    var c = i * u;
    let plane = ROWS * H4;
    let to = (LEAVES + node) * H4 + column;
    for (var slot = 0u; slot < ARITY; slot++) {
        let gate = select((3u + slot) * H4, slot * PITCH4 + 3u * H4, SHARED);
        let f = sigmoid(bias[3u * H4 + column] + products[start + gate]);
        trace[(5u + slot) * plane + to] = f;
        let row = children[node * ARITY + slot];
        if (row < ROWS) {
            c += f * trace[plane + row * H4 + column];
        }
    }
    trace[to] = o * tanh(c);
    trace[plane + to] = c;
    trace[2u * plane + to] = i;
    trace[3u * plane + to] = o;
    trace[4u * plane + to] = u;
}
