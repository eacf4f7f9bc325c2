// The operands and results of conv2d_tile_d_input and conv2d_coop_d_input, in Scalar (f32 or f16).
// enter(g): all of it is of group g from now on; prepare(q): remembers where the four columns of b from q on lie;
// b_words(q, k): those columns at k, prepared before; a_words(m, k): a at m to m + 3 and k; both 0 past the end, k never past
// p.k; put(m, q, part, value): stores the four columns of row m that were prepared last.
@group(0) @binding(0) var<storage, read> d_y: array<Scalar>;
@group(0) @binding(1) var<storage, read> weight: array<Scalar>;
@group(0) @binding(2) var<storage, read_write> d_x: array<Out>;

// Of this invocation's four pixels: the place of d_y[n, o, 0, 0] and of d_x[n, c, i, j], the group's first channels, and the padded row and column.
var<private> y_first: vec4<u32>;
var<private> x_first: vec4<u32>;
var<private> bottom: vec4<u32>;
var<private> right: vec4<u32>;
var<private> inside: vec4<bool>;
// The first of the group's channels of d_y and of d_x.
var<private> first_o: u32;
var<private> first_c: u32;

fn enter(g: u32) {
    first_o = g * (p.o / p.groups);
    first_c = g * p.m;
}

fn prepare(q: u32) {
    let plane = p.h * p.w;
    for (var e = 0u; e < 4u; e++) {
        let image = (q + e) / plane;
        let pixel = (q + e) % plane;
        inside[e] = image < p.n;
        y_first[e] = (image * p.o + first_o) * p.oh * p.ow;
        x_first[e] = (image * p.c + first_c) * plane + pixel;
        bottom[e] = pixel / p.w + p.pad_y;
        right[e] = pixel % p.w + p.pad_x;
    }
}

fn b_words(q: u32, k: u32) -> vec4<Scalar> {
    let o = k / (p.kh * p.kw);
    let up = k / p.kw % p.kh * p.dilation_y;
    let left = k % p.kw * p.dilation_x;
    var words = vec4<Scalar>();
    for (var e = 0u; e < 4u; e++) {
        // Where the window would begin outside, these wrap to numbers past the end.
        let row = (bottom[e] - up) / p.stride_y;
        let column = (right[e] - left) / p.stride_x;
        let whole = row * p.stride_y == bottom[e] - up && column * p.stride_x == right[e] - left;
        if (inside[e] && whole && row < p.oh && column < p.ow) {
            words[e] = d_y[y_first[e] + (o * p.oh + row) * p.ow + column];
        }
    }
    return words;
}

fn a_words(m: u32, k: u32) -> vec4<Scalar> {
    let o = first_o + k / (p.kh * p.kw);
    let tap = k % (p.kh * p.kw);
    var words = vec4<Scalar>();
    for (var e = 0u; e < 4u; e++) {
        if (m + e < p.m) {
            words[e] = weight[(o * p.m + m + e) * (p.kh * p.kw) + tap];
        }
    }
    return words;
}

fn put(m: u32, q: u32, part: u32, value: vec4<f32>) {
    for (var e = 0u; e < 4u; e++) {
        if (m < p.m && inside[e]) {
            let i = x_first[e] + m * p.h * p.w;
            d_x[i] = Out(epilogue(value[e], i));
        }
    }
}
