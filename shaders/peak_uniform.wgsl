// The peak of reading a uniform buffer: neighbouring lanes read neighbouring vec4s of 64 KiB, all of them in turn.
// Layout: x by vec4; out is written where a sum equals `never`, which none does.
// Work: 4·TURNS vec4s an invocation. Bound by the caches that uniforms are served from.
// Reached: it is itself the measure, "uniform buffer" of girih bench peak.
struct Params {
    never: f32,
}
#import params

@group(0) @binding(0) var<uniform> x: array<vec4<f32>, 4096>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    // Four sums, so that no load waits for an addition.
    var sums: array<vec4<f32>, 4>;
    let start = lane + group.x * WG;
    for (var i = 0u; i < TURNS; i++) {
        let first = start + 4u * i;
        sums[0] += x[first % 4096u];
        sums[1] += x[(first + 1u) % 4096u];
        sums[2] += x[(first + 2u) % 4096u];
        sums[3] += x[(first + 3u) % 4096u];
    }
    let sum = sums[0] + sums[1] + sums[2] + sums[3];
    if (sum.x + sum.y + sum.z + sum.w == p.never) {
        out[0] = 1.0;
    }
}
