// terms[part, c, ky, kx, o] = sum over the part's pixels of d_y[n, o, i, j] · x[n, c, i + ky, j + kx], from one window of x
// and one of d_y. What is not a 3x3 convolution of stride 1 is made one by packing (conv2d_window_pack_x).
// Layout: x_window [images, c_each, rows + 2, x_columns] and y_window [images, o_each, rows, y_columns] in words of four
// (conv2d_window_pack_x), terms [parts, c_padded, 9, o_words] in words of four; o_each is a multiple of 8, rows of 2.
// Work: all taps of one channel of x with eight of d_y an invocation, over bands_each bands of two rows: the window's
// bands are divided into segments, each a part of its own. A workgroup is one subgroup of eight, whose channels of d_y and
// segment are the same. Accumulates in f32.
// For software adapters, which gather a vector of eight from a uniform buffer in the time of ten multiply-adds, and where a
// sum kept over a loop's turn costs three: a turn has eight pixels, and the words of d_y, which all lanes share, are loaded
// once by different lanes and broadcast. Bound by
// the 24 gathers of x and 8 of d_y, and the 72 sums carried, for 576 multiply-adds: 15 GFLOP/s a core on Mesa 22.3 and 16 on
// Mesa 26, of some 55 that multiplications and additions alone take there.
struct Params {
    c_each: u32,
    bands_each: u32,
    images: u32,
    rows: u32,
    x_columns: u32,
    o_each: u32,
    y_columns: u32,
    part: u32,
    c_padded: u32,
    c_first: u32,
    o_words: u32,
    o_first: u32,
}
#import params

@group(0) @binding(0) var<uniform> x_window: array<vec4<f32>, 4096>;
@group(0) @binding(1) var<uniform> y_window: array<vec4<f32>, 4096>;
@group(0) @binding(2) var<storage, read_write> terms: array<vec4<f32>>;

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

fn four(a: vec4<f32>, b: vec4<f32>, sum: f32) -> f32 {
    return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
}

// The sums of three taps of a row, of which `upper` and `lower` are four pixels under two rows of d_y.
fn three(y0: vec4<f32>, y1: vec4<f32>, upper: Row, lower: Row, sum: vec3<f32>) -> vec3<f32> {
    return vec3(
        four(y1, lower.left, four(y0, upper.left, sum.x)),
        four(y1, lower.middle, four(y0, upper.middle, sum.y)),
        four(y1, lower.right, four(y0, upper.right, sum.z)),
    );
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    // Lanes past the end work on the last channel, because the others need the words they load.
    let c = min(group.x * 8u + lane, p.c_each - 1u);
    let bands = p.rows / 2u;
    let y_plane = p.rows * p.y_columns;
    // Lane l loads d_y of channel l: eight channels of one word of a row.
    let first = (group.y * 8u + lane) * y_plane;
    let end = min((group.z + 1u) * p.bands_each, p.images * bands);
    var s0a = vec3<f32>();
    var s1a = vec3<f32>();
    var s2a = vec3<f32>();
    var s0b = vec3<f32>();
    var s1b = vec3<f32>();
    var s2b = vec3<f32>();
    var s0c = vec3<f32>();
    var s1c = vec3<f32>();
    var s2c = vec3<f32>();
    var s0d = vec3<f32>();
    var s1d = vec3<f32>();
    var s2d = vec3<f32>();
    var s0e = vec3<f32>();
    var s1e = vec3<f32>();
    var s2e = vec3<f32>();
    var s0f = vec3<f32>();
    var s1f = vec3<f32>();
    var s2f = vec3<f32>();
    var s0g = vec3<f32>();
    var s1g = vec3<f32>();
    var s2g = vec3<f32>();
    var s0h = vec3<f32>();
    var s1h = vec3<f32>();
    var s2h = vec3<f32>();
    for (var band = group.z * p.bands_each; band < end; band++) {
        let image = band / bands;
        let line = band % bands * 2u;
        var x_place = ((image * p.c_each + c) * (p.rows + 2u) + line) * p.x_columns;
        var y_place = image * p.o_each * y_plane + line * p.y_columns + first;
        for (var quad = 0u; quad < p.y_columns; quad++) {
            let x0 = row(x_place);
            let x1 = row(x_place + p.x_columns);
            let x2 = row(x_place + 2u * p.x_columns);
            let x3 = row(x_place + 3u * p.x_columns);
            let y0 = y_window[y_place];
            let y1 = y_window[y_place + p.y_columns];
            let a0 = subgroupBroadcast(y0, 0u);
            let a1 = subgroupBroadcast(y1, 0u);
            s0a = three(a0, a1, x0, x1, s0a);
            s1a = three(a0, a1, x1, x2, s1a);
            s2a = three(a0, a1, x2, x3, s2a);
            let b0 = subgroupBroadcast(y0, 1u);
            let b1 = subgroupBroadcast(y1, 1u);
            s0b = three(b0, b1, x0, x1, s0b);
            s1b = three(b0, b1, x1, x2, s1b);
            s2b = three(b0, b1, x2, x3, s2b);
            let c0 = subgroupBroadcast(y0, 2u);
            let c1 = subgroupBroadcast(y1, 2u);
            s0c = three(c0, c1, x0, x1, s0c);
            s1c = three(c0, c1, x1, x2, s1c);
            s2c = three(c0, c1, x2, x3, s2c);
            let d0 = subgroupBroadcast(y0, 3u);
            let d1 = subgroupBroadcast(y1, 3u);
            s0d = three(d0, d1, x0, x1, s0d);
            s1d = three(d0, d1, x1, x2, s1d);
            s2d = three(d0, d1, x2, x3, s2d);
            let e0 = subgroupBroadcast(y0, 4u);
            let e1 = subgroupBroadcast(y1, 4u);
            s0e = three(e0, e1, x0, x1, s0e);
            s1e = three(e0, e1, x1, x2, s1e);
            s2e = three(e0, e1, x2, x3, s2e);
            let f0 = subgroupBroadcast(y0, 5u);
            let f1 = subgroupBroadcast(y1, 5u);
            s0f = three(f0, f1, x0, x1, s0f);
            s1f = three(f0, f1, x1, x2, s1f);
            s2f = three(f0, f1, x2, x3, s2f);
            let g0 = subgroupBroadcast(y0, 6u);
            let g1 = subgroupBroadcast(y1, 6u);
            s0g = three(g0, g1, x0, x1, s0g);
            s1g = three(g0, g1, x1, x2, s1g);
            s2g = three(g0, g1, x2, x3, s2g);
            let h0 = subgroupBroadcast(y0, 7u);
            let h1 = subgroupBroadcast(y1, 7u);
            s0h = three(h0, h1, x0, x1, s0h);
            s1h = three(h0, h1, x1, x2, s1h);
            s2h = three(h0, h1, x2, x3, s2h);
            x_place++;
            y_place++;
        }
    }
    if (group.x * 8u + lane >= p.c_each) {
        return;
    }
    var place = ((p.part + group.z) * p.c_padded + p.c_first + c) * 9u * p.o_words + p.o_first + group.y * 2u;
    terms[place] = vec4(s0a.x, s0b.x, s0c.x, s0d.x);
    terms[place + 1u] = vec4(s0e.x, s0f.x, s0g.x, s0h.x);
    place += p.o_words;
    terms[place] = vec4(s0a.y, s0b.y, s0c.y, s0d.y);
    terms[place + 1u] = vec4(s0e.y, s0f.y, s0g.y, s0h.y);
    place += p.o_words;
    terms[place] = vec4(s0a.z, s0b.z, s0c.z, s0d.z);
    terms[place + 1u] = vec4(s0e.z, s0f.z, s0g.z, s0h.z);
    place += p.o_words;
    terms[place] = vec4(s1a.x, s1b.x, s1c.x, s1d.x);
    terms[place + 1u] = vec4(s1e.x, s1f.x, s1g.x, s1h.x);
    place += p.o_words;
    terms[place] = vec4(s1a.y, s1b.y, s1c.y, s1d.y);
    terms[place + 1u] = vec4(s1e.y, s1f.y, s1g.y, s1h.y);
    place += p.o_words;
    terms[place] = vec4(s1a.z, s1b.z, s1c.z, s1d.z);
    terms[place + 1u] = vec4(s1e.z, s1f.z, s1g.z, s1h.z);
    place += p.o_words;
    terms[place] = vec4(s2a.x, s2b.x, s2c.x, s2d.x);
    terms[place + 1u] = vec4(s2e.x, s2f.x, s2g.x, s2h.x);
    place += p.o_words;
    terms[place] = vec4(s2a.y, s2b.y, s2c.y, s2d.y);
    terms[place + 1u] = vec4(s2e.y, s2f.y, s2g.y, s2h.y);
    place += p.o_words;
    terms[place] = vec4(s2a.z, s2b.z, s2c.z, s2d.z);
    terms[place + 1u] = vec4(s2e.z, s2f.z, s2g.z, s2h.z);
}
