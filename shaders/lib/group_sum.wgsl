#import group
// The sum over a group, for each of its invocations, in an order that is always the same: KEPT of them add up FOLDED values
// each, then every one those. A barrier costs more than some loads: two steps, not one for each power of two.
fn group_sum(value: Part, lane: u32) -> Part {
    let own = lane % LANES;
    workgroupBarrier();
    partial[lane] = value;
    workgroupBarrier();
    if (own < KEPT) {
        var sum = value;
        for (var i = 1u; i < FOLDED; i++) {
            sum += partial[lane + i * KEPT];
        }
        partial[lane] = sum;
    }
    workgroupBarrier();
    var total = partial[lane - own];
    for (var i = 1u; i < KEPT; i++) {
        total += partial[lane - own + i];
    }
    return total;
}
