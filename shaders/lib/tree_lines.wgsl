// Lines as tree_product_* read them: LINE4 vec4 apart.
@group(0) @binding(0) var<storage, read_write> lines: array<vec4<f32>>;

fn put_line(line: u32, column: u32, value: vec4<f32>) {
    lines[line * LINE4 + column] = value;
}
