// The peak of reading workgroup memory: neighbouring lanes read neighbouring vec4s, all of them in turn.
// Layout: out is written where a sum equals `never`, which none does.
// Work: 4·TURNS vec4s an invocation. Bound by workgroup memory.
// Reached: it is itself the measure, "workgroup memory" of girih bench peak.
struct Params {
    never: f32,
}
#import params

@group(0) @binding(0) var<storage, read_write> out: array<f32>;

var<workgroup> tile: array<vec4<f32>, WG>;

@compute @workgroup_size(WG)
fn main(@builtin(local_invocation_index) lane: u32) {
    tile[lane] = vec4<f32>(f32(lane), 1.0, 2.0, 3.0);
    workgroupBarrier();
    // Four sums, so that no load waits for an addition.
    var sums: array<vec4<f32>, 4>;
    for (var i = 0u; i < TURNS; i++) {
        let first = lane + 4u * i;
        sums[0] += tile[first % WG];
        sums[1] += tile[(first + 1u) % WG];
        sums[2] += tile[(first + 2u) % WG];
        sums[3] += tile[(first + 3u) % WG];
    }
    let sum = sums[0] + sums[1] + sums[2] + sums[3];
    if (sum.x + sum.y + sum.z + sum.w == p.never) {
        out[0] = 1.0;
    }
}
