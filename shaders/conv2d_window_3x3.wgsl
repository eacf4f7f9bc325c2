// y[n, o, i, j] = sum over c, ky, kx of x[n, c, i + ky - pad, j + kx - pad] · weight[o, c, ky, kx] for one window of x and
// one of the weights, plus what y holds where `first` is not set; then the epilogue.
// Layout: x_window [images, c_each, rows, columns] in words of four (conv2d_window_pack_x), w_window
// [c_each, 9, o_each] (conv2d_window_pack_weight), y [n, o, oh, ow] with ow a multiple of 4.
// Work: 4 channels of 4 rows of four pixels an invocation. Accumulates in f32.
// For software adapters: there a load from a uniform buffer costs a twentieth of one from a storage buffer, and a sum
// kept over a loop's turn costs as much as three multiply-adds, so that a turn has all nine taps.
struct Params {
    n: u32,
    o: u32,
    oh: u32,
    ow4: u32,
    c_each: u32,
    o_words: u32,
    rows: u32,
    columns: u32,
    images: u32,
    first_image: u32,
    first_row: u32,
    first_o: u32,
    first: u32,
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

// What y holds, or zero.
fn held(o: u32, image: u32, line: u32, quad: u32) -> vec4<f32> {
    if (p.first == 0u && o < p.o && line < p.oh) {
        return y[((image * p.o + o) * p.oh + line) * p.ow4 + quad];
    }
    return vec4<f32>();
}

fn store(o: u32, image: u32, line: u32, quad: u32, value: vec4<f32>) {
    if (o < p.o && line < p.oh) {
        let i = ((image * p.o + o) * p.oh + line) * p.ow4 + quad;
        let j = i * 4u;
        y[i] = vec4(epilogue(value.x, j), epilogue(value.y, j + 1u), epilogue(value.z, j + 2u), epilogue(value.w, j + 3u));
    }
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group.x * 8u + lane;
    let quad = index % p.ow4;
    let bands = (p.rows - 2u) / 4u;
    let line = index / p.ow4 % bands * 4u;
    let window_image = index / p.ow4 / bands;
    let image = p.first_image + window_image;
    if (window_image >= p.images || image >= p.n) {
        return;
    }
    var place = (window_image * p.c_each * p.rows + line) * p.columns + quad;
    var w = group.y * 1u;
    let o = p.first_o + group.y * 4u;
    let y_line = p.first_row + line;
    var s0a = held(o + 0u, image, y_line + 0u, quad);
    var s0b = held(o + 1u, image, y_line + 0u, quad);
    var s0c = held(o + 2u, image, y_line + 0u, quad);
    var s0d = held(o + 3u, image, y_line + 0u, quad);
    var s1a = held(o + 0u, image, y_line + 1u, quad);
    var s1b = held(o + 1u, image, y_line + 1u, quad);
    var s1c = held(o + 2u, image, y_line + 1u, quad);
    var s1d = held(o + 3u, image, y_line + 1u, quad);
    var s2a = held(o + 0u, image, y_line + 2u, quad);
    var s2b = held(o + 1u, image, y_line + 2u, quad);
    var s2c = held(o + 2u, image, y_line + 2u, quad);
    var s2d = held(o + 3u, image, y_line + 2u, quad);
    var s3a = held(o + 0u, image, y_line + 3u, quad);
    var s3b = held(o + 1u, image, y_line + 3u, quad);
    var s3c = held(o + 2u, image, y_line + 3u, quad);
    var s3d = held(o + 3u, image, y_line + 3u, quad);
    for (var c = 0u; c < p.c_each; c++) {
        let x0 = row(place + 0u * p.columns);
        let x1 = row(place + 1u * p.columns);
        let x2 = row(place + 2u * p.columns);
        let x3 = row(place + 3u * p.columns);
        let x4 = row(place + 4u * p.columns);
        let x5 = row(place + 5u * p.columns);
        {
            let w0 = w_window[w + 0u * p.o_words + 0u];
            let w1 = w_window[w + 1u * p.o_words + 0u];
            let w2 = w_window[w + 2u * p.o_words + 0u];
            let w3 = w_window[w + 3u * p.o_words + 0u];
            let w4 = w_window[w + 4u * p.o_words + 0u];
            let w5 = w_window[w + 5u * p.o_words + 0u];
            let w6 = w_window[w + 6u * p.o_words + 0u];
            let w7 = w_window[w + 7u * p.o_words + 0u];
            let w8 = w_window[w + 8u * p.o_words + 0u];
            s0a = three(x2, w6.x, w7.x, w8.x, three(x1, w3.x, w4.x, w5.x, three(x0, w0.x, w1.x, w2.x, s0a)));
            s1a = three(x3, w6.x, w7.x, w8.x, three(x2, w3.x, w4.x, w5.x, three(x1, w0.x, w1.x, w2.x, s1a)));
            s2a = three(x4, w6.x, w7.x, w8.x, three(x3, w3.x, w4.x, w5.x, three(x2, w0.x, w1.x, w2.x, s2a)));
            s3a = three(x5, w6.x, w7.x, w8.x, three(x4, w3.x, w4.x, w5.x, three(x3, w0.x, w1.x, w2.x, s3a)));
            s0b = three(x2, w6.y, w7.y, w8.y, three(x1, w3.y, w4.y, w5.y, three(x0, w0.y, w1.y, w2.y, s0b)));
            s1b = three(x3, w6.y, w7.y, w8.y, three(x2, w3.y, w4.y, w5.y, three(x1, w0.y, w1.y, w2.y, s1b)));
            s2b = three(x4, w6.y, w7.y, w8.y, three(x3, w3.y, w4.y, w5.y, three(x2, w0.y, w1.y, w2.y, s2b)));
            s3b = three(x5, w6.y, w7.y, w8.y, three(x4, w3.y, w4.y, w5.y, three(x3, w0.y, w1.y, w2.y, s3b)));
            s0c = three(x2, w6.z, w7.z, w8.z, three(x1, w3.z, w4.z, w5.z, three(x0, w0.z, w1.z, w2.z, s0c)));
            s1c = three(x3, w6.z, w7.z, w8.z, three(x2, w3.z, w4.z, w5.z, three(x1, w0.z, w1.z, w2.z, s1c)));
            s2c = three(x4, w6.z, w7.z, w8.z, three(x3, w3.z, w4.z, w5.z, three(x2, w0.z, w1.z, w2.z, s2c)));
            s3c = three(x5, w6.z, w7.z, w8.z, three(x4, w3.z, w4.z, w5.z, three(x3, w0.z, w1.z, w2.z, s3c)));
            s0d = three(x2, w6.w, w7.w, w8.w, three(x1, w3.w, w4.w, w5.w, three(x0, w0.w, w1.w, w2.w, s0d)));
            s1d = three(x3, w6.w, w7.w, w8.w, three(x2, w3.w, w4.w, w5.w, three(x1, w0.w, w1.w, w2.w, s1d)));
            s2d = three(x4, w6.w, w7.w, w8.w, three(x3, w3.w, w4.w, w5.w, three(x2, w0.w, w1.w, w2.w, s2d)));
            s3d = three(x5, w6.w, w7.w, w8.w, three(x4, w3.w, w4.w, w5.w, three(x3, w0.w, w1.w, w2.w, s3d)));
        }
        place += p.rows * p.columns;
        w += 9u * p.o_words;
    }
    store(o + 0u, image, y_line + 0u, quad, s0a);
    store(o + 1u, image, y_line + 0u, quad, s0b);
    store(o + 2u, image, y_line + 0u, quad, s0c);
    store(o + 3u, image, y_line + 0u, quad, s0d);
    store(o + 0u, image, y_line + 1u, quad, s1a);
    store(o + 1u, image, y_line + 1u, quad, s1b);
    store(o + 2u, image, y_line + 1u, quad, s1c);
    store(o + 3u, image, y_line + 1u, quad, s1d);
    store(o + 0u, image, y_line + 2u, quad, s2a);
    store(o + 1u, image, y_line + 2u, quad, s2b);
    store(o + 2u, image, y_line + 2u, quad, s2c);
    store(o + 3u, image, y_line + 2u, quad, s2d);
    store(o + 0u, image, y_line + 3u, quad, s3a);
    store(o + 1u, image, y_line + 3u, quad, s3b);
    store(o + 2u, image, y_line + 3u, quad, s3c);
    store(o + 3u, image, y_line + 3u, quad, s3d);
}
