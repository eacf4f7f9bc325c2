// out[part, o, ky, kx] = sum over the part's rows (n, i) and all j of d_y[n, o, i, j] · x[n, c, i·STEP_Y + ky·DILATION_Y -
// pad_y, …], of one input channel an output channel, c = o / MANY.
// Layout: x [n, c, h, w], d_y [n, o, oh, ow], out [parts, o, KH, KW]; a part is rows_each of the n·oh rows; zeros around x.
// Work: all of a channel's KH × KW results an invocation, from four neighbours of a row at a time; what they read of a row of
// x, SPAN elements, is loaded once. Accumulates in f32, row by row. Bound by loads.
// Reached: 6 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 31 % on Mesa 26 (32x64x32x32 by 64 of
// 3x3, groups 64).
struct Params {
    n: u32,
    c: u32,
    h: u32,
    w: u32,
    o: u32,
    oh: u32,
    ow: u32,
    pad_y: u32,
    pad_x: u32,
    rows_each: u32,
    parts: u32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> d_y: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

fn d_y_at(line: u32, column: u32) -> f32 {
    let there = column < p.ow;
    return select(0.0, d_y[select(0u, line + column, there)], there);
}

// Before the first column, `column` has wrapped.
fn x_at(line: u32, inside: bool, column: u32) -> f32 {
    let there = inside && column < p.w;
    return select(0.0, x[select(0u, line + column, there)], there);
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_workgroup(group, groups) * WG + lane;
    let o = index % p.o;
    let part = index / p.o;
    if (part >= p.parts) {
        return;
    }
    var sums: array<f32, KH * KW>;
    let end = min((part + 1u) * p.rows_each, p.n * p.oh);
    for (var line = part * p.rows_each; line < end; line++) {
        let image = line / p.oh;
        let i = line % p.oh;
        let y_line = ((image * p.o + o) * p.oh + i) * p.ow;
        let plane = (image * p.c + o / MANY) * p.h;
#repeat ky KH
        let row$ky = i * STEP_Y + $kyu * DILATION_Y - p.pad_y;
        let inside$ky = row$ky < p.h;
        let line$ky = (plane + row$ky) * p.w;
#end
        var in_row: array<f32, KH * KW>;
        for (var j = 0u; j < p.ow; j += 4u) {
            let d = vec4<f32>(d_y_at(y_line, j), d_y_at(y_line, j + 1u), d_y_at(y_line, j + 2u), d_y_at(y_line, j + 3u));
            let left = j * STEP_X - p.pad_x;
#repeat ky KH
            var x$ky: array<f32, SPAN>;
#repeat s SPAN
            x$ky[$s] = x_at(line$ky, inside$ky, left + $su);
#end
#repeat kx KW
            in_row[$kyu * KW + $kxu] += dot(d, vec4<f32>(
                x$ky[$kxu * DILATION_X],
                x$ky[$kxu * DILATION_X + STEP_X],
                x$ky[$kxu * DILATION_X + 2u * STEP_X],
                x$ky[$kxu * DILATION_X + 3u * STEP_X],
            ));
#end
#end
        }
#repeat ky KH
#repeat kx KW
        sums[$kyu * KW + $kxu] += in_row[$kyu * KW + $kxu];
#end
#end
    }
#repeat ky KH
#repeat kx KW
    out[index * KH * KW + $kyu * KW + $kxu] = sums[$kyu * KW + $kxu];
#end
#end
}
