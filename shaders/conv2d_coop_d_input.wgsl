// d_x[n, c, i, j] = sum over o, ky, kx of d_y[n, o, (i + pad - ky·dilation) / stride, …] · weight[o, c, ky, kx], where the
// division leaves no rest, then the epilogue: each group a matrix product with rows c, columns (n, i, j) and terms (o, ky, kx).
// Layout: d_y [n, o, oh, ow], weight [o, c / groups, kh, kw], d_x [n, c, h, w].
// Work and accumulation: lib/coop_tile. Bound by the products of matrices, else by filling workgroup memory for them.
// Reached: 15 % of the roofline measured on two cores' llvmpipe of Mesa 26 (64x32x16x16 by 64 of 3x3, f16).
#import conv_params
#import params
#import grid
#import conv_d_input
#code
#import coop_tile
#import conv_coop
