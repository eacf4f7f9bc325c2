// c[i] = epilogue(sum over p of parts[p, i]): the second pass of a product, or of a weight's gradient, whose sum was divided.
// Layout: parts [part_count, count], c [count] in Out, contiguous.
// Work: WG / SLICES results a workgroup, each by SLICES invocations. Accumulates f32, every SLICES-th part in order, then the
// slices in theirs, whatever ran first. Bound by memory bandwidth.
// Reached: 17 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 28 % on Mesa 26 (1024x1024x1024 NN).
struct Params {
    count: u32,
    part_count: u32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read> parts: array<f32>;
@group(0) @binding(1) var<storage, read_write> c: array<Out>;
#code

const ACROSS: u32 = WG / SLICES;
var<workgroup> slices: array<f32, select(1u, WG, SLICES > 1u)>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_workgroup(group, groups) * ACROSS + lane % ACROSS;
    let there = index < p.count;
    var sum = 0.0;
    if (there) {
        for (var part = lane / ACROSS; part < p.part_count; part += SLICES) {
            sum += parts[part * p.count + index];
        }
    }
    if (SLICES > 1u) {
        slices[lane] = sum;
        workgroupBarrier();
        for (var slice = 1u; lane < ACROSS && slice < SLICES; slice++) {
            sum += slices[slice * ACROSS + lane];
        }
    }
    if (there && lane < ACROSS) {
        c[index] = Out(epilogue(sum, index));
    }
}
