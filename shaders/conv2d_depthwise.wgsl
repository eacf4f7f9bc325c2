// out[n, o, i, j] = sum over m, ky, kx of image[n, c, i·STEP_Y + ky·DILATION_Y - pad_y, …] · weight[o, ky, kx], then the
// epilogue, of one input channel an output channel, c = o / MANY. Where BACK, its gradient: out [n, c], image d_y [n, o], and
// the kernel turned by 180 degrees, sum over the MANY channels o = c · MANY + m.
// Layout: image [n, channels, rows, columns] with UP - 1 zeros between its elements and any number around, weight [o, 1, KH,
// KW], out [n, out_channels, out_rows, out_columns].
// Work: four neighbours of a row an invocation; what they read of a row of the image, SPAN elements, is loaded once.
// Accumulates in f32. Bound by loads.
// Reached: 4 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 18 % on Mesa 26 (32x64x32x32 by 64 of
// 3x3, groups 64).
struct Params {
    count: u32,
    channels: u32,
    rows: u32,
    columns: u32,
    out_channels: u32,
    out_rows: u32,
    out_columns: u32,
    blocks: u32,
    pad_y: u32,
    pad_x: u32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read> image: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
#code

// The element at a column of the image with its zeros; before the first, `column` has wrapped.
fn load(line: u32, inside: bool, column: u32) -> f32 {
    let place = column / UP_X;
    let there = inside && place < p.columns && place * UP_X == column;
    return select(0.0, image[select(0u, line + place, there)], there);
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_workgroup(group, groups) * WG + lane;
    if (index >= p.count) {
        return;
    }
    let j = index % p.blocks * 4u;
    let i = index / p.blocks % p.out_rows;
    let plane = index / p.blocks / p.out_rows;
    let channel = plane % p.out_channels;
    let first = plane / p.out_channels * p.channels;
    var sum = vec4<f32>();
    for (var m = 0u; m < select(1u, MANY, BACK); m++) {
        let source = select(channel / MANY, channel * MANY + m, BACK);
        let filter_at = select(channel, source, BACK) * KH * KW;
        for (var ky = 0u; ky < KH; ky++) {
            let row = i * STEP_Y + ky * DILATION_Y - p.pad_y;
            let place = row / UP_Y;
            let inside = place < p.rows && place * UP_Y == row;
            let line = ((first + source) * p.rows + place) * p.columns;
            let left = j * STEP_X - p.pad_x;
            var x: array<f32, SPAN>;
#repeat s SPAN
            x[$s] = load(line, inside, left + $su);
#end
            let w = filter_at + select(ky, KH - 1u - ky, BACK) * KW;
#repeat kx KW
            sum = fma(
                vec4<f32>(weight[w + select($kxu, KW - 1u - $kxu, BACK)]),
                vec4<f32>(
                    x[$kxu * DILATION_X],
                    x[$kxu * DILATION_X + STEP_X],
                    x[$kxu * DILATION_X + 2u * STEP_X],
                    x[$kxu * DILATION_X + 3u * STEP_X],
                ),
                sum,
            );
#end
        }
    }
    let to = (plane * p.out_rows + i) * p.out_columns + j;
#repeat e 4
    if (j + $eu < p.out_columns) {
        out[to + $eu] = epilogue(sum[$e], to + $eu);
    }
#end
}
