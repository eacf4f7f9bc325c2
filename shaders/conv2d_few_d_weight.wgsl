// sums[part, o, c, ky, kx] = sum over the images of a part, i and j of d_y[n, o, i, j] · image[n, c, i + ky - pad_y, j + kx -
// PAD_X], of stride and dilation 1, for few CHANNELS, whose taps reach no further than a neighbour to either side. matmul_sum
// adds the parts up.
// Layout: image [n, CHANNELS, rows, 4 · words] and d_y [n, results, out_rows, 4 · words] in words of four; columns of words are
// counted through all images.
// Work: ACROSS invocations share RESULTS results of all channels and taps, WG / ACROSS times RESULTS a workgroup, whole ones.
// Each goes down a column of words, every ACROSS-th of its part, a row of the image a turn, and with it the KH rows of d_y that
// the taps pair it with. Accumulates f32 row after row, column after column, then the ACROSS in their order.
// Bound by arithmetic and by reading, which are about as much work.
// Reached, with the sum: 45 % of the roofline measured on an H200 (512x3x32x32 by 64 of 3x3), 43 % (by 32).
struct Params {
    n: u32,
    rows: u32,
    words: u32,
    results: u32,
    out_rows: u32,
    pad_y: u32,
    result_tiles: u32,
    columns_each: u32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read> image: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> d_y: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;
#import conv_strip

const SUMS: u32 = CHANNELS * KH * KW;
const PITCH: u32 = WG + WG / ACROSS;

// [channel and tap, invocation], with one between each ACROSS, so that neighbours lie in other banks.
var<workgroup> joined: array<f32, SUMS * PITCH>;

// A word of d_y; zero where there is none.
fn gradient(at: u32, there: bool) -> vec4<f32> {
    return select(vec4<f32>(), d_y[select(0u, at, there)], there);
}

fn along(a: vec4<f32>, b: vec4<f32>, sum: f32) -> f32 {
    return fma(a.x, b.x, fma(a.y, b.y, fma(a.z, b.z, fma(a.w, b.w, sum))));
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let number = linear_workgroup(group, groups);
    let part = number / p.result_tiles;
    // The same for the whole workgroup.
    if (part * p.columns_each >= p.n * p.words) {
        return;
    }
    let tile = number % p.result_tiles * (WG / ACROSS * RESULTS);
    let result = tile + lane / ACROSS * RESULTS;
#repeat q RESULTS
#repeat c CHANNELS
#repeat ky KH
#repeat kx KW
    var sum$q_$c_$ky_$kx = 0.0;
#end
#end
#end
#end
    let end = min((part + 1u) * p.columns_each, p.n * p.words);
    for (var column = part * p.columns_each + lane % ACROSS; column < end; column += ACROSS) {
        let n = column / p.words;
        let word = column % p.words;
        let of_d = (n * p.results + result) * p.out_rows * p.words + word;
        // The rows of d_y that the taps pair with the image's first; above it they wrap to numbers past its end.
#repeat ky KH
        let first$ky = p.pad_y - $kyu;
#repeat q RESULTS
        var d$ky_$q = gradient(of_d + ($qu * p.out_rows + first$ky) * p.words, first$ky < p.out_rows);
#end
#end
#repeat c CHANNELS
        var line$c = (n * CHANNELS + $cu) * p.rows * p.words;
        var word$c = image_word(line$c, word, true);
        var left$c = image_word(line$c, word - 1u, true).w;
        var right$c = image_word(line$c, word + 1u, true).x;
#end
        for (var row = 1u; row <= p.rows; row++) {
#repeat c CHANNELS
#repeat kx KW
            {
                let x = tapped(left$c, word$c, right$c, $kxu);
#repeat ky KH
#repeat q RESULTS
                sum$q_$c_$ky_$kx = along(d$ky_$q, x, sum$q_$c_$ky_$kx);
#end
#end
            }
#end
#end
            let next = row + p.pad_y;
#repeat q RESULTS
#repeat ky MOVED
            let was$ky_$q = d$ky_$q;
#end
#repeat ky MOVED
            d$($ky+1)_$q = was$ky_$q;
#end
            d0_$q = gradient(of_d + ($qu * p.out_rows + next) * p.words, next < p.out_rows);
#end
#repeat c CHANNELS
            line$c += p.words;
            word$c = image_word(line$c, word, row < p.rows);
            left$c = image_word(line$c, word - 1u, row < p.rows).w;
            right$c = image_word(line$c, word + 1u, row < p.rows).x;
#end
        }
    }
#repeat q RESULTS
#repeat c CHANNELS
#repeat ky KH
#repeat kx KW
    joined[(($cu * KH + $kyu) * KW + $kxu) * PITCH + lane + lane / ACROSS] = sum$q_$c_$ky_$kx;
#end
#end
#end
    workgroupBarrier();
    for (var e = lane; e < SUMS * (WG / ACROSS); e += WG) {
        let o = tile + e / SUMS * RESULTS + $qu;
        var sum = 0.0;
        for (var i = 0u; i < ACROSS; i++) {
            sum += joined[e % SUMS * PITCH + e / SUMS * (ACROSS + 1u) + i];
        }
        sums[(part * p.results + o) * SUMS + e % SUMS] = sum;
    }
    workgroupBarrier();
#end
}
