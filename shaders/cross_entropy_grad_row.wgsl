// d_logits[row, i] = d_loss[row] · (softmax(x)[i] − (1 − s) · [i = label] − s / classes); 0 for an ignored label.
// Layout: logits and d_logits [rows, length] in Elems, f32 or vec4 of neighbours; labels and d_loss [rows].
// Work: LANES invocations a row, WG / LANES rows a workgroup; an invocation keeps its EACH Elems, LANES apart, in registers,
// so that each byte is read once, all at once, and written once. Accumulates in f32, by invocation and then by group. Bound
// by memory bandwidth.
// Reached: 86 % of the roofline measured on an H200 (16384x1000).
struct Params {
    rows: u32,
    length: u32,
    ignore_index: u32,
    smoothing: f32,
}
#import params
#import grid
alias Part = f32;
#import group_max
#import group_sum
#code

@group(0) @binding(0) var<storage, read> logits: array<Elem>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> d_loss: array<f32>;
@group(0) @binding(3) var<storage, read_write> d_logits: array<Elem>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = linear_workgroup(group, groups) * (WG / LANES) + lane / LANES;
    let at = min(row, p.rows - 1u);
    let first = at * p.length;
    let own = lane % LANES;
    let label = labels[at];
    let d = d_loss[at];
    let ignored = label == p.ignore_index;
    // What is past a row's end is its last Elem: a maximum does not mind.
#repeat e EACH
    let x$e = logits[first + min(own + $eu * LANES, p.length - 1u)];
#end
    var tops = x0;
#repeat e EACH
    tops = max(tops, x$e);
#end
    let top = group_max(highest(tops), lane);

    var sums = Elem(0.0);
#repeat e EACH
    let exp$e = exp(x$e - Elem(top));
    sums += select(Elem(0.0), exp$e, own + $eu * LANES < p.length);
#end
    let scale = 1.0 / group_sum(total(sums), lane);
    if (row >= p.rows) {
        return;
    }
    let spread = Elem(p.smoothing / f32(p.length * WIDTH));
#repeat e EACH
    if (own + $eu * LANES < p.length) {
        let hit = spread + only(own + $eu * LANES, label, 1.0 - p.smoothing);
        d_logits[first + own + $eu * LANES] = select(d * (exp$e * scale - hit), Elem(0.0), ignored);
    }
#end
}
