// out[i] = value(i), the element-wise program that the planner fills in below, with its operands' bindings.
// Layout: row-major, contiguous; Elem is f32, vec4<f32> or, for f16 results,
// vec2<f32>; i counts Elems. f16 lie two in a u32, the first one lower.
// Work: RUN Elems an invocation, WG apart, of which MORE are loaded with the first. Accumulates nothing. Bound by memory
// bandwidth.
// Reached: 93 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 90 % on Mesa 26 (add of 64x64x32x32); 86 % on
// an H200 (relu of 256x64x32x32).
struct Params {
    count: u32,
}
#import params
#import grid
#import activation
#import half
#code

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let first = linear_workgroup(group, groups) * (WG * RUN) + lane;
    for (var r = 0u; r < RUN; r += 1u + MORE) {
        let index = first + r * WG;
        if (index < p.count) {
            let one = value(index);
#repeat m MORE
            let index$m = index + ($mu + 1u) * WG;
            let more$m = value(min(index$m, p.count - 1u));
#end
            out[index] = stored(one);
#repeat m MORE
            if (index$m < p.count) {
                out[index$m] = stored(more$m);
            }
#end
        }
    }
}
