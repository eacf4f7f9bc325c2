// A matrix product of one's own: docs/kernels.md has the contract, `girih bench matmul --wgsl examples/matmul.wgsl`
// checks and times it, and examples/custom_kernel.rs trains a network with it.
//
// girih: op = matmul
// girih: dispatch = ceil(n / 32), ceil(m / 32)
//
// c[i, j] = epilogue(Σ a[i, k] · b[k, j]): tiles of 32×32 by way of workgroup memory.
// Layout: a and b as the strides say, so that either may be stored transposed; c row-major, contiguous. One product: for
// a batch of them it would have to name `batch`.
// Work: a tile a workgroup of 64, 4×4 results an invocation. Accumulates f32 in order of k.
struct Params {
    m: u32,
    n: u32,
    k: u32,
    a_row: u32,
    a_k: u32,
    b_k: u32,
    b_column: u32,
}
#import params
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
#code

const TILE = 32u;
const STEP = 16u;

// [k, row] and [k, column], zeros past the end.
var<workgroup> tile_a: array<f32, TILE * STEP>;
var<workgroup> tile_b: array<f32, TILE * STEP>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let first_row = group.y * TILE;
    let first_column = group.x * TILE;
    let row = lane / 8u * 4u;
    let column = lane % 8u * 4u;
    var sums = array<vec4<f32>, 4>();
    for (var start = 0u; start < p.k; start += STEP) {
        workgroupBarrier();
        for (var i = lane; i < TILE * STEP; i += 64u) {
            let k = start + i / TILE;
            let r = first_row + i % TILE;
            let s = first_column + i % TILE;
            tile_a[i] = 0.0;
            tile_b[i] = 0.0;
            if (k < p.k && r < p.m) {
                tile_a[i] = a[r * p.a_row + k * p.a_k];
            }
            if (k < p.k && s < p.n) {
                tile_b[i] = b[k * p.b_k + s * p.b_column];
            }
        }
        workgroupBarrier();
        for (var i = 0u; i < STEP; i++) {
            let at_a = i * TILE + row;
            let at_b = i * TILE + column;
            let of_b = vec4<f32>(tile_b[at_b], tile_b[at_b + 1u], tile_b[at_b + 2u], tile_b[at_b + 3u]);
            for (var r = 0u; r < 4u; r++) {
                sums[r] = fma(vec4<f32>(tile_a[at_a + r]), of_b, sums[r]);
            }
        }
    }
    for (var r = 0u; r < 4u; r++) {
        for (var s = 0u; s < 4u; s++) {
            let i = first_row + row + r;
            let j = first_column + column + s;
            if (i < p.m && j < p.n) {
                let to = i * p.n + j;
                c[to] = epilogue(sums[r][s], to);
            }
        }
    }
}
