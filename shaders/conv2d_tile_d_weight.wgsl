// out[part, o, c, ky, kx] = sum over the part's (n, i, j) of d_y[n, o, i, j] · x[n, c, i·stride + ky·dilation - pad, …]: as a
// matrix product with rows o, columns (c, ky, kx), and terms (n, i, j).
// Layout: x [n, c, h, w], d_y [n, o, oh, ow], out [parts, o, c, kh, kw]; one group.
// Work and accumulation: lib/conv_tile.
#import params
#import grid
#import conv_tile

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> d_y: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

// Of this invocation's four columns: the number of the first, and the place of x[0, c, 0, 0], the rows and the columns
// from a window's corner.
var<private> first_column: u32;
var<private> x_first: vec4<u32>;
var<private> down: vec4<u32>;
var<private> right: vec4<u32>;

fn prepare(q: u32) {
    first_column = q;
    for (var e = 0u; e < 4u; e++) {
        x_first[e] = (q + e) / (p.kh * p.kw) * p.h * p.w;
        down[e] = (q + e) / p.kw % p.kh * p.dilation_y - p.pad_y;
        right[e] = (q + e) % p.kw * p.dilation_x - p.pad_x;
    }
}

fn b_words(k: u32) -> vec4<f32> {
    let plane = p.oh * p.ow;
    let base = k / plane * p.c * p.h * p.w;
    let top = k % plane / p.ow * p.stride_y;
    let left = k % p.ow * p.stride_x;
    var words = vec4<f32>();
    for (var e = 0u; e < 4u; e++) {
        let row = top + down[e];
        let column = left + right[e];
        if (first_column + e < p.c * (p.kh * p.kw) && row < p.h && column < p.w) {
            words[e] = x[base + x_first[e] + row * p.w + column];
        }
    }
    return words;
}

fn a_words(m: u32, k: u32) -> vec4<f32> {
    let plane = p.oh * p.ow;
    let place = k / plane * p.o * plane + k % plane;
    var words = vec4<f32>();
    for (var e = 0u; e < 4u; e++) {
        if (m + e < p.o) {
            words[e] = d_y[place + (m + e) * plane];
        }
    }
    return words;
}

fn put(m: u32, part: u32, value: vec4<f32>) {
    let columns = p.c * (p.kh * p.kw);
    for (var e = 0u; e < 4u; e++) {
        if (m < p.o && first_column + e < columns) {
            out[(part * p.o + m) * columns + first_column + e] = value[e];
        }
    }
}
