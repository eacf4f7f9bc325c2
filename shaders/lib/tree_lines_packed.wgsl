// Lines as `wide` packs rows, given fn place(line, k): neighbours along K are a panel's 32 lines apart.
@group(0) @binding(0) var<storage, read_write> lines: array<f32>;

fn put_line(line: u32, column: u32, value: vec4<f32>) {
    let to = place(line, 4u * column);
    lines[to] = value.x;
    lines[to + 32u] = value.y;
    lines[to + 64u] = value.z;
    lines[to + 96u] = value.w;
}
