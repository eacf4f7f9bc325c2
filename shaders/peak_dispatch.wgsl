// The cost of a dispatch: out[0] += 1, so that each dispatch waits for the one before it, as the layers of a network do.
// Layout: out [1]. Work: one invocation in all. Bound by what the driver does between dispatches.
// Reached: it is itself the measure, "dispatch" of girih bench peak.
@group(0) @binding(0) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(1)
fn main() {
    out[0] += 1.0;
}
