// Where element k of line i, a row of a or a column of b, lies in an operand packed for matmul_wide: tiles of so many lines, of
// each tile `planes` windows of `run` along K, of each window panels of 32 lines, K-major.
#import divide

fn panel_place(i: u32, k: u32, tile: u32, planes: u32, run: u32) -> u32 {
    let of_lines = divide(i, tile);
    let of_k = divide(k, run);
    let panel = (of_lines * planes + of_k) * (tile / 32u) + (i - of_lines * tile) / 32u;
    return (panel * run + k - of_k * run) * 32u + i % 32u;
}
