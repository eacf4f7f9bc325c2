// d_x[n, c, i, j] = sum over o, ky, kx of d_y[n, o, (i + pad - ky·dilation) / stride, …] · weight[o, c, ky, kx], where the
// division leaves no rest, then the epilogue: each group a matrix product with rows c, columns (n, i, j) and terms (o, ky, kx).
// Layout: d_y [n, o, oh, ow], weight [o, c / groups, kh, kw], d_x [n, c, h, w].
// Work and accumulation: lib/conv_tile. Bound by multiply-adds on GPUs, by barriers and workgroup memory on software drivers.
// Reached: 4.3 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 4.9 % on Mesa 26 (16x128x16x16 by 128 of 3x3).
#import conv_params
#import params
#import grid
#import conv_d_input
#code
#import conv_tile
