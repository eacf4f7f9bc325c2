// scatter_add_link of some whole chunks and at the end a part of one, whose indices are read as a uniform window, four at once.
// Layout: indices [4 * fours] from the window's first on, links [B]; the window begins at p.start; CHUNK is a multiple of 4.
// Work: one b an invocation, which scans its chunk.
// Bound by the scan.
struct Params {
    start: u32,
    fours: u32,
}
#import params
#import grid
#import scatter_link
@group(0) @binding(0) var<storage, read> indices: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> links: array<u32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let b = linear_workgroup(group, groups) * WG + lane;
    if (b >= 4u * p.fours) {
        return;
    }
    let row = indices[b / 4u][b % 4u];
    var link = LAST;
    var later = 0u;
    let first = b / CHUNK * (CHUNK / 4u);
    let end = min(first + CHUNK / 4u, p.fours);
    for (var j = first; j < end; j++) {
        let same = indices[j] == vec4<u32>(row);
        if (any(same)) {
            for (var i = 0u; i < 4u; i++) {
                let at = 4u * j + i;
                later |= select(0u, LATER, same[i] && at < b);
                link = min(link, select(LAST, p.start + at, same[i] && at > b));
            }
        }
    }
    links[p.start + b] = link | later;
}
