// y[n, o, i, j] = epilogue(sum over c, ky, kx of image[n, c, i + ky - pad_y, j + kx - PAD_X] · weight[o, c, ky, kx]), of
// stride and dilation 1, for few RESULTS, whose taps reach no further than a neighbour to either side. Where FLIP, the
// gradient of that with respect to its image: weight [c, o, KH, KW], its taps running backwards.
// Layout: image [n, channels, rows, 4 · words] and y [n, RESULTS, out_rows, 4 · words] in words of four.
// Work: an invocation has all results of a word of ROWS rows. It reads the words that surround them channel by channel, the
// next one's while it multiplies, and has what lies beside them from its neighbours where SHUFFLES: rows of words then lie
// within subgroups. The weights of AT_ONCE channels lie in workgroup memory. EVEN: there are pairs of channels. WHOLE: strips
// are whole workgroups', rows whole invocations', and of those read the ROWS from PAD_Y on lie in the image. Accumulates f32 in
// order of the channels.
// Bound by arithmetic and by reading, which are about as much work.
// Reached: 56 % of the roofline measured on an H200 (the gradient of 512x3x32x32 by 64 of 3x3), 53 % (by 32).
struct Params {
    n: u32,
    channels: u32,
    rows: u32,
    words: u32,
    out_rows: u32,
    pad_y: u32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read> image: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
#code
#import conv_strip

const TAPS: u32 = KH * KW;

// [channel, tap, result]
var<workgroup> weights: array<f32, AT_ONCE * TAPS * RESULTS>;

// Weight `e` of the channels from `first` on; zero past the last.
fn weight_of(first: u32, e: u32) -> f32 {
    let c = first + e / (TAPS * RESULTS);
    let tap = e / RESULTS % TAPS;
    let o = e % RESULTS;
    let at = select((o * p.channels + c) * TAPS + tap, (c * RESULTS + o) * TAPS + TAPS - 1u - tap, FLIP);
    return select(0.0, weight[select(0u, at, c < p.channels)], c < p.channels);
}

fn put(o: u32, n: u32, i: u32, word: u32, value: vec4<f32>) {
    if (WHOLE || i < p.out_rows) {
        let to = ((n * RESULTS + o) * p.out_rows + i) * p.words + word;
        y[to] = epilogue(value, to);
    }
}

// What lies to the left of a word, and to the right; zero past the ends of its row.
#repeat s SHUFFLES
fn left_of(line: u32, place: u32, there: bool, word: vec4<f32>) -> f32 {
    let neighbour = subgroupShuffleUp(word.w, 1u);
    return select(0.0, neighbour, place > 0u);
}

fn right_of(line: u32, place: u32, there: bool, word: vec4<f32>) -> f32 {
    let neighbour = subgroupShuffleDown(word.x, 1u);
    return select(0.0, neighbour, place + 1u < p.words);
}
#end
#repeat s LOADS
fn left_of(line: u32, place: u32, there: bool, word: vec4<f32>) -> f32 {
    return image_word(line, place - 1u, there).w;
}

fn right_of(line: u32, place: u32, there: bool, word: vec4<f32>) -> f32 {
    return image_word(line, place + 1u, there).x;
}
#end

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
#repeat s SHUFFLES
    @builtin(subgroup_id) subgroup: u32,
    @builtin(subgroup_size) members: u32,
    @builtin(subgroup_invocation_id) member: u32,
#end
#repeat s LOADS
    @builtin(local_invocation_index) lane: u32,
#end
) {
#repeat s SHUFFLES
    let lane = subgroup * members + member;
#end
    let first_strip = linear_workgroup(group, groups) * WG;
    let down = (p.out_rows + ROWS - 1u) / ROWS;
    // The same for the whole workgroup.
    if (first_strip / p.words / down >= p.n) {
        return;
    }
    let strip = first_strip + lane;
    let word = strip % p.words;
    let i = strip / p.words % down * ROWS;
    let n = strip / p.words / down;
    let there = WHOLE || n < p.n;
    let plane = p.rows * p.words;
#repeat r READ_ROWS
    // Above the image this wraps to a number past its end.
    let row$r = i + $ru - p.pad_y;
    let there$r = there && ((WHOLE && $ru >= PAD_Y && $ru < PAD_Y + ROWS) || row$r < p.rows);
    let line$r = n * p.channels * plane + row$r * p.words;
#end
#repeat o RESULTS
#repeat v ROWS
    var sum$o_$v = vec4<f32>();
#end
#end
#repeat turn 2
#repeat r READ_ROWS
    var word$turn_$r: vec4<f32>;
    var left$turn_$r: f32;
    var right$turn_$r: f32;
#end
#end
    for (var first = 0u; first < p.channels; first += AT_ONCE) {
        workgroupBarrier();
        for (var e = lane; e < AT_ONCE * TAPS * RESULTS; e += WG) {
            weights[e] = weight_of(first, e);
        }
        workgroupBarrier();
#repeat r READ_ROWS
        word0_$r = word_at(line$r + first * plane + word, there$r);
#end
#repeat r READ_ROWS
        left0_$r = left_of(line$r + first * plane, word, there$r, word0_$r);
        right0_$r = right_of(line$r + first * plane, word, there$r, word0_$r);
#end
        let count = min(AT_ONCE, p.channels - first);
        for (var c = 0u; c < count; c += 2u) {
#repeat turn 2
            if (EVEN || c + $turnu < count) {
                let next = first + min(c + $turnu + 1u, count - 1u);
#repeat r READ_ROWS
                word$($turn+1%2)_$r = word_at(line$r + next * plane + word, there$r);
#end
#repeat r READ_ROWS
                left$($turn+1%2)_$r = left_of(line$r + next * plane, word, there$r, word$($turn+1%2)_$r);
                right$($turn+1%2)_$r = right_of(line$r + next * plane, word, there$r, word$($turn+1%2)_$r);
#end
#repeat ky KH
#repeat kx KW
                {
#repeat v ROWS
                    let x$v = tapped(left$turn_$($v+$ky), word$turn_$($v+$ky), right$turn_$($v+$ky), $kxu);
#end
#repeat o RESULTS
                    let w$o = weights[((c + $turnu) * TAPS + $kyu * KW + $kxu) * RESULTS + $ou];
#repeat v ROWS
                    sum$o_$v = fma(vec4<f32>(w$o), x$v, sum$o_$v);
#end
#end
                }
#end
#end
            }
#end
        }
    }
    if (there) {
#repeat o RESULTS
#repeat v ROWS
        put($ou, n, i + $vu, word, sum$o_$v);
#end
#end
    }
}
