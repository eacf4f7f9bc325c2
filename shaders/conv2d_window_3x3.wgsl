// y[n, o, i, j] = sum over c, ky, kx of x[n, c, i + ky - pad, j + kx - pad] · weight[o, c, ky, kx] over one window of x and
// one of the weights, then the epilogue.
// Layout: x_window [images, c_each, rows, columns] in words of four (conv2d_window_pack_x), w_window [c_each, 9, o_words]
// (conv2d_window_pack_weight), y from word y_first on [images, o, oh, ow]; o, oh and ow are multiples of 4.
// Work: four channels of four rows of four pixels an invocation, of count · o_count / 4: a workgroup's channels are one
// row of the grid's, or with MIXED, which is for few pixels, different ones. Accumulates in f32.
// For software adapters: they load from a uniform buffer many times as fast as from a storage buffer, and a sum kept over
// a loop's turn costs as much as three multiply-adds, so that a turn has all nine taps. Plain assignments rather than
// arrays and loops, because an array would be indexed in memory.
struct Params {
    o: u32,
    oh: u32,
    ow4: u32,
    c_each: u32,
    o_words: u32,
    rows: u32,
    columns: u32,
    count: u32,
    o_count: u32,
    y_first: u32,
    first_row: u32,
    first_o: u32,
}
#import params

@group(0) @binding(0) var<uniform> x_window: array<vec4<f32>, 4096>;
@group(0) @binding(1) var<uniform> w_window: array<vec4<f32>, 4096>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
#code

// A row of the image under a row of the kernel: four pixels as each of the three taps sees them.
struct Row {
    left: vec4<f32>,
    middle: vec4<f32>,
    right: vec4<f32>,
}

fn row(place: u32) -> Row {
    let a = x_window[place];
    let b = x_window[place + 1u];
    return Row(a, vec4(a.yzw, b.x), vec4(a.zw, b.xy));
}

fn three(x: Row, w0: f32, w1: f32, w2: f32, sum: vec4<f32>) -> vec4<f32> {
    return fma(vec4(w2), x.right, fma(vec4(w1), x.middle, fma(vec4(w0), x.left, sum)));
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    var index = group.x * 8u + lane;
    var o = group.y;
    if (MIXED) {
        o = index / p.count;
        index %= p.count;
    }
    if (o * 4u >= p.o_count || index >= p.count) {
        return;
    }
    let quad = index % p.ow4;
    let bands = (p.rows - 2u) / 4u;
    let line = index / p.ow4 % bands * 4u;
    let image = index / p.ow4 / bands;
    if (p.first_row + line >= p.oh) {
        return;
    }
    var place = (image * p.c_each * p.rows + line) * p.columns + quad;
    var w = o;
    var s0a = vec4<f32>();
    var s0b = vec4<f32>();
    var s0c = vec4<f32>();
    var s0d = vec4<f32>();
    var s1a = vec4<f32>();
    var s1b = vec4<f32>();
    var s1c = vec4<f32>();
    var s1d = vec4<f32>();
    var s2a = vec4<f32>();
    var s2b = vec4<f32>();
    var s2c = vec4<f32>();
    var s2d = vec4<f32>();
    var s3a = vec4<f32>();
    var s3b = vec4<f32>();
    var s3c = vec4<f32>();
    var s3d = vec4<f32>();
    for (var c = 0u; c < p.c_each; c++) {
        let x0 = row(place + 0u * p.columns);
        let x1 = row(place + 1u * p.columns);
        let x2 = row(place + 2u * p.columns);
        let x3 = row(place + 3u * p.columns);
        let x4 = row(place + 4u * p.columns);
        let x5 = row(place + 5u * p.columns);
        let w0 = w_window[w + 0u * p.o_words];
        let w1 = w_window[w + 1u * p.o_words];
        let w2 = w_window[w + 2u * p.o_words];
        let w3 = w_window[w + 3u * p.o_words];
        let w4 = w_window[w + 4u * p.o_words];
        let w5 = w_window[w + 5u * p.o_words];
        let w6 = w_window[w + 6u * p.o_words];
        let w7 = w_window[w + 7u * p.o_words];
        let w8 = w_window[w + 8u * p.o_words];
        s0a = three(x0, w0.x, w1.x, w2.x, s0a);
        s0a = three(x1, w3.x, w4.x, w5.x, s0a);
        s0a = three(x2, w6.x, w7.x, w8.x, s0a);
        s1a = three(x1, w0.x, w1.x, w2.x, s1a);
        s1a = three(x2, w3.x, w4.x, w5.x, s1a);
        s1a = three(x3, w6.x, w7.x, w8.x, s1a);
        s2a = three(x2, w0.x, w1.x, w2.x, s2a);
        s2a = three(x3, w3.x, w4.x, w5.x, s2a);
        s2a = three(x4, w6.x, w7.x, w8.x, s2a);
        s3a = three(x3, w0.x, w1.x, w2.x, s3a);
        s3a = three(x4, w3.x, w4.x, w5.x, s3a);
        s3a = three(x5, w6.x, w7.x, w8.x, s3a);
        s0b = three(x0, w0.y, w1.y, w2.y, s0b);
        s0b = three(x1, w3.y, w4.y, w5.y, s0b);
        s0b = three(x2, w6.y, w7.y, w8.y, s0b);
        s1b = three(x1, w0.y, w1.y, w2.y, s1b);
        s1b = three(x2, w3.y, w4.y, w5.y, s1b);
        s1b = three(x3, w6.y, w7.y, w8.y, s1b);
        s2b = three(x2, w0.y, w1.y, w2.y, s2b);
        s2b = three(x3, w3.y, w4.y, w5.y, s2b);
        s2b = three(x4, w6.y, w7.y, w8.y, s2b);
        s3b = three(x3, w0.y, w1.y, w2.y, s3b);
        s3b = three(x4, w3.y, w4.y, w5.y, s3b);
        s3b = three(x5, w6.y, w7.y, w8.y, s3b);
        s0c = three(x0, w0.z, w1.z, w2.z, s0c);
        s0c = three(x1, w3.z, w4.z, w5.z, s0c);
        s0c = three(x2, w6.z, w7.z, w8.z, s0c);
        s1c = three(x1, w0.z, w1.z, w2.z, s1c);
        s1c = three(x2, w3.z, w4.z, w5.z, s1c);
        s1c = three(x3, w6.z, w7.z, w8.z, s1c);
        s2c = three(x2, w0.z, w1.z, w2.z, s2c);
        s2c = three(x3, w3.z, w4.z, w5.z, s2c);
        s2c = three(x4, w6.z, w7.z, w8.z, s2c);
        s3c = three(x3, w0.z, w1.z, w2.z, s3c);
        s3c = three(x4, w3.z, w4.z, w5.z, s3c);
        s3c = three(x5, w6.z, w7.z, w8.z, s3c);
        s0d = three(x0, w0.w, w1.w, w2.w, s0d);
        s0d = three(x1, w3.w, w4.w, w5.w, s0d);
        s0d = three(x2, w6.w, w7.w, w8.w, s0d);
        s1d = three(x1, w0.w, w1.w, w2.w, s1d);
        s1d = three(x2, w3.w, w4.w, w5.w, s1d);
        s1d = three(x3, w6.w, w7.w, w8.w, s1d);
        s2d = three(x2, w0.w, w1.w, w2.w, s2d);
        s2d = three(x3, w3.w, w4.w, w5.w, s2d);
        s2d = three(x4, w6.w, w7.w, w8.w, s2d);
        s3d = three(x3, w0.w, w1.w, w2.w, s3d);
        s3d = three(x4, w3.w, w4.w, w5.w, s3d);
        s3d = three(x5, w6.w, w7.w, w8.w, s3d);
        place += p.rows * p.columns;
        w += 9u * p.o_words;
    }
    let plane = p.oh * p.ow4;
    let first = p.y_first + ((image * p.o + p.first_o + o * 4u) * p.oh + p.first_row + line) * p.ow4 + quad;
    y[first] = epilogue(s0a, first);
    y[first + p.ow4] = epilogue(s1a, first + p.ow4);
    y[first + 2u * p.ow4] = epilogue(s2a, first + 2u * p.ow4);
    y[first + 3u * p.ow4] = epilogue(s3a, first + 3u * p.ow4);
    y[first + plane] = epilogue(s0b, first + plane);
    y[first + plane + p.ow4] = epilogue(s1b, first + plane + p.ow4);
    y[first + plane + 2u * p.ow4] = epilogue(s2b, first + plane + 2u * p.ow4);
    y[first + plane + 3u * p.ow4] = epilogue(s3b, first + plane + 3u * p.ow4);
    y[first + 2u * plane] = epilogue(s0c, first + 2u * plane);
    y[first + 2u * plane + p.ow4] = epilogue(s1c, first + 2u * plane + p.ow4);
    y[first + 2u * plane + 2u * p.ow4] = epilogue(s2c, first + 2u * plane + 2u * p.ow4);
    y[first + 2u * plane + 3u * p.ow4] = epilogue(s3c, first + 2u * plane + 3u * p.ow4);
    y[first + 3u * plane] = epilogue(s0d, first + 3u * plane);
    y[first + 3u * plane + p.ow4] = epilogue(s1d, first + 3u * plane + p.ow4);
    y[first + 3u * plane + 2u * p.ow4] = epilogue(s2d, first + 3u * plane + 2u * p.ow4);
    y[first + 3u * plane + 3u * p.ow4] = epilogue(s3d, first + 3u * plane + 3u * p.ow4);
}
