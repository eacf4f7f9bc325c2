// What conv2d_window_3x3 and conv2d_window_3x3_halved share: their parameters, windows, and how a turn adds.
struct Params {
    o: u32,
    oh: u32,
    ow4: u32,
    c_each: u32,
    o_stride: u32,
    rows: u32,
    columns: u32,
    count: u32,
    y_first: u32,
    first_row: u32,
    first_o: u32,
    end_o: u32,
    resume: u32,
}
#import params

#repeat i PLANES
@group(0) @binding($i) var<uniform> x$i: array<vec4<f32>, 4096>;
@group(0) @binding(PLANES + $i) var<uniform> w$i: array<vec4<f32>, 4096>;
#end
@group(0) @binding(2 * PLANES) var<storage, read_write> y: array<Word>;

// A row of the image under a row of the kernel: four pixels as each of the three taps sees them.
struct Row {
    left: vec4<f32>,
    middle: vec4<f32>,
    right: vec4<f32>,
}

// The weights of one channel.
struct Taps {
    top: vec3<f32>,
    middle: vec3<f32>,
    bottom: vec3<f32>,
}

fn row(a: vec4<f32>, b: vec4<f32>) -> Row {
    return Row(a, vec4(a.yzw, b.x), vec4(a.zw, b.xy));
}

fn three(x: Row, w: vec3<f32>, sum: vec4<f32>) -> vec4<f32> {
    return fma(vec4(w.z), x.right, fma(vec4(w.y), x.middle, fma(vec4(w.x), x.left, sum)));
}

fn nine(top: Row, middle: Row, bottom: Row, w: Taps, sum: vec4<f32>) -> vec4<f32> {
    return three(bottom, w.bottom, three(middle, w.middle, three(top, w.top, sum)));
}
