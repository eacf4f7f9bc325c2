// The operands and results of conv2d_tile_d_weight and conv2d_coop_d_weight, in Scalar (f32 or f16).
// enter(g): all of it is of group g from now on; prepare(q): remembers where the four columns of b from q on lie;
// b_words(q, k): those columns at k, prepared before; a_words(m, k): a at m to m + 3 and k; both 0 past the end, k never past
// p.k; put(m, q, part, value): stores the four columns of row m that were prepared last.
@group(0) @binding(0) var<storage, read> x: array<Scalar>;
@group(0) @binding(1) var<storage, read> d_y: array<Scalar>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

// Of this invocation's four columns: the place of x[0, c, 0, 0], the rows and the columns from a
// window's corner.
var<private> x_first: vec4<u32>;
var<private> down: vec4<u32>;
var<private> right: vec4<u32>;
// The first of the group's channels of x and of d_y.
var<private> first_c: u32;
var<private> first_o: u32;

fn enter(g: u32) {
    first_c = g * (p.c / p.groups);
    first_o = g * p.m;
}

fn prepare(q: u32) {
    for (var e = 0u; e < 4u; e++) {
        x_first[e] = (first_c + (q + e) / (p.kh * p.kw)) * p.h * p.w;
        down[e] = (q + e) / p.kw % p.kh * p.dilation_y - p.pad_y;
        right[e] = (q + e) % p.kw * p.dilation_x - p.pad_x;
    }
}

fn b_words(q: u32, k: u32) -> vec4<Scalar> {
    let plane = p.oh * p.ow;
    let base = k / plane * p.c * p.h * p.w;
    let top = k % plane / p.ow * p.stride_y;
    let left = k % p.ow * p.stride_x;
    var words = vec4<Scalar>();
    for (var e = 0u; e < 4u; e++) {
        let row = top + down[e];
        let column = left + right[e];
        if (q + e < p.q && row < p.h && column < p.w) {
            words[e] = x[base + x_first[e] + row * p.w + column];
        }
    }
    return words;
}

fn a_words(m: u32, k: u32) -> vec4<Scalar> {
    let plane = p.oh * p.ow;
    let place = (k / plane * p.o + first_o) * plane + k % plane;
    var words = vec4<Scalar>();
    for (var e = 0u; e < 4u; e++) {
        if (m + e < p.m) {
            words[e] = d_y[place + (m + e) * plane];
        }
    }
    return words;
}

fn put(m: u32, q: u32, part: u32, value: vec4<f32>) {
    for (var e = 0u; e < 4u; e++) {
        if (m < p.m && q + e < p.q) {
            out[(part * p.o + first_o + m) * p.q + q + e] = value[e];
        }
    }
}
