// The inner loop of tree_product_*: eight lines of a level times four columns of the weight.
// Layout: lines, LINE4 vec4 apart, of K4 vec4; weight [4 * K4, N4] vec4. A line past the level's last holds whatever it
// holds, and its results are dropped.
// Work: an invocation loads four terms of each line, the same for all lanes, and four rows of the weight. Accumulates f32.
@group(0) @binding(0) var<storage, read> lines: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> levels: array<u32>;

// Four terms. Inlined.
fn add(sum: vec4<f32>, x: vec4<f32>, w0: vec4<f32>, w1: vec4<f32>, w2: vec4<f32>, w3: vec4<f32>) -> vec4<f32> {
    return fma(vec4<f32>(x.w), w3, fma(vec4<f32>(x.z), w2, fma(vec4<f32>(x.y), w1, fma(vec4<f32>(x.x), w0, sum))));
}

// The products of the eight lines from `line` on, counted from the binding's first, in column `column`.
fn eight(line: u32, column: u32) -> array<vec4<f32>, 8> {
    var c0 = vec4<f32>(0.0);
    var c1 = vec4<f32>(0.0);
    var c2 = vec4<f32>(0.0);
    var c3 = vec4<f32>(0.0);
    var c4 = vec4<f32>(0.0);
    var c5 = vec4<f32>(0.0);
    var c6 = vec4<f32>(0.0);
    var c7 = vec4<f32>(0.0);
    var x = line * LINE4;
    var w = column;
    for (var k = 0u; k < K4; k++) {
        let w0 = weight[w];
        let w1 = weight[w + N4];
        let w2 = weight[w + 2u * N4];
        let w3 = weight[w + 3u * N4];
        c0 = add(c0, lines[x + 0u * LINE4], w0, w1, w2, w3);
        c1 = add(c1, lines[x + 1u * LINE4], w0, w1, w2, w3);
        c2 = add(c2, lines[x + 2u * LINE4], w0, w1, w2, w3);
        c3 = add(c3, lines[x + 3u * LINE4], w0, w1, w2, w3);
        c4 = add(c4, lines[x + 4u * LINE4], w0, w1, w2, w3);
        c5 = add(c5, lines[x + 5u * LINE4], w0, w1, w2, w3);
        c6 = add(c6, lines[x + 6u * LINE4], w0, w1, w2, w3);
        c7 = add(c7, lines[x + 7u * LINE4], w0, w1, w2, w3);
        x += 1u;
        w += 4u * N4;
    }
    return array<vec4<f32>, 8>(c0, c1, c2, c3, c4, c5, c6, c7);
}
