// y[n, o, i, j] = sum over c, ky, kx of x[n, c, i·stride + ky·dilation - pad, …] · weight[o, c, ky, kx], then the epilogue:
// each group a matrix product with rows o, columns (n, i, j) and terms (c, ky, kx).
// Layout: x [n, c, h, w], weight [o, c / groups, kh, kw], y [n, o, oh, ow], zeros around the image.
// Work and accumulation: lib/conv_tile. Bound by multiply-adds on GPUs, by barriers and workgroup memory on software drivers.
// Reached: 4.6 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 5.4 % on Mesa 26 (16x128x16x16 by 128 of 3x3).
#import conv_params
#import params
#import grid
#import conv_forward
#code
#import conv_tile
