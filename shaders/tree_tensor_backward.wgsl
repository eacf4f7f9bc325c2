// The gradients d_z = d_h (1 - h^2) of a level's W x and x[j] d_z of its (V x)[j]; and the sum of (V x)[j] d_z, which adds
// to the gradient of x[j], an element of a child's state. A child has one parent, so no two invocations touch one element.
// Layout: trace [1 + 2 H, ROWS, H] of h and the (V x)[j], vec4; children [nodes, 2] rows; levels [1 + levels, 2]; d [ROWS, H],
// f32; out, from BASE4 on, [nodes, 1 + 2 H, H], and lines, the same of the level's nodes, as put_line lays them.
// Work: of one node all of one j, or of W, an invocation. Bound by memory bandwidth.
// Reached: 29 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 57 % on Mesa 26 (rntn, a batch of 25
// trees).
struct Params {
    level: u32,
}
#import params
#import tree_node
@group(0) @binding(1) var<storage, read> trace: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> children: array<u32>;
@group(0) @binding(3) var<storage, read> levels: array<u32>;
@group(0) @binding(4) var<storage, read_write> d: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<vec4<f32>>;
#code

const H = 4u * H4;
const WIDTH = (1u + 2u * H) * H4;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let at = id.x / (2u * H + 1u);
    let node = node_of(at);
    if (node == NO_NODE) {
        return;
    }
    let part = id.x % (2u * H + 1u);
    let start = (LEAVES + node) * H4;
    // Part 0 is W.
    let j = max(part, 1u) - 1u;
    let row = children[node * 2u + j / H];
    var x = select(0.0, 1.0, part == 0u);
    if (part > 0u && row < ROWS) {
        x = trace[row * H4 + j % H / 4u][j % 4u];
    }
    var sum = 0.0;
    for (var k = 0u; k < H4; k++) {
        let h = trace[start + k];
        let d_h = 4u * (start + k);
        let d_z = vec4<f32>(d[d_h], d[d_h + 1u], d[d_h + 2u], d[d_h + 3u]) * (1.0 - h * h);
        sum += dot(d_z, trace[part * ROWS * H4 + start + k]);
        put_line(at, part * H4 + k, x * d_z);
        out[BASE4 + node * WIDTH + part * H4 + k] = x * d_z;
    }
    if (part > 0u && row < ROWS) {
        d[row * H + j % H] += sum;
    }
}
