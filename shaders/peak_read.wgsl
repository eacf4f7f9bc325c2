// The peak of reading: every word of x once.
// Layout: x by vec4; out is written where a sum equals `never`, which none does.
// Work: RUN vec4s an invocation, neighbouring lanes on neighbours. Bound by memory bandwidth.
// Reached: it is itself the measure, "read" of girih bench peak.
struct Params {
    count: u32,
    never: f32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let first = linear_workgroup(group, groups) * (WG * RUN) + lane;
    var sum = vec4<f32>();
    for (var r = 0u; r < RUN; r++) {
        let index = first + r * WG;
        if (index < p.count) {
            sum += x[index];
        }
    }
    if (sum.x + sum.y + sum.z + sum.w == p.never) {
        out[0] = 1.0;
    }
}
