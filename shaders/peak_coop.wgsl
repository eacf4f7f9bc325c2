// The peak of cooperative matrices of SIDE × SIDE: eight chains of products side by side, as in lib/coop_tile, of f16 added
// up in f32.
// Layout: reads nothing; out is written where a sum equals `never`, which none does.
// Work: TURNS turns of eight products a subgroup. Bound by the matrix units. Indices and strides are values of their own:
// naga does not emit what stands inside a cooperative operation.
// Reached: it is itself the measure, "coop f16" of girih bench peak.
struct Params {
    never: f32,
}
#import params

@group(0) @binding(0) var<storage, read_write> out: array<f32>;

var<workgroup> operands: array<f16, 6u * SIDE * SIDE>;
// Every subgroup's, one over the other: nobody wants them.
var<workgroup> sums: array<f32, SIDE * SIDE>;

@compute @workgroup_size(WG)
fn main(@builtin(local_invocation_index) lane: u32) {
    for (var i = lane; i < 6u * SIDE * SIDE; i += WG) {
        operands[i] = f16(f32(i % 11u) * 0.01 - 0.05);
    }
    workgroupBarrier();
    let side = SIDE;
    let start = 0u;
    let second = SIDE * SIDE;
    let third = 2u * second;
    let fourth = 3u * second;
    let fifth = 4u * second;
    let sixth = 5u * second;
    let a0 = coopLoadT<CoopA>(&operands[start], side);
    let a1 = coopLoadT<CoopA>(&operands[second], side);
    let b0 = coopLoadT<CoopB>(&operands[third], side);
    let b1 = coopLoadT<CoopB>(&operands[fourth], side);
    let b2 = coopLoadT<CoopB>(&operands[fifth], side);
    let b3 = coopLoadT<CoopB>(&operands[sixth], side);
    var s00 = CoopC();
    var s01 = CoopC();
    var s02 = CoopC();
    var s03 = CoopC();
    var s10 = CoopC();
    var s11 = CoopC();
    var s12 = CoopC();
    var s13 = CoopC();
    for (var i = 0u; i < TURNS; i++) {
        s00 = coopMultiplyAdd(a0, b0, s00);
        s01 = coopMultiplyAdd(a0, b1, s01);
        s02 = coopMultiplyAdd(a0, b2, s02);
        s03 = coopMultiplyAdd(a0, b3, s03);
        s10 = coopMultiplyAdd(a1, b0, s10);
        s11 = coopMultiplyAdd(a1, b1, s11);
        s12 = coopMultiplyAdd(a1, b2, s12);
        s13 = coopMultiplyAdd(a1, b3, s13);
    }
    let sum = s00 + s01 + s02 + s03 + s10 + s11 + s12 + s13;
    coopStoreT(sum, &sums[start], side);
    workgroupBarrier();
    if (sums[lane % (SIDE * SIDE)] == p.never) {
        out[0] = 1.0;
    }
}
