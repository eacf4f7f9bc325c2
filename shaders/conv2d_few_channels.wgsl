// y[n, o, i, j] = epilogue(sum over c, ky, kx of image[n, c, i + ky - pad_y, j + kx - PAD_X] · weight[o, c, ky, kx]), of
// stride and dilation 1, for few CHANNELS, whose taps reach no further than a neighbour to either side. Where FLIP, the
// gradient of that with respect to its image: weight [c, o, KH, KW], its taps running backwards.
// Layout: image [n, CHANNELS, rows, 4 · words] and y [n, results, out_rows, 4 · words] in words of four.
// Work: an invocation has a word of ROWS rows. It reads all that surrounds it once, into registers, and goes through the
// 4 GROUPS results of its workgroup with that, four by four, whose weights lie in workgroup memory. WHOLE: results are whole
// workgroups', rows whole invocations', and of those read the ROWS from PAD_Y on lie in the image. Accumulates f32 in order of
// the channels.
// Bound by arithmetic and by writing, which are about as much work.
// Reached: 73 % of the roofline measured on an H200 (512x3x32x32 by 64 of 3x3), 67 % (by 32).
struct Params {
    n: u32,
    rows: u32,
    words: u32,
    results: u32,
    out_rows: u32,
    pad_y: u32,
    result_tiles: u32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read> image: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
#code
#import conv_strip

const TAPS: u32 = KH * KW;
const LINES: u32 = CHANNELS * TAPS;

// [result / 4, channel, tap]
var<workgroup> weights: array<vec4<f32>, GROUPS * LINES>;

fn weight_of(o: u32, line: u32) -> f32 {
    let c = line / TAPS;
    let tap = line % TAPS;
    let at = select(o * LINES + line, (c * p.results + o) * TAPS + TAPS - 1u - tap, FLIP);
    let there = WHOLE || o < p.results;
    return select(0.0, weight[select(0u, at, there)], there);
}

fn put(o: u32, n: u32, i: u32, word: u32, value: vec4<f32>) {
    if (WHOLE || (o < p.results && i < p.out_rows)) {
        let to = ((n * p.results + o) * p.out_rows + i) * p.words + word;
        y[to] = epilogue(value, to);
    }
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let number = linear_workgroup(group, groups);
    let result = number % p.result_tiles * (4u * GROUPS);
    for (var e = lane; e < GROUPS * LINES; e += WG) {
        let o = result + e / LINES * 4u;
        let line = e % LINES;
        weights[e] = vec4<f32>(
            weight_of(o, line),
            weight_of(o + 1u, line),
            weight_of(o + 2u, line),
            weight_of(o + 3u, line),
        );
    }
    workgroupBarrier();
    let strip = number / p.result_tiles * WG + lane;
    let word = strip % p.words;
    let down = (p.out_rows + ROWS - 1u) / ROWS;
    let i = strip / p.words % down * ROWS;
    let n = strip / p.words / down;
    if (n >= p.n) {
        return;
    }
#repeat r READ_ROWS
    // Above the image this wraps to a number past its end.
    let row$r = i + $ru - p.pad_y;
    let there$r = (WHOLE && $ru >= PAD_Y && $ru < PAD_Y + ROWS) || row$r < p.rows;
#repeat c CHANNELS
    let line$c_$r = ((n * CHANNELS + $cu) * p.rows + row$r) * p.words;
    let word$c_$r = word_at(line$c_$r + word, there$r);
    let left$c_$r = image_word(line$c_$r, word - 1u, there$r).w;
    let right$c_$r = image_word(line$c_$r, word + 1u, there$r).x;
#end
#end
    for (var four = 0u; four < GROUPS; four++) {
#repeat e 4
#repeat v ROWS
        var sum$e_$v = vec4<f32>();
#end
#end
#repeat c CHANNELS
#repeat ky KH
#repeat kx KW
        {
            let w = weights[four * LINES + $cu * TAPS + $kyu * KW + $kxu];
#repeat v ROWS
            let x$v = tapped(left$c_$($v+$ky), word$c_$($v+$ky), right$c_$($v+$ky), $kxu);
#end
#repeat e 4
#repeat v ROWS
            sum$e_$v = fma(vec4<f32>(w[$e]), x$v, sum$e_$v);
#end
#end
        }
#end
#end
#end
#repeat e 4
#repeat v ROWS
        put(result + 4u * four + $eu, n, i + $vu, word, sum$e_$v);
#end
#end
    }
}
