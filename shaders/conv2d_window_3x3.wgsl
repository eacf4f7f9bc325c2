// y[n, o, i, j] = sum over c, ky, kx of x[n, c, i + ky, j + kx] · weight[o, c, ky, kx] over one window of x and one of the
// weights, then the epilogue. What is not a 3x3 convolution of stride 1 is made one by packing (conv2d_window_pack_x).
// Layout: x_window [images, c_each, rows, columns] in words of four, w_window [octets, c_each, 9, 2] in words of four
// (conv2d_window_pack_weight), with o_stride words from octet to octet; y from word y_first on [images, o, oh, ow4] in words
// of four.
// Work: eight channels of four rows of four pixels an invocation; a workgroup is one subgroup of eight, whose channels are
// the same. Accumulates in f32.
// For software adapters, which gather a vector of eight from a uniform buffer in the time of ten multiply-adds, and where a
// sum kept over a loop's turn costs three: a turn has all nine taps, and the weights, which all lanes share, are loaded
// once by different lanes and broadcast. Bound by the 36 gathers of x and the 12 of weights for 1152 multiply-adds: 23
// GFLOP/s a core on Mesa 22.3 and 26 on Mesa 26, of some 55 that multiplications and additions alone take there.
struct Params {
    o: u32,
    oh: u32,
    ow4: u32,
    c_each: u32,
    o_stride: u32,
    rows: u32,
    columns: u32,
    count: u32,
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

// The weights of one channel.
struct Taps {
    top: vec3<f32>,
    middle: vec3<f32>,
    bottom: vec3<f32>,
}

fn row(place: u32) -> Row {
    let a = x_window[place];
    let b = x_window[place + 1u];
    return Row(a, vec4(a.yzw, b.x), vec4(a.zw, b.xy));
}

fn three(x: Row, w: vec3<f32>, sum: vec4<f32>) -> vec4<f32> {
    return fma(vec4(w.z), x.right, fma(vec4(w.y), x.middle, fma(vec4(w.x), x.left, sum)));
}

fn nine(top: Row, middle: Row, bottom: Row, w: Taps, sum: vec4<f32>) -> vec4<f32> {
    return three(bottom, w.bottom, three(middle, w.middle, three(top, w.top, sum)));
}

fn store(i: u32, value: vec4<f32>, inside: bool) {
    if (inside) {
        y[i] = epilogue(value, i);
    }
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    // Lanes past the end work on the last pixels, because the others need the weights they load.
    let index = min(group.x * 8u + lane, p.count - 1u);
    let quad = index % p.ow4;
    let bands = (p.rows - 2u) / 4u;
    let line = index / p.ow4 % bands * 4u;
    let image = index / p.ow4 / bands;
    var place = (image * p.c_each * p.rows + line) * p.columns + quad;
    var w = group.y * p.o_stride + lane;
    var s0a = vec4<f32>();
    var s0b = vec4<f32>();
    var s0c = vec4<f32>();
    var s0d = vec4<f32>();
    var s0e = vec4<f32>();
    var s0f = vec4<f32>();
    var s0g = vec4<f32>();
    var s0h = vec4<f32>();
    var s1a = vec4<f32>();
    var s1b = vec4<f32>();
    var s1c = vec4<f32>();
    var s1d = vec4<f32>();
    var s1e = vec4<f32>();
    var s1f = vec4<f32>();
    var s1g = vec4<f32>();
    var s1h = vec4<f32>();
    var s2a = vec4<f32>();
    var s2b = vec4<f32>();
    var s2c = vec4<f32>();
    var s2d = vec4<f32>();
    var s2e = vec4<f32>();
    var s2f = vec4<f32>();
    var s2g = vec4<f32>();
    var s2h = vec4<f32>();
    var s3a = vec4<f32>();
    var s3b = vec4<f32>();
    var s3c = vec4<f32>();
    var s3d = vec4<f32>();
    var s3e = vec4<f32>();
    var s3f = vec4<f32>();
    var s3g = vec4<f32>();
    var s3h = vec4<f32>();
    for (var channel = 0u; channel < p.c_each; channel++) {
        let x0 = row(place);
        let x1 = row(place + p.columns);
        let x2 = row(place + 2u * p.columns);
        let x3 = row(place + 3u * p.columns);
        let x4 = row(place + 4u * p.columns);
        let x5 = row(place + 5u * p.columns);
        let w0 = w_window[w];
        let w1 = w_window[w + 8u];
        let w2 = w_window[w + 16u];
        let t0l = subgroupBroadcast(w0, 0u);
        let t0h = subgroupBroadcast(w0, 1u);
        let t1l = subgroupBroadcast(w0, 2u);
        let t1h = subgroupBroadcast(w0, 3u);
        let t2l = subgroupBroadcast(w0, 4u);
        let t2h = subgroupBroadcast(w0, 5u);
        let t3l = subgroupBroadcast(w0, 6u);
        let t3h = subgroupBroadcast(w0, 7u);
        let t4l = subgroupBroadcast(w1, 0u);
        let t4h = subgroupBroadcast(w1, 1u);
        let t5l = subgroupBroadcast(w1, 2u);
        let t5h = subgroupBroadcast(w1, 3u);
        let t6l = subgroupBroadcast(w1, 4u);
        let t6h = subgroupBroadcast(w1, 5u);
        let t7l = subgroupBroadcast(w1, 6u);
        let t7h = subgroupBroadcast(w1, 7u);
        let t8l = subgroupBroadcast(w2, 0u);
        let t8h = subgroupBroadcast(w2, 1u);
        let a = Taps(vec3(t0l.x, t1l.x, t2l.x), vec3(t3l.x, t4l.x, t5l.x), vec3(t6l.x, t7l.x, t8l.x));
        s0a = nine(x0, x1, x2, a, s0a);
        s1a = nine(x1, x2, x3, a, s1a);
        s2a = nine(x2, x3, x4, a, s2a);
        s3a = nine(x3, x4, x5, a, s3a);
        let b = Taps(vec3(t0l.y, t1l.y, t2l.y), vec3(t3l.y, t4l.y, t5l.y), vec3(t6l.y, t7l.y, t8l.y));
        s0b = nine(x0, x1, x2, b, s0b);
        s1b = nine(x1, x2, x3, b, s1b);
        s2b = nine(x2, x3, x4, b, s2b);
        s3b = nine(x3, x4, x5, b, s3b);
        let c = Taps(vec3(t0l.z, t1l.z, t2l.z), vec3(t3l.z, t4l.z, t5l.z), vec3(t6l.z, t7l.z, t8l.z));
        s0c = nine(x0, x1, x2, c, s0c);
        s1c = nine(x1, x2, x3, c, s1c);
        s2c = nine(x2, x3, x4, c, s2c);
        s3c = nine(x3, x4, x5, c, s3c);
        let d = Taps(vec3(t0l.w, t1l.w, t2l.w), vec3(t3l.w, t4l.w, t5l.w), vec3(t6l.w, t7l.w, t8l.w));
        s0d = nine(x0, x1, x2, d, s0d);
        s1d = nine(x1, x2, x3, d, s1d);
        s2d = nine(x2, x3, x4, d, s2d);
        s3d = nine(x3, x4, x5, d, s3d);
        let e = Taps(vec3(t0h.x, t1h.x, t2h.x), vec3(t3h.x, t4h.x, t5h.x), vec3(t6h.x, t7h.x, t8h.x));
        s0e = nine(x0, x1, x2, e, s0e);
        s1e = nine(x1, x2, x3, e, s1e);
        s2e = nine(x2, x3, x4, e, s2e);
        s3e = nine(x3, x4, x5, e, s3e);
        let f = Taps(vec3(t0h.y, t1h.y, t2h.y), vec3(t3h.y, t4h.y, t5h.y), vec3(t6h.y, t7h.y, t8h.y));
        s0f = nine(x0, x1, x2, f, s0f);
        s1f = nine(x1, x2, x3, f, s1f);
        s2f = nine(x2, x3, x4, f, s2f);
        s3f = nine(x3, x4, x5, f, s3f);
        let g = Taps(vec3(t0h.z, t1h.z, t2h.z), vec3(t3h.z, t4h.z, t5h.z), vec3(t6h.z, t7h.z, t8h.z));
        s0g = nine(x0, x1, x2, g, s0g);
        s1g = nine(x1, x2, x3, g, s1g);
        s2g = nine(x2, x3, x4, g, s2g);
        s3g = nine(x3, x4, x5, g, s3g);
        let h = Taps(vec3(t0h.w, t1h.w, t2h.w), vec3(t3h.w, t4h.w, t5h.w), vec3(t6h.w, t7h.w, t8h.w));
        s0h = nine(x0, x1, x2, h, s0h);
        s1h = nine(x1, x2, x3, h, s1h);
        s2h = nine(x2, x3, x4, h, s2h);
        s3h = nine(x3, x4, x5, h, s3h);
        place += p.rows * p.columns;
        w += 18u;
    }
    let row = p.first_row + line;
    let o = p.first_o + group.y * 8u;
    let plane = p.oh * p.ow4;
    let first = p.y_first + ((image * p.o + o) * p.oh + row) * p.ow4 + quad;
    let live = group.x * 8u + lane < p.count;
    let live0 = live && row < p.oh;
    let live1 = live && row + 1u < p.oh;
    let live2 = live && row + 2u < p.oh;
    let live3 = live && row + 3u < p.oh;
    store(first, s0a, live0 && o < p.o);
    store(first + p.ow4, s1a, live1 && o < p.o);
    store(first + 2u * p.ow4, s2a, live2 && o < p.o);
    store(first + 3u * p.ow4, s3a, live3 && o < p.o);
    store(first + plane, s0b, live0 && o + 1u < p.o);
    store(first + plane + p.ow4, s1b, live1 && o + 1u < p.o);
    store(first + plane + 2u * p.ow4, s2b, live2 && o + 1u < p.o);
    store(first + plane + 3u * p.ow4, s3b, live3 && o + 1u < p.o);
    store(first + 2u * plane, s0c, live0 && o + 2u < p.o);
    store(first + 2u * plane + p.ow4, s1c, live1 && o + 2u < p.o);
    store(first + 2u * plane + 2u * p.ow4, s2c, live2 && o + 2u < p.o);
    store(first + 2u * plane + 3u * p.ow4, s3c, live3 && o + 2u < p.o);
    store(first + 3u * plane, s0d, live0 && o + 3u < p.o);
    store(first + 3u * plane + p.ow4, s1d, live1 && o + 3u < p.o);
    store(first + 3u * plane + 2u * p.ow4, s2d, live2 && o + 3u < p.o);
    store(first + 3u * plane + 3u * p.ow4, s3d, live3 && o + 3u < p.o);
    store(first + 4u * plane, s0e, live0 && o + 4u < p.o);
    store(first + 4u * plane + p.ow4, s1e, live1 && o + 4u < p.o);
    store(first + 4u * plane + 2u * p.ow4, s2e, live2 && o + 4u < p.o);
    store(first + 4u * plane + 3u * p.ow4, s3e, live3 && o + 4u < p.o);
    store(first + 5u * plane, s0f, live0 && o + 5u < p.o);
    store(first + 5u * plane + p.ow4, s1f, live1 && o + 5u < p.o);
    store(first + 5u * plane + 2u * p.ow4, s2f, live2 && o + 5u < p.o);
    store(first + 5u * plane + 3u * p.ow4, s3f, live3 && o + 5u < p.o);
    store(first + 6u * plane, s0g, live0 && o + 6u < p.o);
    store(first + 6u * plane + p.ow4, s1g, live1 && o + 6u < p.o);
    store(first + 6u * plane + 2u * p.ow4, s2g, live2 && o + 6u < p.o);
    store(first + 6u * plane + 3u * p.ow4, s3g, live3 && o + 6u < p.o);
    store(first + 7u * plane, s0h, live0 && o + 7u < p.o);
    store(first + 7u * plane + p.ow4, s1h, live1 && o + 7u < p.o);
    store(first + 7u * plane + 2u * p.ow4, s2h, live2 && o + 7u < p.o);
    store(first + 7u * plane + 3u * p.ow4, s3h, live3 && o + 7u < p.o);
}
