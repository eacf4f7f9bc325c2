// The operands and results of conv2d_tile_forward and conv2d_coop_forward, in Scalar (f32 or f16).
// enter(g): all of it is of group g from now on; prepare(q): remembers where the four columns of b from q on lie;
// b_words(q, k): those columns at k, prepared before; a_words(m, k): a at m to m + 3 and k; both 0 past the end, k never past
// p.k; put(m, q, part, value): stores the four columns of row m that were prepared last.
@group(0) @binding(0) var<storage, read> x: array<Scalar>;
@group(0) @binding(1) var<storage, read> weight: array<Scalar>;
@group(0) @binding(2) var<storage, read_write> y: array<Out>;

// Of this invocation's four pixels: the place of x[n, c, 0, 0] and of y[n, o, i, j], the group's first channels, and the window's corner, which above
// and to the left of the image wraps to a number past its end. Past the last pixel, row is past the end.
var<private> x_first: vec4<u32>;
var<private> y_first: vec4<u32>;
var<private> top: vec4<u32>;
var<private> left: vec4<u32>;
var<private> inside: vec4<bool>;
// The first of the group's channels of x and of y.
var<private> first_c: u32;
var<private> first_o: u32;

fn enter(g: u32) {
    first_c = g * (p.c / p.groups);
    first_o = g * p.m;
}

fn prepare(q: u32) {
    let plane = p.oh * p.ow;
    for (var e = 0u; e < 4u; e++) {
        let image = (q + e) / plane;
        let pixel = (q + e) % plane;
        inside[e] = image < p.n;
        x_first[e] = (image * p.c + first_c) * p.h * p.w;
        y_first[e] = (image * p.o + first_o) * plane + pixel;
        top[e] = pixel / p.ow * p.stride_y - p.pad_y;
        left[e] = pixel % p.ow * p.stride_x - p.pad_x;
    }
}

fn b_words(q: u32, k: u32) -> vec4<Scalar> {
    let c = k / (p.kh * p.kw);
    let down = k / p.kw % p.kh * p.dilation_y;
    let right = k % p.kw * p.dilation_x;
    var words = vec4<Scalar>();
    for (var e = 0u; e < 4u; e++) {
        let row = top[e] + down;
        let column = left[e] + right;
        if (inside[e] && row < p.h && column < p.w) {
            words[e] = x[x_first[e] + (c * p.h + row) * p.w + column];
        }
    }
    return words;
}

fn a_words(m: u32, k: u32) -> vec4<Scalar> {
    var words = vec4<Scalar>();
    for (var e = 0u; e < 4u; e++) {
        if (m + e < p.m) {
            words[e] = weight[(first_o + m + e) * p.k + k];
        }
    }
    return words;
}

fn put(m: u32, q: u32, part: u32, value: vec4<f32>) {
    for (var e = 0u; e < 4u; e++) {
        if (m < p.m && inside[e]) {
            let i = y_first[e] + m * p.oh * p.ow;
            y[i] = Out(epilogue(value[e], i));
        }
    }
}
