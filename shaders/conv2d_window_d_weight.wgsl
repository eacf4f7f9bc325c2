// terms[part, c, ky, kx, o] = sum over the part's pixels of d_y[n, o, i, j] · x[n, c, i + ky - pad, j + kx - pad], from one
// window of x and one of d_y.
// Layout: x_window [images, c_each, rows + 2, x_columns] and y_window [images, o_each, rows, y_columns] in words of four
// (conv2d_window_pack_x), terms [parts, c_padded, 9, o_words] in words of four; o_each is a multiple of 8, rows of 2.
// Work: all taps of one channel of x with eight of d_y an invocation, over bands_each bands of two rows: the window's
// bands are divided into segments, each a part of its own. Accumulates in f32.
// For software adapters: they load from a uniform buffer many times as fast as from a storage buffer, and a sum kept over
// a loop's turn costs as much as three multiply-adds, so that a turn has eight pixels.
struct Params {
    c_each: u32,
    segments: u32,
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

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group.x * 8u + lane;
    if (index >= p.c_each * p.segments) {
        return;
    }
    let c = index % p.c_each;
    let segment = index / p.c_each;
    let bands = p.rows / 2u;
    let y_plane = p.rows * p.y_columns;
    let end = min((segment + 1u) * p.bands_each, p.images * bands);
    var s0a = 0.0;
    var s0b = 0.0;
    var s0c = 0.0;
    var s0d = 0.0;
    var s0e = 0.0;
    var s0f = 0.0;
    var s0g = 0.0;
    var s0h = 0.0;
    var s1a = 0.0;
    var s1b = 0.0;
    var s1c = 0.0;
    var s1d = 0.0;
    var s1e = 0.0;
    var s1f = 0.0;
    var s1g = 0.0;
    var s1h = 0.0;
    var s2a = 0.0;
    var s2b = 0.0;
    var s2c = 0.0;
    var s2d = 0.0;
    var s2e = 0.0;
    var s2f = 0.0;
    var s2g = 0.0;
    var s2h = 0.0;
    var s3a = 0.0;
    var s3b = 0.0;
    var s3c = 0.0;
    var s3d = 0.0;
    var s3e = 0.0;
    var s3f = 0.0;
    var s3g = 0.0;
    var s3h = 0.0;
    var s4a = 0.0;
    var s4b = 0.0;
    var s4c = 0.0;
    var s4d = 0.0;
    var s4e = 0.0;
    var s4f = 0.0;
    var s4g = 0.0;
    var s4h = 0.0;
    var s5a = 0.0;
    var s5b = 0.0;
    var s5c = 0.0;
    var s5d = 0.0;
    var s5e = 0.0;
    var s5f = 0.0;
    var s5g = 0.0;
    var s5h = 0.0;
    var s6a = 0.0;
    var s6b = 0.0;
    var s6c = 0.0;
    var s6d = 0.0;
    var s6e = 0.0;
    var s6f = 0.0;
    var s6g = 0.0;
    var s6h = 0.0;
    var s7a = 0.0;
    var s7b = 0.0;
    var s7c = 0.0;
    var s7d = 0.0;
    var s7e = 0.0;
    var s7f = 0.0;
    var s7g = 0.0;
    var s7h = 0.0;
    var s8a = 0.0;
    var s8b = 0.0;
    var s8c = 0.0;
    var s8d = 0.0;
    var s8e = 0.0;
    var s8f = 0.0;
    var s8g = 0.0;
    var s8h = 0.0;
    for (var band = segment * p.bands_each; band < end; band++) {
        let image = band / bands;
        let line = band % bands * 2u;
        let x_first = ((image * p.c_each + c) * (p.rows + 2u) + line) * p.x_columns;
        let y_first = (image * p.o_each + group.y * 8u) * y_plane + line * p.y_columns;
        for (var quad = 0u; quad < p.y_columns; quad++) {
            let x0 = row(x_first + quad);
            let x1 = row(x_first + quad + p.x_columns);
            let x2 = row(x_first + quad + 2u * p.x_columns);
            let x3 = row(x_first + quad + 3u * p.x_columns);
            var place = y_first + quad;
            let a0 = y_window[place];
            let a1 = y_window[place + p.y_columns];
            s0a = four(a1, x1.left, four(a0, x0.left, s0a));
            s1a = four(a1, x1.middle, four(a0, x0.middle, s1a));
            s2a = four(a1, x1.right, four(a0, x0.right, s2a));
            s3a = four(a1, x2.left, four(a0, x1.left, s3a));
            s4a = four(a1, x2.middle, four(a0, x1.middle, s4a));
            s5a = four(a1, x2.right, four(a0, x1.right, s5a));
            s6a = four(a1, x3.left, four(a0, x2.left, s6a));
            s7a = four(a1, x3.middle, four(a0, x2.middle, s7a));
            s8a = four(a1, x3.right, four(a0, x2.right, s8a));
            place += y_plane;
            let b0 = y_window[place];
            let b1 = y_window[place + p.y_columns];
            s0b = four(b1, x1.left, four(b0, x0.left, s0b));
            s1b = four(b1, x1.middle, four(b0, x0.middle, s1b));
            s2b = four(b1, x1.right, four(b0, x0.right, s2b));
            s3b = four(b1, x2.left, four(b0, x1.left, s3b));
            s4b = four(b1, x2.middle, four(b0, x1.middle, s4b));
            s5b = four(b1, x2.right, four(b0, x1.right, s5b));
            s6b = four(b1, x3.left, four(b0, x2.left, s6b));
            s7b = four(b1, x3.middle, four(b0, x2.middle, s7b));
            s8b = four(b1, x3.right, four(b0, x2.right, s8b));
            place += y_plane;
            let c0 = y_window[place];
            let c1 = y_window[place + p.y_columns];
            s0c = four(c1, x1.left, four(c0, x0.left, s0c));
            s1c = four(c1, x1.middle, four(c0, x0.middle, s1c));
            s2c = four(c1, x1.right, four(c0, x0.right, s2c));
            s3c = four(c1, x2.left, four(c0, x1.left, s3c));
            s4c = four(c1, x2.middle, four(c0, x1.middle, s4c));
            s5c = four(c1, x2.right, four(c0, x1.right, s5c));
            s6c = four(c1, x3.left, four(c0, x2.left, s6c));
            s7c = four(c1, x3.middle, four(c0, x2.middle, s7c));
            s8c = four(c1, x3.right, four(c0, x2.right, s8c));
            place += y_plane;
            let d0 = y_window[place];
            let d1 = y_window[place + p.y_columns];
            s0d = four(d1, x1.left, four(d0, x0.left, s0d));
            s1d = four(d1, x1.middle, four(d0, x0.middle, s1d));
            s2d = four(d1, x1.right, four(d0, x0.right, s2d));
            s3d = four(d1, x2.left, four(d0, x1.left, s3d));
            s4d = four(d1, x2.middle, four(d0, x1.middle, s4d));
            s5d = four(d1, x2.right, four(d0, x1.right, s5d));
            s6d = four(d1, x3.left, four(d0, x2.left, s6d));
            s7d = four(d1, x3.middle, four(d0, x2.middle, s7d));
            s8d = four(d1, x3.right, four(d0, x2.right, s8d));
            place += y_plane;
            let e0 = y_window[place];
            let e1 = y_window[place + p.y_columns];
            s0e = four(e1, x1.left, four(e0, x0.left, s0e));
            s1e = four(e1, x1.middle, four(e0, x0.middle, s1e));
            s2e = four(e1, x1.right, four(e0, x0.right, s2e));
            s3e = four(e1, x2.left, four(e0, x1.left, s3e));
            s4e = four(e1, x2.middle, four(e0, x1.middle, s4e));
            s5e = four(e1, x2.right, four(e0, x1.right, s5e));
            s6e = four(e1, x3.left, four(e0, x2.left, s6e));
            s7e = four(e1, x3.middle, four(e0, x2.middle, s7e));
            s8e = four(e1, x3.right, four(e0, x2.right, s8e));
            place += y_plane;
            let f0 = y_window[place];
            let f1 = y_window[place + p.y_columns];
            s0f = four(f1, x1.left, four(f0, x0.left, s0f));
            s1f = four(f1, x1.middle, four(f0, x0.middle, s1f));
            s2f = four(f1, x1.right, four(f0, x0.right, s2f));
            s3f = four(f1, x2.left, four(f0, x1.left, s3f));
            s4f = four(f1, x2.middle, four(f0, x1.middle, s4f));
            s5f = four(f1, x2.right, four(f0, x1.right, s5f));
            s6f = four(f1, x3.left, four(f0, x2.left, s6f));
            s7f = four(f1, x3.middle, four(f0, x2.middle, s7f));
            s8f = four(f1, x3.right, four(f0, x2.right, s8f));
            place += y_plane;
            let g0 = y_window[place];
            let g1 = y_window[place + p.y_columns];
            s0g = four(g1, x1.left, four(g0, x0.left, s0g));
            s1g = four(g1, x1.middle, four(g0, x0.middle, s1g));
            s2g = four(g1, x1.right, four(g0, x0.right, s2g));
            s3g = four(g1, x2.left, four(g0, x1.left, s3g));
            s4g = four(g1, x2.middle, four(g0, x1.middle, s4g));
            s5g = four(g1, x2.right, four(g0, x1.right, s5g));
            s6g = four(g1, x3.left, four(g0, x2.left, s6g));
            s7g = four(g1, x3.middle, four(g0, x2.middle, s7g));
            s8g = four(g1, x3.right, four(g0, x2.right, s8g));
            place += y_plane;
            let h0 = y_window[place];
            let h1 = y_window[place + p.y_columns];
            s0h = four(h1, x1.left, four(h0, x0.left, s0h));
            s1h = four(h1, x1.middle, four(h0, x0.middle, s1h));
            s2h = four(h1, x1.right, four(h0, x0.right, s2h));
            s3h = four(h1, x2.left, four(h0, x1.left, s3h));
            s4h = four(h1, x2.middle, four(h0, x1.middle, s4h));
            s5h = four(h1, x2.right, four(h0, x1.right, s5h));
            s6h = four(h1, x3.left, four(h0, x2.left, s6h));
            s7h = four(h1, x3.middle, four(h0, x2.middle, s7h));
            s8h = four(h1, x3.right, four(h0, x2.right, s8h));
        }
    }
    let part = p.part + segment;
    var place = (part * p.c_padded + p.c_first + c) * 9u * p.o_words + p.o_first + group.y * 2u;
    terms[place] = vec4(s0a, s0b, s0c, s0d);
    terms[place + 1u] = vec4(s0e, s0f, s0g, s0h);
    place += p.o_words;
    terms[place] = vec4(s1a, s1b, s1c, s1d);
    terms[place + 1u] = vec4(s1e, s1f, s1g, s1h);
    place += p.o_words;
    terms[place] = vec4(s2a, s2b, s2c, s2d);
    terms[place + 1u] = vec4(s2e, s2f, s2g, s2h);
    place += p.o_words;
    terms[place] = vec4(s3a, s3b, s3c, s3d);
    terms[place + 1u] = vec4(s3e, s3f, s3g, s3h);
    place += p.o_words;
    terms[place] = vec4(s4a, s4b, s4c, s4d);
    terms[place + 1u] = vec4(s4e, s4f, s4g, s4h);
    place += p.o_words;
    terms[place] = vec4(s5a, s5b, s5c, s5d);
    terms[place + 1u] = vec4(s5e, s5f, s5g, s5h);
    place += p.o_words;
    terms[place] = vec4(s6a, s6b, s6c, s6d);
    terms[place + 1u] = vec4(s6e, s6f, s6g, s6h);
    place += p.o_words;
    terms[place] = vec4(s7a, s7b, s7c, s7d);
    terms[place + 1u] = vec4(s7e, s7f, s7g, s7h);
    place += p.o_words;
    terms[place] = vec4(s8a, s8b, s8c, s8d);
    terms[place + 1u] = vec4(s8e, s8f, s8g, s8h);
}
