// Where row i and column k of a product lie that matmul_wide leaves in tiles of m by n, so many side by side.
#import divide

fn tile_place(i: u32, k: u32, m: u32, n: u32, columns: u32) -> u32 {
    let down = divide(i, m);
    let right = divide(k, n);
    return ((down * columns + right) * m + i - down * m) * n + k - right * n;
}
