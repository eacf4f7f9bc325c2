// d[child] += four columns of a line's product with the weight, for the lines of level p.level: the gradients of the children's
// states. A child has one parent, so no two invocations touch one element.
// Layout: children [nodes, ARITY] rows of d; levels [1 + levels, 2]; d [planes, ROWS, H4] vec4, plane 0 changed.
fn put(line: u32, column: u32, sum: vec4<f32>) {
    if (line >= levels[2u * p.level + 1u] * LINES) {
        return;
    }
    // All slots of a level's nodes, counted through.
    let slot = line * (ARITY / LINES) + column / H4;
    let row = children[levels[2u * p.level] * ARITY + slot];
    if (row < ROWS) {
        d[row * H4 + column % H4] += sum;
    }
}
