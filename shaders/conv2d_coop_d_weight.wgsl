// out[part, o, c, ky, kx] = sum over the part's (n, i, j) of d_y[n, o, i, j] · x[n, c, i·stride + ky·dilation - pad, …]: each group a
// matrix product with rows o, columns (c, ky, kx), and terms (n, i, j).
// Layout: x [n, c, h, w], d_y [n, o, oh, ow], out [parts, o, c / groups, kh, kw].
// Work and accumulation: lib/coop_tile. Bound by the products of matrices, else by filling workgroup memory for them.
// Reached: 24 % of the roofline measured on two cores' llvmpipe of Mesa 26 (64x32x16x16 by 64 of 3x3, f16).
#import conv_params
#import params
#import grid
#import conv_d_weight
#import coop_tile
#import conv_coop
