// terms[segment, c, ky, kx, o] = sum over the segment's pixels of d_y[n, o, i, j] · x[n, c, i + ky, j + kx], from PLANES
// windows of x and as many of d_y, of which p.planes count; where p.resume is 1, added to what is there. What is not a 3x3
// convolution of stride 1 is made one by packing (conv2d_window_pack_x).
// Layout: x windows [images, c_each, rows + 2, x_columns] and d_y windows [images, o_each, rows, y_columns] in words of four
// (conv2d_window_pack_x), terms [segments, c_padded, 9, o_words] in words of four; o_each is a multiple of 8, rows of 2.
// Work: all taps of one channel of x with eight of d_y an invocation, over bands_each bands of two rows of each plane: a
// window's bands are divided into segments, each of which has terms of its own. A workgroup is one subgroup of eight, whose
// channels of d_y and segment are the same. Accumulates in f32.
// For software adapters, which gather a vector of eight from a uniform buffer in the time of ten multiply-adds, and where a
// sum kept over a loop's turn costs three: a turn has eight pixels, and the words of d_y, which all lanes share, are loaded
// once by different lanes and broadcast. The three sums of a row take turns, since one waits for itself. Bound by the 24
// gathers of x and 8 of d_y, and the 72 sums carried, for 576 multiply-adds: of the 88 GFLOP/s that multiply-adds alone
// reach on a core, 32 on Mesa 22.3 and 34 on Mesa 26.
// Reached, with all its dispatches: 36 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 32 % on Mesa 26
// (16x128x16x16 by 128 of 3x3).
struct Params {
    c_each: u32,
    bands_each: u32,
    images: u32,
    rows: u32,
    x_columns: u32,
    o_each: u32,
    y_columns: u32,
    planes: u32,
    c_padded: u32,
    c_first: u32,
    o_words: u32,
    o_first: u32,
    resume: u32,
}
#import params

#repeat i PLANES
@group(0) @binding($i) var<uniform> x$i: array<vec4<f32>, 4096>;
@group(0) @binding(PLANES + $i) var<uniform> y$i: array<vec4<f32>, 4096>;
#end
@group(0) @binding(2 * PLANES) var<storage, read_write> terms: array<vec4<f32>>;

// Four pixels as each of the three taps of a row sees them.
struct Row {
    left: vec4<f32>,
    middle: vec4<f32>,
    right: vec4<f32>,
}

fn row(a: vec4<f32>, b: vec4<f32>) -> Row {
    return Row(a, vec4(a.yzw, b.x), vec4(a.zw, b.xy));
}

// The sums of a row's three taps.
fn three(y: vec4<f32>, x: Row, sum: vec3<f32>) -> vec3<f32> {
    let one = fma(vec3(y.x), vec3(x.left.x, x.middle.x, x.right.x), sum);
    let two = fma(vec3(y.y), vec3(x.left.y, x.middle.y, x.right.y), one);
    let more = fma(vec3(y.z), vec3(x.left.z, x.middle.z, x.right.z), two);
    return fma(vec3(y.w), vec3(x.left.w, x.middle.w, x.right.w), more);
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    // Lanes past the end work on the last channel, because the others need the words they load.
    let c = min(group.x * 8u + lane, p.c_each - 1u);
    let bands = p.rows / 2u;
    let y_plane = p.rows * p.y_columns;
    // Lane l loads d_y of channel l: eight channels of one word of a row.
    let first = (group.y * 8u + lane) * y_plane;
    let begin = group.z * p.bands_each;
    let end = min(begin + p.bands_each, p.images * bands);
    // Sum s{ky}{o} has a row's three taps.
#repeat k 3
#repeat o 8
    var s$k$o = vec3<f32>();
#end
#end
#repeat i PLANES
    for (var band = begin; band < select(begin, end, $iu < p.planes); band++) {
        let image = band / bands;
        let line = band % bands * 2u;
        var x_place = ((image * p.c_each + c) * (p.rows + 2u) + line) * p.x_columns;
        var y_place = image * p.o_each * y_plane + line * p.y_columns + first;
        for (var quad = 0u; quad < p.y_columns; quad++) {
            let row0 = row(x$i[x_place], x$i[x_place + 1u]);
            let row1 = row(x$i[x_place + p.x_columns], x$i[x_place + p.x_columns + 1u]);
            let row2 = row(x$i[x_place + 2u * p.x_columns], x$i[x_place + 2u * p.x_columns + 1u]);
            let row3 = row(x$i[x_place + 3u * p.x_columns], x$i[x_place + 3u * p.x_columns + 1u]);
            let upper = y$i[y_place];
            let lower = y$i[y_place + p.y_columns];
#repeat o 8
            let upper$o = subgroupBroadcast(upper, $ou);
            let lower$o = subgroupBroadcast(lower, $ou);
            s0$o = three(lower$o, row1, three(upper$o, row0, s0$o));
            s1$o = three(lower$o, row2, three(upper$o, row1, s1$o));
            s2$o = three(lower$o, row3, three(upper$o, row2, s2$o));
#end
            x_place++;
            y_place++;
        }
    }
#end
    if (group.x * 8u + lane >= p.c_each) {
        return;
    }
    var place = (group.z * p.c_padded + p.c_first + c) * 9u * p.o_words + p.o_first + group.y * 2u;
#repeat k 3
#repeat x 3
    var low$k$x = vec4(s$k0[$x], s$k1[$x], s$k2[$x], s$k3[$x]);
    var high$k$x = vec4(s$k4[$x], s$k5[$x], s$k6[$x], s$k7[$x]);
    if (p.resume == 1u) {
        low$k$x += terms[place];
        high$k$x += terms[place + 1u];
    }
    terms[place] = low$k$x;
    terms[place + 1u] = high$k$x;
    place += p.o_words;
#end
#end
}
