// out = mean and variance of each channel, from the means m and the sums of squares s about them of its parts: mean = Σ
// n·m / Σ n, variance = Σ(s + n·(m − mean)²) / Σ n, with n the elements of a part.
// Layout: of_parts [parts, 2, channels], out [2, channels]; a part is a rectangle of rows_each × run_each of rows × run.
// Work: one channel a group of LANES invocations, WG / LANES groups a workgroup, each some of the parts. Accumulates in f32.
// Bound by latency: all of an invocation's parts are few, and read twice.
// Reached: not measured by itself.
struct Params {
    channels: u32,
    parts: u32,
    rows: u32,
    run: u32,
    rows_each: u32,
    run_parts: u32,
    run_each: u32,
}
#import params
#import grid
alias Part = f32;
#import group_sum

@group(0) @binding(0) var<storage, read> of_parts: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

fn elements(part: u32) -> f32 {
    let rows = min(p.rows_each, p.rows - part / p.run_parts * p.rows_each);
    let run = min(p.run_each, p.run - part % p.run_parts * p.run_each);
    return f32(rows * run);
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let given = linear_workgroup(group, groups) * (WG / LANES) + lane / LANES;
    let channel = min(given, p.channels - 1u);
    let count = f32(p.rows * p.run);
    // Relative to the first part's mean: the differences are small.
    let shift = of_parts[channel];
    var offsets = 0.0;
    for (var part = lane % LANES; part < p.parts; part += LANES) {
        offsets += elements(part) * (of_parts[part * 2u * p.channels + channel] - shift);
    }
    let offset = group_sum(offsets, lane) / count;
    var squares = 0.0;
    for (var part = lane % LANES; part < p.parts; part += LANES) {
        let at = part * 2u * p.channels + channel;
        let apart = of_parts[at] - shift - offset;
        squares += of_parts[at + p.channels] + elements(part) * apart * apart;
    }
    let sum = group_sum(squares, lane);
    if (lane % LANES == 0u && given < p.channels) {
        out[channel] = shift + offset;
        out[p.channels + channel] = sum / count;
    }
}
