// The gradients of a level's gates, before their functions, from those of the states h and c, d; and what they add to the
// gradients of the children's c. A child has one parent, so no two invocations touch one element.
// Layout: trace [planes, ROWS, H] of h, c, i, o, u and the f; children [nodes, ARITY] rows; levels [1 + levels, 2];
// d [2, ROWS, H] of h, c; out, from BASE4 on, as tree_lstm_forward has its products, but of all nodes and contiguous; lines,
// the same of the level's nodes, as put_line lays them; all in vec4.
// Work: one vec4 of a state an invocation. Bound by memory latency.
// Reached: 39 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 69 % on Mesa 26 (tree-lstm, a batch of
// 25 trees).
struct Params {
    level: u32,
}
#import params
#import tree_node
@group(0) @binding(1) var<storage, read> trace: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> children: array<u32>;
@group(0) @binding(3) var<storage, read> levels: array<u32>;
@group(0) @binding(4) var<storage, read_write> d: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> out: array<vec4<f32>>;
#code

const LINES = select(1u, ARITY, SHARED);
const WIDTH = select(3u + ARITY, 4u, SHARED) * H4;

// `value` in the same place of a line among the level's and among all.
fn put(at: u32, node: u32, line: u32, place: u32, value: vec4<f32>) {
    put_line(at * LINES + line, place, value);
    out[BASE4 + (node * LINES + line) * WIDTH + place] = value;
}

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let at = id.x / H4;
    let column = id.x % H4;
    let node = node_of(at);
    if (node == NO_NODE) {
        return;
    }
    let plane = ROWS * H4;
    let start = (LEAVES + node) * H4 + column;
    let i = trace[2u * plane + start];
    let o = trace[3u * plane + start];
    let u = trace[4u * plane + start];
    let t = tanh(trace[plane + start]);
    let d_h = d[start];
    let d_c = d[plane + start] + d_h * o * (1.0 - t * t);
    let d_i = d_c * u * i * (1.0 - i);
    let d_o = d_h * t * o * (1.0 - o);
    let d_u = d_c * i * (1.0 - u * u);
    for (var line = 0u; line < LINES; line++) {
        put(at, node, line, column, d_i);
        put(at, node, line, H4 + column, d_o);
        put(at, node, line, 2u * H4 + column, d_u);
    }
    for (var slot = 0u; slot < ARITY; slot++) {
        let row = children[node * ARITY + slot];
        var d_f = vec4<f32>(0.0);
        if (row < ROWS) {
            let f = trace[(5u + slot) * plane + start];
            let child = plane + row * H4 + column;
            d_f = d_c * trace[child] * f * (1.0 - f);
            d[child] += d_c * f;
        }
        put(at, node, select(0u, slot, SHARED), select(3u + slot, 3u, SHARED) * H4 + column, d_f);
    }
}
