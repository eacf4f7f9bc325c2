// y[n, o, i, j] = sum over c, ky, kx of x[n, c, i + ky, j + kx] · weight[o, c, ky, kx] over PLANES windows of x and as many
// of the weights, then the epilogue. Where p.resume is 1, the sums go on from before(i), which is y[i] or, where no sum is
// divided, zero. What is not a 3x3 convolution of stride 1 is made one by packing (conv2d_window_pack_x).
// Layout: x windows [images, c_each, rows, columns] in words of four, w windows [octets, c_each, 9, 2] in words of four
// (conv2d_window_pack_weight), with o_stride words from octet to octet; y from word y_first on [images, o, oh, ow4] in words
// of four. A plane is the next c_each channels of both.
// Work: eight channels of four rows of four pixels an invocation; a workgroup is one subgroup of eight, whose channels are
// the same. Accumulates in f32.
// For software adapters, which gather a vector of eight from a uniform buffer in the time of ten multiply-adds, and where a
// sum kept over a loop's turn costs three: a turn has all nine taps, and the weights, which all lanes share, are loaded
// once by different lanes and broadcast. A longer turn would leave the instruction cache: planes take turns one after
// another, at the price of three turns each. Bound by the 36 gathers of x and the 12 of weights for 1152 multiply-adds: of
// the 88 GFLOP/s that multiply-adds alone reach on a core, 45 with one plane of 32 channels on Mesa 22.3 and 49 on Mesa 26,
// 35 with four planes of 8.
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
    resume: u32,
}
#import params

#repeat i PLANES
@group(0) @binding($i) var<uniform> x$i: array<vec4<f32>, 4096>;
@group(0) @binding(PLANES + $i) var<uniform> w$i: array<vec4<f32>, 4096>;
#end
@group(0) @binding(2 * PLANES) var<storage, read_write> y: array<vec4<f32>>;
#code

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

fn store(i: u32, value: vec4<f32>, inside: bool) {
    if (inside) {
        y[i] = epilogue(value, i);
    }
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    // Lanes past the end work on the last pixels, because the others need the weights they load.
    let index = min(group.x * 8u + lane, p.count - 1u);
    let quad = index % p.ow4;
    let bands = (p.rows - 2u) / 4u;
    let line = index / p.ow4 % bands * 4u;
    let image = index / p.ow4 / bands;

    let y_row = p.first_row + line;
    let y_o = p.first_o + group.y * 8u;
    let y_plane = p.oh * p.ow4;
    let first = p.y_first + ((image * p.o + y_o) * p.oh + y_row) * p.ow4 + quad;
    let live = group.x * 8u + lane < p.count;
    // Sum s{r}{h}{e} is that of row r and channel 4 h + e.
#repeat r 4
#repeat h 2
#repeat e 4
    let i$r$h$e = first + (4u * $hu + $eu) * y_plane + $ru * p.ow4;
    let inside$r$h$e = live && y_row + $ru < p.oh && y_o + 4u * $hu + $eu < p.o;
    var s$r$h$e = vec4<f32>();
    if (inside$r$h$e && p.resume == 1u) {
        s$r$h$e = before(i$r$h$e);
    }
#end
#end
#end
    var place: u32;
    var w: u32;
#repeat i PLANES
    place = (image * p.c_each * p.rows + line) * p.columns + quad;
    w = group.y * p.o_stride + lane;
    for (var channel = 0u; channel < p.c_each; channel++) {
        var at = place;
#repeat r 6
        let row$r = row(x$i[at], x$i[at + 1u]);
        at += p.columns;
#end
        let word0 = w$i[w];
        let word1 = w$i[w + 8u];
        let word2 = w$i[w + 16u];
#repeat h 2
        let t$h0 = subgroupBroadcast(word0, $hu);
        let t$h1 = subgroupBroadcast(word0, 2u + $hu);
        let t$h2 = subgroupBroadcast(word0, 4u + $hu);
        let t$h3 = subgroupBroadcast(word0, 6u + $hu);
        let t$h4 = subgroupBroadcast(word1, $hu);
        let t$h5 = subgroupBroadcast(word1, 2u + $hu);
        let t$h6 = subgroupBroadcast(word1, 4u + $hu);
        let t$h7 = subgroupBroadcast(word1, 6u + $hu);
        let t$h8 = subgroupBroadcast(word2, $hu);
#repeat e 4
        let taps$h$e = Taps(
            vec3(t$h0[$e], t$h1[$e], t$h2[$e]),
            vec3(t$h3[$e], t$h4[$e], t$h5[$e]),
            vec3(t$h6[$e], t$h7[$e], t$h8[$e]),
        );
        s0$h$e = nine(row0, row1, row2, taps$h$e, s0$h$e);
        s1$h$e = nine(row1, row2, row3, taps$h$e, s1$h$e);
        s2$h$e = nine(row2, row3, row4, taps$h$e, s2$h$e);
        s3$h$e = nine(row3, row4, row5, taps$h$e, s3$h$e);
#end
#end
        place += p.rows * p.columns;
        w += 18u;
    }
#end
#repeat r 4
#repeat h 2
#repeat e 4
    store(i$r$h$e, s$r$h$e, inside$r$h$e);
#end
#end
#end
}
