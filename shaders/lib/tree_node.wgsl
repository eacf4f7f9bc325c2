// The inner node that is number `at` of level p.level of `levels` [1 + levels, 2] (first and count), NO_NODE where the level has
// fewer: the table is the host's, and one that is wrong must not lead past an end.
const NO_NODE = 0xffffffffu;

fn node_of(at: u32) -> u32 {
    let node = levels[2u * p.level] + at;
    return select(NO_NODE, node, at < levels[2u * p.level + 1u] && node < ROWS - LEAVES);
}
