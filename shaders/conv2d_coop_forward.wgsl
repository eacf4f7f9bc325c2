// y[n, o, i, j] = sum over c, ky, kx of x[n, c, i·stride + ky·dilation - pad, …] · weight[o, c, ky, kx], then the epilogue:
// each group a matrix product with rows o, columns (n, i, j) and terms (c, ky, kx).
// Layout: x [n, c, h, w], weight [o, c / groups, kh, kw], y [n, o, oh, ow], zeros around the image.
// Work and accumulation: lib/coop_tile. Bound by the products of matrices, else by filling workgroup memory for them.
// Reached: 42 % of the roofline measured on two cores' llvmpipe of Mesa 26 (64x32x16x16 by 64 of 3x3, f16).
#import conv_params
#import params
#import grid
#import conv_forward
#code
#import coop_tile
#import conv_coop
