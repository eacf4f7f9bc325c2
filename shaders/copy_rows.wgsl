// out[to_start + row * to_pitch + i] = x[from_start + row * from_pitch + i]: concat, slice, pack.
// Layout: rows of LEN Elems, each contiguous; LEN = 0 means one row of any length. Elem is u32 or vec4<u32>: bits are
// copied whatever they mean. All parameters count Elems.
// Work: RUN Elems an invocation, WG apart, of which MORE are loaded with the first. Accumulates nothing. Bound by memory
// bandwidth: each byte is read and written once.
// Reached: 73 % of the roofline measured on two cores' llvmpipe of Mesa 22.3, 123 % on Mesa 26 (gru-reset-before
// 128→256, 64 steps, forward and backward, batch 32).
struct Params {
    count: u32,
    from_start: u32,
    from_pitch: u32,
    to_start: u32,
    to_pitch: u32,
}
#import params
#import grid
@group(0) @binding(0) var<storage, read> x: array<Elem>;
@group(0) @binding(1) var<storage, read_write> out: array<Elem>;

// Where a copy's Elem lies, of the rows from `start` on, each `pitch` from the one before.
fn place(index: u32, start: u32, pitch: u32) -> u32 {
    // A constant divisor: division by a parameter costs more than the copy.
    let row = select(0u, index / max(LEN, 1u), LEN > 0u);
    return start + row * pitch + (index - row * LEN);
}

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
            let one = x[place(index, p.from_start, p.from_pitch)];
#repeat m MORE
            let index$m = index + ($mu + 1u) * WG;
            let more$m = x[place(min(index$m, p.count - 1u), p.from_start, p.from_pitch)];
#end
            out[place(index, p.to_start, p.to_pitch)] = one;
#repeat m MORE
            if (index$m < p.count) {
                out[place(index$m, p.to_start, p.to_pitch)] = more$m;
            }
#end
        }
    }
}
