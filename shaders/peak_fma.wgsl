// The peak of multiply-adds: chains of them in registers, side by side, in Scalar (f32 or f16) by fours (Elem).
// Layout: reads parameters alone; out is written where a result equals `never`, which none does.
// Work: TURNS turns of the chains that the generated code below lays out. Bound by arithmetic.
// Reached: it is itself the measure, "fma f32, fma f16" of girih bench peak.
struct Params {
    factor: f32,
    shift: f32,
    never: f32,
}
#import params
#code

@group(0) @binding(0) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(local_invocation_index) lane: u32) {
    // Every chain starts elsewhere: equal ones would be computed once.
    let first = Scalar(lane);
    let start = Elem(first, first + Scalar(1.0), first + Scalar(2.0), first + Scalar(3.0));
    let result = chains(start, Elem(Scalar(p.factor)), Elem(Scalar(p.shift)));
    if (f32(result.x + result.y + result.z + result.w) == p.never) {
        out[0] = 1.0;
    }
}
