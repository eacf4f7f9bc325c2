// h = tanh(bias + W x + sum over j of x[j] (V x)[j]) of a level's nodes, x being the states of both children.
// Layout: products [nodes of the level, 1 + 2 H, H], a node's PITCH4 vec4 apart: W x, then the (V x)[j], which the
// trace keeps; bias [H]; children [nodes, 2] rows; levels [1 + levels, 2]; trace [1 + 2 H, ROWS, H] of h and the (V x)[j];
// all in vec4.
// Work: one vec4 of a state an invocation. Bound by memory bandwidth.
// Reached: 78 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 96 % on Mesa 26 (rntn, a batch of 25
// trees).
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

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let at = id.x / H4;
    let column = id.x % H4;
    let node = node_of(at);
    if (node == NO_NODE) {
        return;
    }
    let plane = ROWS * H4;
    let to = (LEAVES + node) * H4 + column;
    var start = at * PITCH4 + column;
    var z = bias[column] + products[start];
    var keep = plane + to;
    for (var slot = 0u; slot < 2u; slot++) {
        let row = children[node * 2u + slot];
        for (var k = 0u; k < H4; k++) {
            var x = vec4<f32>(0.0);
            if (row < ROWS) {
                x = trace[row * H4 + k];
            }
            for (var j = 0u; j < 4u; j++) {
                start += H4;
                let y = products[start];
                z += x[j] * y;
                trace[keep] = y;
                keep += plane;
            }
        }
    }
    trace[to] = tanh(z);
}
