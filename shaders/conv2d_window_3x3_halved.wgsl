// y[n, o, i, j] = epilogue(the largest of z[n, o, 2 i + {0, 1}, 2 j + {0, 1}]), z as conv2d_window_3x3 computes it: pooled in
// registers, it is neither written nor read again.
// Layout: as conv2d_window_3x3, but for y: from word y_first on [images, o, oh / 2, ow4] in words of two. oh is even.
// Work: eight channels of two rows of two results an invocation. Accumulates in f32.
// Bound as conv2d_window_3x3, with a quarter of its stores.
// Reached: 34 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 29 % on Mesa 26 (cnn, infer, batch
// 64).
#import conv_window
#code

fn store(i: u32, upper: vec4<f32>, lower: vec4<f32>, inside: bool) {
    if (inside) {
        let rows = max(upper, lower);
        y[i] = epilogue(max(rows.xz, rows.yw), i);
    }
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
#import conv_window_sums
    let plane = p.oh / 2u * p.ow4;
    let first = p.y_first + ((image * p.o + first_o) * (p.oh / 2u) + row / 2u) * p.ow4 + quad;
    let inside0 = live && row < p.oh;
    let inside1 = live && row + 2u < p.oh;
#repeat h 2
#repeat e 4
    store(first + (4u * $hu + $eu) * plane, s0$h$e, s1$h$e, inside0 && first_o + 4u * $hu + $eu < p.end_o);
    store(first + (4u * $hu + $eu) * plane + p.ow4, s2$h$e, s3$h$e, inside1 && first_o + 4u * $hu + $eu < p.end_o);
#end
#end
}
