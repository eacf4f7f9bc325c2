// An operand of `wide` packed (lib/matmul_pack.wgsl), its innermost extent no multiple of 4. Bound by memory bandwidth.
// Reached: 40 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 65 % on Mesa 26 (64x10x255 NN).
#import matmul_pack
@group(0) @binding(0) var<storage, read> x: array<f32>;

fn element(row: u32, column: u32) -> f32 {
    let inside = row < p.rows && column < p.columns;
    return select(0.0, x[select(0u, row * p.columns + column, inside)], inside);
}

// Four neighbours along the columns.
fn load(row: u32, column: u32) -> vec4<f32> {
    return vec4<f32>(
        element(row, column),
        element(row, column + 1u),
        element(row, column + 2u),
        element(row, column + 3u),
    );
}
