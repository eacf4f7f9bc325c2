// The peak of an operation of subgroups: a chain of it, as the generated code below says.
// Layout: out is written where a result equals `never`, which none does.
// Work: 4·TURNS operations an invocation. Bound by the operation's latency or rate.
// Reached: it is itself the measure, "subgroup add, subgroup shuffle" of girih bench peak.
struct Params {
    factor: f32,
    never: f32,
}
#import params
#code

@group(0) @binding(0) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(local_invocation_index) lane: u32) {
    var values = array<f32, 4>(f32(lane), f32(lane) + 1.0, f32(lane) + 2.0, f32(lane) + 3.0);
    for (var i = 0u; i < TURNS; i++) {
        values[0] = step_of(values[0]);
        values[1] = step_of(values[1]);
        values[2] = step_of(values[2]);
        values[3] = step_of(values[3]);
    }
    if (values[0] + values[1] + values[2] + values[3] == p.never) {
        out[0] = 1.0;
    }
}
