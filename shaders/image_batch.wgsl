// out[b, c, y, x] = byte(indices[b], c, y', x') * scale_c + shift_c, where (y', x') is (y, x), or that place cropped and
// flipped at random; a place outside the image holds byte 0, and a place inside the cutout is 0 after normalising.
// Layout: pixels [rows, ROW_WORDS], image i in row i as bytes CHW, lowest byte first; out f32 [B, C, H, W], contiguous;
// clock = (seed, step). The sample's four words are pcg4d(seed, step, stream, b): crop row, crop column, flip, cutout.
// Work: RUN neighbouring pixels of one row an invocation, which share the draws; RUN divides W. Accumulates nothing.
// Bound by memory bandwidth: a byte is read and 4 are written a pixel.
// Reached: not measured by itself: a batch of CIFAR-10 is 0.8 MB a step.
struct Params {
    count: u32,
    rows: u32,
    stream: u32,
    scale_0: f32,
    scale_1: f32,
    scale_2: f32,
    scale_3: f32,
    shift_0: f32,
    shift_1: f32,
    shift_2: f32,
    shift_3: f32,
}
#import params
#import grid
#import random
@group(0) @binding(0) var<storage, read> pixels: array<u32>;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read> clock: array<u32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

// An index past the end is a padded sample: black.
fn byte(image: u32, at: u32) -> f32 {
    if (image >= p.rows) {
        return 0.0;
    }
    let word = pixels[image * ROW_WORDS + at / 4u];
    return f32((word >> (8u * (at % 4u))) & 0xffu);
}

struct Sample {
    image: u32,
    // Where row 0 and column 0 come from; wraps below zero.
    top: u32,
    left: u32,
    flip: bool,
    // The first row and column of the cutout; wraps below zero.
    cut_top: u32,
    cut_left: u32,
}

fn sample(b: u32) -> Sample {
    var s = Sample(indices[b], 0u, 0u, false, 0u, 0u);
    if (CROP > 0u || FLIP || CUTOUT > 0u) {
        let words = pcg4d(vec4<u32>(clock[0], clock[1], p.stream, b));
        s.top = words.x % (2u * CROP + 1u) - CROP;
        s.left = words.y % (2u * CROP + 1u) - CROP;
        s.flip = FLIP && (words.z >> 31u) == 1u;
        s.cut_top = (words.w & 0xffffu) % H - CUTOUT / 2u;
        s.cut_left = (words.w >> 16u) % W - CUTOUT / 2u;
    }
    return s;
}

fn pixel(s: Sample, channel: u32, y: u32, x: u32, scale: f32, shift: f32) -> f32 {
    if (y - s.cut_top < CUTOUT && x - s.cut_left < CUTOUT) {
        return 0.0;
    }
    let row = y + s.top;
    let column = select(x, W - 1u - x, s.flip) + s.left;
    var value = 0.0;
    if (row < H && column < W) {
        value = byte(s.image, (channel * H + row) * W + column);
    }
    return value * scale + shift;
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
    let x_first = index % (W / RUN) * RUN;
    let y = index / (W / RUN) % H;
    let channel = index / (W / RUN * H) % C;
    let s = sample(index / (W / RUN * H * C));
    let scale = vec4<f32>(p.scale_0, p.scale_1, p.scale_2, p.scale_3)[channel];
    let shift = vec4<f32>(p.shift_0, p.shift_1, p.shift_2, p.shift_3)[channel];
    for (var r = 0u; r < RUN; r++) {
        out[index * RUN + r] = pixel(s, channel, y, x_first + r, scale, shift);
    }
}
