#import group
// The largest value in a group, for each of its invocations; by the steps of group_sum.
fn group_max(value: Part, lane: u32) -> Part {
    let own = lane % LANES;
    workgroupBarrier();
    partial[lane] = value;
    workgroupBarrier();
    if (own < KEPT) {
        var largest = value;
        for (var i = 1u; i < FOLDED; i++) {
            largest = max(largest, partial[lane + i * KEPT]);
        }
        partial[lane] = largest;
    }
    workgroupBarrier();
    var top = partial[lane - own];
    for (var i = 1u; i < KEPT; i++) {
        top = max(top, partial[lane - own + i]);
    }
    return top;
}
