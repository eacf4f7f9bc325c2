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
// Reached, with all its dispatches: 47 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 38 % on Mesa 26
// (16x128x16x16 by 128 of 3x3).
#import conv_window
#code

fn store(i: u32, sum: vec4<f32>, inside: bool) {
    if (inside) {
        var value = sum;
        if (p.resume == 1u) {
            value += before(i);
        }
        y[i] = epilogue(value, i);
    }
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
#import conv_window_sums
    let plane = p.oh * p.ow4;
    let first = p.y_first + ((image * p.o + first_o) * p.oh + row) * p.ow4 + quad;
#repeat r 4
    let inside$r = live && row + $ru < p.oh;
#repeat h 2
#repeat e 4
    store(first + (4u * $hu + $eu) * plane + $ru * p.ow4, s$r$h$e, inside$r && first_o + 4u * $hu + $eu < p.end_o);
#end
#end
#end
}
