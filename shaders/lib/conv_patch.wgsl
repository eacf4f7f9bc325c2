// Strips of WORDS words of four neighbours of a row of y, and the patch of images that a convolution of stride and dilation 1 takes them
// from. A tile is ACROSS strips of each of HIGH rows of IMAGES images; its patch, of CHANNELS channels, lies in workgroup memory.
// It is brought word by word where words lie below the tile's, and what is left and right of them element by element: PAD_X
// columns, and the rest of KW - 1. Wants `image` and its `rows`, `words` and `channels`, `n`, `pad_y`, `tiles_x` and `tiles_y`.
const ACROSS_WORDS: u32 = WORDS * ACROSS;
// Columns left and right of a tile's; where there are none, nothing of the kind is brought.
const AROUND: u32 = max(KW, 2u) - 1u;
// From a word to the one right of it, where a tap reaches that.
const RIGHT: u32 = select(0u, 1u, KW > 1u);
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

// Where the elements of a line of a patch come from: the line's first word in the image's first channel, and its channel.
struct Line {
    word: u32,
    channel: u32,
    there: bool,
}

fn patch_line(line: u32, tile: Tile) -> Line {
    let channel = line / (PATCH_ROWS * IMAGES);
    let n = tile.image + line / PATCH_ROWS % IMAGES;
    // Above the image these wrap to numbers past its end.
    let row = tile.row + line % PATCH_ROWS - p.pad_y;
    let there = line < PATCH_LINES && n < p.n && row < p.rows;
    return Line(((n * p.channels + channel) * p.rows + row) * p.words, channel, there);
}

// Word `e` of the patch whose first channel is `first`.
fn patch_word(e: u32, tile: Tile, first: u32) -> vec4<f32> {
    let line = patch_line(e / ACROSS_WORDS, tile);
    let word = tile.word + e % ACROSS_WORDS;
    let there = line.there && word < p.words && (WHOLE || first + line.channel < p.channels);
    return select(vec4<f32>(), image[select(0u, line.word + word + first * (p.rows * p.words), there)], there);
}

fn keep_word(e: u32, word: vec4<f32>) {
    let start = e / ACROSS_WORDS * PATCH_PITCH + e % ACROSS_WORDS;
    if (e < PATCH_LINES * ACROSS_WORDS) {
#repeat j 4
        pixels[start + (PAD_X + $ju) / 4u][(PAD_X + $ju) % 4u] = word[$j];
#end
    }
}

// Column of the patch of element `e` beside its words.
fn side_column(e: u32) -> u32 {
    let side = e % AROUND;
    return select(4u * ACROSS_WORDS + side, side, side < PAD_X);
}

fn patch_side(e: u32, tile: Tile, first: u32) -> f32 {
    let line = patch_line(e / AROUND, tile);
    // Left of the image this wraps to a number past its end.
    let column = 4u * tile.word + side_column(e) - PAD_X;
    let there = line.there && column < 4u * p.words && (WHOLE || first + line.channel < p.channels);
    return select(0.0, image[select(0u, line.word + column / 4u + first * (p.rows * p.words), there)][column % 4u], there);
}

fn keep_side(e: u32, value: f32) {
    let column = side_column(e);
    if (e < PATCH_LINES * AROUND) {
        pixels[e / AROUND * PATCH_PITCH + column / 4u][column % 4u] = value;
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
