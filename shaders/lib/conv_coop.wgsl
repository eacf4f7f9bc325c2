// The entry point of the conv2d_coop kernels: a tile of a part a workgroup, by lib/coop_tile.
@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(subgroup_invocation_id) member: u32,
    @builtin(subgroup_size) members: u32,
) {
    let number = linear_workgroup(group, groups);
    let part = number / p.m_tiles / p.q_tiles / p.groups;
    // The same for the whole workgroup.
    if (part >= p.parts) {
        return;
    }
    enter(number / p.m_tiles / p.q_tiles % p.groups);
    let tile = vec2<u32>(number % p.m_tiles, number / p.m_tiles % p.q_tiles);
    let terms = vec2<u32>(part * p.k_each, min((part + 1u) * p.k_each, p.k));
    product(tile, part, terms, lane, subgroup, member, members);
}
