// The peak of writing: every word of out once.
// Layout: out by vec4. Work: RUN vec4s an invocation, neighbouring lanes on neighbours. Bound by memory bandwidth.
// Reached: it is itself the measure, "write" of girih bench peak.
struct Params {
    count: u32,
    value: f32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read_write> out: array<vec4<f32>>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let first = linear_workgroup(group, groups) * (WG * RUN) + lane;
    for (var r = 0u; r < RUN; r++) {
        let index = first + r * WG;
        if (index < p.count) {
            out[index] = vec4<f32>(p.value);
        }
    }
}
