// out[row] = scale · fold of the row's elements: a sum, a sum of squares, a maximum or a minimum.
// Layout: x [count, 4 · WORDS] in words of four, out from row first on.
// Work: one row an invocation. Accumulates in f32, in sixteen chains. For rows that are read through uniform windows,
// where it does not matter which lane reads what. Bound by loads: 2.6 GB/s a core on Mesa 22.3.
struct Params {
    first: u32,
    count: u32,
    start: f32,
    scale: f32,
}
#import params
#import grid
#code

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = linear_workgroup(group, groups) * WG + lane;
    if (row >= p.count) {
        return;
    }
    let end = row * WORDS + WORDS;
    var at = row * WORDS;
    var a = Elem(p.start);
    var b = a;
    var c = a;
    var d = a;
    for (var fours = WORDS / 4u; fours > 0u; fours--) {
        a = join(a, take(x[at]));
        b = join(b, take(x[at + 1u]));
        c = join(c, take(x[at + 2u]));
        d = join(d, take(x[at + 3u]));
        at += 4u;
    }
    for (; at < end; at++) {
        a = join(a, take(x[at]));
    }
    out[p.first + row] = fold(join(join(a, b), join(c, d))) * p.scale;
}
