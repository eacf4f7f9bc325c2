// sums[part, o, c, ky · KW + kx] = sum over the strips of a part of d_y[n, o, i, j] · image[n, c, i + ky - pad_y, j + kx -
// PAD_X], of stride and dilation 1; matmul_sum adds the parts up.
// Layout: image [n, channels, rows, 4 · words] and d_y [n, results, out_rows, 4 · out_words] in words of four, sums [parts,
// results, channels, KH · KW].
// Work: a workgroup has 4 ACROSS_RESULTS results and CHANNELS = EACH · ACROSS_CHANNELS channels of tiles_each tiles
// (lib/conv_patch), which pass through workgroup memory, mostly more than WebGPU's least 16 KiB; an invocation four results,
// every ACROSS_RESULTS-th, and EACH channels, with all taps, of every SLICES-th strip of a tile. WHOLE: the channels are whole
// tiles. Accumulates f32, tile after tile.
// Bound by arithmetic, and by reading workgroup memory: 4 WORDS + (WORDS + 1) EACH · KH words for 16 WORDS · EACH · KH · KW
// multiply-adds.
// Reached, with the sum: 29 % of the roofline measured on an H200 (512x32x16x16 by 64 of 3x3).
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
    channel_tiles: u32,
    tiles_x: u32,
    tiles_y: u32,
    tiles: u32,
    tiles_each: u32,
    parts: u32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read> image: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> d_y: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;
#import conv_patch

const TAPS: u32 = KH * KW;
const RESULTS: u32 = 4u * ACROSS_RESULTS;
const STRIPS: u32 = ACROSS * HIGH * IMAGES;
// Odd, so that neighbouring results lie in other banks.
const GRADIENT_WORDS: u32 = STRIPS * WORDS;
const GRADIENT_PITCH: u32 = GRADIENT_WORDS | 1u;

// [result, word of the tile]
var<workgroup> gradients: array<vec4<f32>, RESULTS * GRADIENT_PITCH>;
// [tap, channel, result], where slices are to be added up.
var<workgroup> joined: array<f32, select(1u, TAPS * CHANNELS * RESULTS, SLICES > 1u)>;

fn gradient(e: u32, tile: Tile, result: u32) -> vec4<f32> {
    let o = result + e / GRADIENT_WORDS;
    let row = e % GRADIENT_WORDS / ACROSS_WORDS;
    let n = tile.image + row / HIGH;
    let i = tile.row + row % HIGH;
    let j = tile.word + e % ACROSS_WORDS;
    let there = o < p.results && n < p.n && i < p.out_rows && j < p.out_words;
    let at = ((n * p.results + o) * p.out_rows + i) * p.out_words + j;
    return select(vec4<f32>(), d_y[select(0u, at, there)], there);
}

fn joined_place(tap: u32, c: u32, o: u32) -> u32 {
    return (tap * CHANNELS + c) * RESULTS + o;
}

fn put(part: u32, tap: u32, c: u32, o: u32, value: f32) {
    if (c < p.channels && o < p.results) {
        sums[((part * p.results + o) * p.channels + c) * TAPS + tap] = value;
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
    let channel = number / p.result_tiles % p.channel_tiles * CHANNELS;
    let part = number / p.result_tiles / p.channel_tiles;
    // The same for the whole workgroup.
    if (part >= p.parts) {
        return;
    }
    let o = lane % ACROSS_RESULTS;
    let c = lane / ACROSS_RESULTS % ACROSS_CHANNELS;
    let slice = lane / (ACROSS_RESULTS * ACROSS_CHANNELS);
#repeat q 4
#repeat s EACH
#repeat ky KH
#repeat kx KW
    var sum$q_$s_$ky_$kx = 0.0;
#end
#end
#end
#end
    let end = min((part + 1u) * p.tiles_each, p.tiles);
    for (var number_of_tile = part * p.tiles_each; number_of_tile < end; number_of_tile++) {
        let tile = patch_tile(number_of_tile);
#repeat i GRADIENT_EACH
        let g$i = lane + $iu * WG;
        let d$i = gradient(g$i, tile, result);
#end
#repeat i WORD_EACH
        let x$i = patch_word(lane + $iu * WG, tile, channel);
#end
#repeat i GRADIENT_EACH
        gradients[g$i / GRADIENT_WORDS * GRADIENT_PITCH + g$i % GRADIENT_WORDS] = d$i;
#end
#repeat i WORD_EACH
        keep_word(lane + $iu * WG, x$i);
#end
        workgroupBarrier();
        for (var number_of_strip = slice; number_of_strip < STRIPS; number_of_strip += SLICES) {
            let corner = strip_place(strip_of(number_of_strip));
#repeat q 4
#repeat v WORDS
            let d$q$v = gradients[(o + $qu * ACROSS_RESULTS) * GRADIENT_PITCH + number_of_strip * WORDS + $vu];
#end
#end
#repeat s EACH
#repeat ky KH
            {
                let at = corner + (c + $su * ACROSS_CHANNELS) * PATCH_PLANE + $kyu * PATCH_PITCH;
#repeat v WORDS
                let left$v = pixels[at + $vu];
                let right$v = pixels[at + $vu + RIGHT];
#end
#repeat kx KW
#repeat v WORDS
                {
                    let x = neighbours(left$v, right$v, $kxu);
#repeat e 4
#repeat q 4
                    sum$q_$s_$ky_$kx = fma(d$q$v[$e], x[$e], sum$q_$s_$ky_$kx);
#end
#end
                }
#end
#end
            }
#end
#end
        }
        workgroupBarrier();
    }
    // Slices are added up in their order. All is loaded before the first is stored: nothing waits for a store.
    for (var turn = 0u; SLICES > 1u && turn < SLICES; turn++) {
        if (slice == turn) {
            if (turn > 0u) {
#repeat q 4
#repeat s EACH
#repeat ky KH
#repeat kx KW
                sum$q_$s_$ky_$kx += joined[joined_place($kyu * KW + $kxu, c + $su * ACROSS_CHANNELS, o + $qu * ACROSS_RESULTS)];
#end
#end
#end
#end
            }
#repeat q 4
#repeat s EACH
#repeat ky KH
#repeat kx KW
            joined[joined_place($kyu * KW + $kxu, c + $su * ACROSS_CHANNELS, o + $qu * ACROSS_RESULTS)] = sum$q_$s_$ky_$kx;
#end
#end
#end
#end
        }
        workgroupBarrier();
    }
    if (SLICES > 1u) {
        for (var e = lane; e < TAPS * CHANNELS * RESULTS; e += WG) {
            put(part, e / (CHANNELS * RESULTS), channel + e / RESULTS % CHANNELS, result + e % RESULTS, joined[e]);
        }
        return;
    }
#repeat q 4
#repeat s EACH
#repeat ky KH
#repeat kx KW
    put(part, $kyu * KW + $kxu, channel + c + $su * ACROSS_CHANNELS, result + o + $qu * ACROSS_RESULTS, sum$q_$s_$ky_$kx);
#end
#end
#end
#end
}
