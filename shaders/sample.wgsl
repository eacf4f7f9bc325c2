// out = a class of each row, drawn with the probabilities softmax(logits / temperature) among the top_k largest.
// Layout: logits [rows, CLASSES]; clock (seed, step); out [rows].
// Work: a row a workgroup, as many neighbouring classes a lane: the largest, then, bit by bit, the least key that takes part,
// then the sum of all weights, then a walk along those of one lane. Accumulates f32, lanes in order. Bound by loads: a row is
// read three times, or 35 times where not all classes take part; a workgroup shares them because software drivers stop the
// loops of an invocation after 65,535 turns in all.
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

const LEAST: f32 = -3.4e38;

var<workgroup> values: array<f32, WG>;
var<workgroup> numbers: array<u32, WG>;

// Orders as the number does; both zeros are one.
fn key(value: f32) -> u32 {
    let bits = bitcast<u32>(select(value, 0.0, value == 0.0));
    return select(bits | 0x80000000u, ~bits, bits >= 0x80000000u);
}

// What a class weighs beside the largest: nothing below the `edge`, a key.
fn weight(logit: f32, largest: f32, edge: u32) -> f32 {
    return select(0.0, exp((logit - largest) / p.temperature), key(logit) >= edge);
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = linear_workgroup(group, groups);
    if (row >= p.rows) {
        return;
    }
    let start = row * CLASSES;
    let each = (CLASSES + WG - 1u) / WG;
    let begin = start + min(lane * each, CLASSES);
    let end = start + min(lane * each + each, CLASSES);
    var largest = LEAST;
    var best = 0u;
    for (var at = begin; at < end; at++) {
        let logit = logits[at];
        if (logit > largest) {
            largest = logit;
            best = at - start;
        }
    }
    values[lane] = largest;
    numbers[lane] = best;
    workgroupBarrier();
    largest = values[0];
    best = numbers[0];
    for (var other = 1u; other < WG; other++) {
        if (values[other] > largest) {
            largest = values[other];
            best = numbers[other];
        }
    }
    if (p.temperature == 0.0) {
        if (lane == 0u) {
            out[row] = best;
        }
        return;
    }
    // The largest key that as many classes as are wanted reach.
    var edge = 0u;
    if (p.top_k < CLASSES) {
        for (var bit = 0x80000000u; bit > 0u; bit >>= 1u) {
            var reach = 0u;
            for (var at = begin; at < end; at++) {
                reach += select(0u, 1u, key(logits[at]) >= (edge | bit));
            }
            workgroupBarrier();
            numbers[lane] = reach;
            workgroupBarrier();
            reach = 0u;
            for (var other = 0u; other < WG; other++) {
                reach += numbers[other];
            }
            edge |= select(0u, bit, reach >= p.top_k);
        }
    }
    var sum = 0.0;
    for (var at = begin; at < end; at++) {
        sum += weight(logits[at], largest, edge);
    }
    workgroupBarrier();
    values[lane] = sum;
    workgroupBarrier();
    var total = 0.0;
    for (var other = 0u; other < WG; other++) {
        total += values[other];
    }
    var left = unit(pcg4d(vec4<u32>(clock[0], clock[1], p.stream, row)).x) * total;
    var owner = 0u;
    while (owner < WG && left >= values[owner]) {
        left -= values[owner];
        owner++;
    }
    // What rounding leaves goes to the largest.
    if (owner == WG && lane == 0u) {
        out[row] = best;
    }
    if (owner == lane) {
        var drawn = best;
        for (var at = begin; at < end; at++) {
            left -= weight(logits[at], largest, edge);
            if (left < 0.0) {
                drawn = at - start;
                break;
            }
        }
        out[row] = drawn;
    }
}
