// variable ← x.
// Layout: both flat, in Elems (f32 or vec4 of neighbours), of which first to end are set.
// Work: RUN Elems an invocation, WG apart and loaded together. Bound by memory bandwidth.
// Reached: not measured by itself; copy_rows says what its kind reaches.
struct Params {
    first: u32,
    end: u32,
}
#import params
#import grid

@group(0) @binding(0) var<storage, read_write> variable: array<Elem>;
@group(0) @binding(1) var<storage, read> x: array<Elem>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = p.first + linear_workgroup(group, groups) * (WG * RUN) + lane;
    if (i >= p.end) {
        return;
    }
    let one = x[i];
#repeat m MORE
    let i$m = i + ($mu + 1u) * WG;
    let more$m = x[min(i$m, p.end - 1u)];
#end
    variable[i] = one;
#repeat m MORE
    if (i$m < p.end) {
        variable[i$m] = more$m;
    }
#end
}
