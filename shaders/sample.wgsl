// out = a class of each row, drawn with the probabilities softmax(logits / temperature) among the top_k largest.
// Layout: logits [rows, CLASSES]; clock (seed, step); out [rows].
// Work: a row an invocation: the largest top_k one after another, then the sum of all weights, then a walk along them.
// Accumulates f32. Bound by loads: a row is read top_k + 2 times, or three times where all classes take part.
// Reached: not measured by itself: one row of scores a character.
struct Params {
    rows: u32,
    top_k: u32,
    stream: u32,
    temperature: f32,
}
#import params
#import grid
#import random
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> clock: array<u32>;
@group(0) @binding(2) var<storage, read_write> out: array<u32>;

// What a class weighs beside the largest: nothing below the `edge`.
fn weight(logit: f32, largest: f32, edge: f32) -> f32 {
    return select(0.0, exp((logit - largest) / p.temperature), logit >= edge);
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = linear_workgroup(group, groups) * WG + lane;
    if (row >= p.rows) {
        return;
    }
    let first = row * CLASSES;
    var largest = logits[first];
    var best = 0u;
    for (var number = 1u; number < CLASSES; number++) {
        let logit = logits[first + number];
        if (logit > largest) {
            largest = logit;
            best = number;
        }
    }
    if (p.temperature == 0.0) {
        out[row] = best;
        return;
    }
    // The edge goes down from value to value until as many as are wanted lie at or above it.
    var edge = largest;
    if (p.top_k == CLASSES) {
        edge = -3.4e38;
    } else {
        var above = 0u;
        for (var turn = 0u; turn < p.top_k; turn++) {
            var below = -3.4e38;
            above = 0u;
            for (var number = 0u; number < CLASSES; number++) {
                let logit = logits[first + number];
                above += select(0u, 1u, logit >= edge);
                below = select(below, max(below, logit), logit < edge);
            }
            if (above >= p.top_k) {
                break;
            }
            edge = below;
        }
    }
    var total = 0.0;
    for (var number = 0u; number < CLASSES; number++) {
        total += weight(logits[first + number], largest, edge);
    }
    var left = unit(pcg4d(vec4<u32>(clock[0], clock[1], p.stream, row)).x) * total;
    // What rounding leaves goes to the largest.
    var drawn = best;
    for (var number = 0u; number < CLASSES; number++) {
        left -= weight(logits[first + number], largest, edge);
        if (left < 0.0) {
            drawn = number;
            break;
        }
    }
    out[row] = drawn;
}
