// links[b] = the next b' of b's chunk with indices[b'] = indices[b], with LATER where an earlier one has it too.
// Layout: indices and links [B]; a chunk is CHUNK neighbouring b.
// Work: one b an invocation, which scans its chunk.
// Bound by the scan, whose indices neighbouring lanes share: a third of what scatter_add_rows takes, in software.
struct Params {
    count: u32,
}
#import params
#import grid
#import scatter_link
@group(0) @binding(0) var<storage, read> indices: array<u32>;
@group(0) @binding(1) var<storage, read_write> links: array<u32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let b = linear_workgroup(group, groups) * WG + lane;
    if (b >= p.count) {
        return;
    }
    let row = indices[b];
    var link = LAST;
    var later = 0u;
    let start = b / CHUNK * CHUNK;
    let end = min(start + CHUNK, p.count);
    for (var j = start; j < end; j++) {
        let same = indices[j] == row;
        later |= select(0u, LATER, same && j < b);
        link = min(link, select(LAST, j, same && j > b));
    }
    links[b] = link | later;
}
