// out[i] = value(i), the element-wise program that the planner fills in below, with its operands' bindings.
// Layout: row-major, contiguous; Elem is f32 or vec4<f32>; i counts Elems.
// Work: RUN neighbouring-workgroup Elems an invocation. Accumulates nothing. Bound by memory bandwidth.
struct Params {
    count: u32,
}
#import params
#import grid
#import activation
#code

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
            out[index] = value(index);
        }
    }
}
