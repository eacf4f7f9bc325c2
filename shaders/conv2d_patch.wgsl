// y[n, o, i, j] = epilogue(sum over c, ky, kx of image[n, c, i + ky - pad_y, j + kx - PAD_X] · weight[o, c, ky, kx]), of
// stride and dilation 1. Where FLIP, the gradient of that with respect to its image: weight [c, o, KH, KW], its taps running
// backwards.
// Layout: image [n, channels, rows, 4 · words] and y [n, results, out_rows, 4 · out_words] in words of four.
// Work: a workgroup has GROUPS · 4 QUADS results of STRIPS strips (lib/conv_patch), an invocation 4 QUADS results of a strip.
// CHANNELS of the image at a time, with what lies around the strips, and their weights pass through workgroup memory, the
// next ones being loaded meanwhile. WHOLE: the channels are whole steps. Accumulates f32 in order of the channels.
// Bound by arithmetic, and by reading workgroup memory: WORDS + 1 + QUADS · KW words of a row for 16 QUADS · KW · WORDS
// multiply-adds.
// Reached: 50 % of the roofline measured on an H200 (512x32x16x16 by 64 of 3x3), 49 % as its gradient.
struct Params {
    n: u32,
    channels: u32,
    rows: u32,
    words: u32,
    results: u32,
    out_rows: u32,
    out_words: u32,
    pad_y: u32,
    result_tiles: u32,
    tiles_x: u32,
    tiles_y: u32,
    tiles: u32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read> image: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
#code
#import conv_patch

const TAPS: u32 = KH * KW;
const RESULTS: u32 = GROUPS * 4u * QUADS;
const STRIPS: u32 = WG / GROUPS;
const WEIGHT_PITCH: u32 = RESULTS / 4u + 1u;
const LINES: u32 = CHANNELS * TAPS;

// [channel of the step, tap, result / 4]
var<workgroup> weights: array<vec4<f32>, LINES * WEIGHT_PITCH>;

// The strip of an invocation. Where few lie side by side, neighbours take eight rows first: their words lie in other banks.
fn number_of_strip(n: u32) -> u32 {
    return select((n / (8u * ACROSS) * 8u + n % 8u) * ACROSS + n / 8u % ACROSS, n, BY_ROWS);
}

// The weights of four results in one tap, number `e` of the step that begins at channel `first`, from `result` on.
fn four_weights(e: u32, first: u32, result: u32) -> vec4<f32> {
    let c = first + e % LINES / TAPS;
    let tap = e % TAPS;
    let o = result + e / LINES * 4u;
    let there = e < LINES * (RESULTS / 4u) && (WHOLE || c < p.channels);
    let start = select((o * p.channels + c) * TAPS + tap, (c * p.results + o) * TAPS + TAPS - 1u - tap, FLIP);
    let next = select(p.channels * TAPS, TAPS, FLIP);
#repeat j 4
    let there$j = there && o + $ju < p.results;
    let weight$j = select(0.0, weight[select(0u, start + $ju * next, there$j)], there$j);
#end
    return vec4<f32>(weight0, weight1, weight2, weight3);
}

fn keep_weights(e: u32, four: vec4<f32>) {
    if (e < LINES * (RESULTS / 4u)) {
        weights[e % LINES * WEIGHT_PITCH + e / LINES] = four;
    }
}

// Stores four neighbours of a result.
fn put(tile: Tile, strip: vec3<u32>, o: u32, word: u32, value: vec4<f32>) {
    let n = tile.image + strip.z;
    let i = tile.row + strip.y;
    let j = tile.word + strip.x + word;
    if (n < p.n && o < p.results && i < p.out_rows && j < p.out_words) {
        let to = ((n * p.results + o) * p.out_rows + i) * p.out_words + j;
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
    let result = number % p.result_tiles * RESULTS;
    // The same for the whole workgroup.
    if (number / p.result_tiles >= p.tiles) {
        return;
    }
    let tile = patch_tile(number / p.result_tiles);
    let strip = strip_of(number_of_strip(lane % STRIPS));
    let own = lane / STRIPS * QUADS;
    let corner = strip_place(strip);
#repeat q QUADS
#repeat e 4
#repeat v WORDS
    var sum$q$e$v = vec4<f32>();
#end
#end
#end
#repeat i WORD_EACH
    var x$i = patch_word(lane + $iu * WG, tile, 0u);
    keep_word(lane + $iu * WG, x$i);
#end
#repeat i WEIGHT_EACH
    var w$i = four_weights(lane + $iu * WG, 0u, result);
    keep_weights(lane + $iu * WG, w$i);
#end
    workgroupBarrier();
    for (var first = 0u; first < p.channels; first += CHANNELS) {
        // Past the last, what nothing uses.
        let next = select(first + CHANNELS, 0u, first + CHANNELS >= p.channels);
#repeat i WEIGHT_EACH
        w$i = four_weights(lane + $iu * WG, next, result);
#end
#repeat i WORD_EACH
        x$i = patch_word(lane + $iu * WG, tile, next);
#end
        for (var c = 0u; c < CHANNELS; c++) {
#repeat ky KH
            {
                let at = corner + c * PATCH_PLANE + $kyu * PATCH_PITCH;
#repeat v WORDS
                let left$v = pixels[at + $vu];
                let right$v = pixels[at + $vu + RIGHT];
#end
#repeat kx KW
                {
                    let to = (c * TAPS + $kyu * KW + $kxu) * WEIGHT_PITCH + own;
#repeat v WORDS
                    let moved$v = neighbours(left$v, right$v, $kxu);
#end
#repeat q QUADS
                    let four$q = weights[to + $qu];
#repeat e 4
#repeat v WORDS
                    sum$q$e$v = fma(vec4<f32>(four$q[$e]), moved$v, sum$q$e$v);
#end
#end
#end
                }
#end
            }
#end
        }
        workgroupBarrier();
#repeat i WORD_EACH
        keep_word(lane + $iu * WG, x$i);
#end
#repeat i WEIGHT_EACH
        keep_weights(lane + $iu * WG, w$i);
#end
        workgroupBarrier();
    }
#repeat q QUADS
#repeat e 4
#repeat v WORDS
    put(tile, strip, result + 4u * (own + $qu) + $eu, $vu, sum$q$e$v);
#end
#end
#end
}
