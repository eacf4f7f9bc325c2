// Strips of WORDS words of four neighbours of a row of y, and the patch of images that a convolution of stride and dilation 1
// takes them from. A tile is ACROSS strips of each of HIGH rows of IMAGES images; its patch, of CHANNELS channels, lies in
// workgroup memory, PAD_X columns to the right of where the image's words begin. Wants `image` and its `rows`, `words` and
// `channels`, `n`, `pad_y`, `tiles_x` and `tiles_y`.
const ACROSS_WORDS: u32 = WORDS * ACROSS;
// From a word to the one right of it, where a tap reaches that.
const RIGHT: u32 = select(0u, 1u, KW > 1u);
const LINE_WORDS: u32 = ACROSS_WORDS + RIGHT;
const PATCH_ROWS: u32 = HIGH + KH - 1u;
const PATCH_IMAGE: u32 = PATCH_ROWS * PATCH_PITCH;
const PATCH_PLANE: u32 = IMAGES * PATCH_IMAGE;
const PATCH_LINES: u32 = CHANNELS * IMAGES * PATCH_ROWS;

// [channel, image, row, column / 4]
var<workgroup> pixels: array<vec4<f32>, CHANNELS * PATCH_PLANE>;

// Where a tile begins.
struct Tile {
    image: u32,
    row: u32,
    word: u32,
}

fn patch_tile(number: u32) -> Tile {
    return Tile(
        number / p.tiles_x / p.tiles_y * IMAGES,
        number / p.tiles_x % p.tiles_y * HIGH,
        number % p.tiles_x * ACROSS_WORDS,
    );
}

// First word, row and image of a strip of a tile.
fn strip_of(number: u32) -> vec3<u32> {
    let row = number / ACROSS;
    return vec3<u32>(number % ACROSS * WORDS, row % HIGH, row / HIGH);
}

// The word of the patch's first channel at which a strip's upper left tap begins.
fn strip_place(strip: vec3<u32>) -> u32 {
    return strip.z * PATCH_IMAGE + strip.y * PATCH_PITCH + strip.x;
}

#import image_word

// Word `e` of the patch whose first channel is `first`.
fn patch_word(e: u32, tile: Tile, first: u32) -> vec4<f32> {
    let line = e / LINE_WORDS;
    let channel = first + line / (PATCH_ROWS * IMAGES);
    let n = tile.image + line / PATCH_ROWS % IMAGES;
    // Above the image these wrap to numbers past its end.
    let row = tile.row + line % PATCH_ROWS - p.pad_y;
    let there = line < PATCH_LINES && n < p.n && row < p.rows && (WHOLE || channel < p.channels);
    let start = ((n * p.channels + channel) * p.rows + row) * p.words;
    let place = tile.word + e % LINE_WORDS;
    return neighbours(image_word(start, place - 1u, there), image_word(start, place, there), 4u - PAD_X);
}

// Stores it: whole words, as two invocations that wrote to one would race.
fn keep_word(e: u32, word: vec4<f32>) {
    if (e < PATCH_LINES * LINE_WORDS) {
        pixels[e / LINE_WORDS * PATCH_PITCH + e % LINE_WORDS] = word;
    }
}

// The four elements from `skip` on of two words.
fn neighbours(left: vec4<f32>, right: vec4<f32>, skip: u32) -> vec4<f32> {
    switch skip {
        case 0u: {
            return left;
        }
        case 1u: {
            return vec4<f32>(left.yzw, right.x);
        }
        case 2u: {
            return vec4<f32>(left.zw, right.xy);
        }
        case 3u: {
            return vec4<f32>(left.w, right.xyz);
        }
        default: {
            return right;
        }
    }
}
