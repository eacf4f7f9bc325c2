// sums[m, q] = Σ a[m, k] · b[k, q] over the k of a part, in tiles of 16·RM × 64 by way of workgroup memory: what the
// conv2d_tile kernels share, over the functions of lib/conv_forward, conv_d_input or conv_d_weight.
// Work: RM rows of four columns an invocation, of 256. Accumulates in f32.
var<workgroup> a_tile: array<vec4<f32>, 64u * RM>;
var<workgroup> b_tile: array<vec4<f32>, 256>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let tile = linear_workgroup(group, groups);
    let part = tile / p.m_tiles / p.q_tiles / p.groups;
    // The same for the whole workgroup.
    if (part >= p.parts) {
        return;
    }
    enter(tile / p.m_tiles / p.q_tiles % p.groups);
    let m_first = tile % p.m_tiles * (16u * RM);
    let column = lane % 16u;
    let row = lane / 16u;
    let q = (tile / p.m_tiles % p.q_tiles * 16u + column) * 4u;
    prepare(q);
    let end = min((part + 1u) * p.k_each, p.k);
    var sums: array<vec4<f32>, RM>;
    for (var first = part * p.k_each; first < end; first += 16u) {
        for (var r = 0u; r < RM / 4u; r++) {
            let i = lane + r * 256u;
            let k = first + i % 16u;
            var words = vec4<f32>();
            if (k < end) {
                words = a_words(m_first + i / 16u * 4u, k);
            }
            a_tile[i % 16u * (4u * RM) + i / 16u] = words;
        }
        var words = vec4<f32>();
        if (first + row < end) {
            words = b_words(q, first + row);
        }
        b_tile[lane] = words;
        workgroupBarrier();
        for (var k = 0u; k < 16u; k++) {
            let b = b_tile[k * 16u + column];
            for (var r = 0u; r < RM / 4u; r++) {
                let a = a_tile[k * (4u * RM) + row * (RM / 4u) + r];
                sums[4u * r] = fma(vec4(a.x), b, sums[4u * r]);
                sums[4u * r + 1u] = fma(vec4(a.y), b, sums[4u * r + 1u]);
                sums[4u * r + 2u] = fma(vec4(a.z), b, sums[4u * r + 2u]);
                sums[4u * r + 3u] = fma(vec4(a.w), b, sums[4u * r + 3u]);
            }
        }
        workgroupBarrier();
    }
    for (var r = 0u; r < RM; r++) {
        put(m_first + row * RM + r, q, part, sums[r]);
    }
}
