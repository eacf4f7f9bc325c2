//! Times convolutions: `bench_conv [FILTER [STRATEGY [RUNS]]]`. For each pass of each shape whose label contains FILTER:
//! wall time of a run (submit and wait) as the median of RUNS, the time to make the kernels and run once, and a sample of
//! the results against f64.

use std::collections::BTreeMap;
use std::time::Instant;

use girih::gpu::{AdapterSelector, Device, DeviceOptions, Profile};
use girih::graph::{Graph, Op};
use girih::ops::conv2d::{Conv2d, Conv2dDInput, Conv2dDWeight};
use girih::plan::{Choice, Plan, PlanOptions, Session, Variables};
use girih::tensor::TensorType;
use girih::tensor::random::Random;

type Failure = Box<dyn std::error::Error>;

/// Label, x and weight.
const SHAPES: &[(&str, [usize; 4], [usize; 4])] = &[
    ("cnn1", [64, 3, 32, 32], [32, 3, 3, 3]),
    ("cnn2", [64, 32, 16, 16], [64, 32, 3, 3]),
    ("cnn3", [64, 64, 8, 8], [128, 64, 3, 3]),
    ("cnn1-single", [1, 3, 32, 32], [32, 3, 3, 3]),
    ("cnn2-single", [1, 32, 16, 16], [64, 32, 3, 3]),
    ("cnn3-single", [1, 64, 8, 8], [128, 64, 3, 3]),
    ("res0", [16, 3, 32, 32], [64, 3, 3, 3]),
    ("res1", [16, 64, 32, 32], [128, 64, 3, 3]),
    ("res2", [16, 128, 16, 16], [128, 128, 3, 3]),
    ("res3", [16, 128, 16, 16], [256, 128, 3, 3]),
    ("res4", [16, 256, 8, 8], [512, 256, 3, 3]),
    ("res5", [16, 512, 4, 4], [512, 512, 3, 3]),
    ("down", [16, 32, 16, 16], [64, 32, 3, 3]),
    ("point", [16, 64, 16, 16], [128, 64, 1, 1]),
];

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let filter = arguments.next().unwrap_or_default();
    let strategy = arguments.next().filter(|s| s != "-");
    let runs = arguments.next().map_or(Ok(7), |n| n.parse())?;
    let adapter = match std::env::var("GIRIH_ADAPTER") {
        Ok(name) if !name.is_empty() => AdapterSelector::Named(name),
        _ => AdapterSelector::Best,
    };
    let device = Device::open_blocking(&DeviceOptions { adapter, profile: Profile::Offered, checked: false })?;
    println!("{} ({})", device.name(), device.driver());
    println!(
        "{:28} {:>10} {:>6} {:>9} {:>9} {:>9} {:>9} {:>8} {:>8} {:>8}",
        "case", "strategy", "calls", "first ms", "its cpu", "median ms", "best ms", "GFLOP/s", "by cpu", "error"
    );
    for &(label, x, weight) in SHAPES {
        let conv = if label == "down" { Conv2d::same(3).stride([2, 2]) } else { Conv2d::same(weight[2]) };
        for pass in ["forward", "fused", "d_input", "d_weight"] {
            let name = format!("{label} {pass}");
            if name.contains(&filter) {
                time(&device, &name, pass, x, weight, &conv, strategy.as_deref(), runs)?;
            }
        }
    }
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "what a row of the table is")]
fn time(
    device: &Device,
    name: &str,
    pass: &str,
    x: [usize; 4],
    weight: [usize; 4],
    conv: &Conv2d,
    strategy: Option<&str>,
    runs: usize,
) -> Result<(), Failure> {
    let types = [TensorType::f32(x), TensorType::f32(weight)];
    let y_type = conv.infer(&types).map_err(|e| e.0)?;
    let mut graph = Graph::new();
    let first = graph.input("a", if pass == "d_input" { y_type.clone() } else { types[0].clone() });
    let second = graph.input("b", if pass == "d_weight" { y_type.clone() } else { types[1].clone() });
    let bias = graph.input("bias", TensorType::f32([weight[0]]));
    let output = match pass {
        "d_input" => graph.apply(Conv2dDInput { conv: *conv, size: [x[2], x[3]] }, &[first, second])?,
        "d_weight" => graph.apply(Conv2dDWeight { conv: *conv, kernel: [weight[2], weight[3]] }, &[first, second])?,
        "fused" => {
            let y = graph.conv2d(first, second, Some(bias), conv)?;
            graph.relu(y)?
        }
        _ => graph.conv2d(first, second, None, conv)?,
    };
    let op = ["conv2d", "conv2d_d_input", "conv2d_d_weight"];
    let named: BTreeMap<String, String> =
        strategy.map(|s| op.map(|op| (op.to_owned(), s.to_owned()))).into_iter().flatten().collect();
    let options = PlanOptions { choice: Choice::Named(named), ..PlanOptions::default() };
    let plan = Plan::new(&graph, &[("output", output)], device.caps(), &options)?;
    let (taken, calls) = (plan.strategies[0], plan.recording.dispatches.len());
    let flops: u64 = plan.recording.dispatches.iter().map(|d| d.flops).sum();
    let mut random = Random::new(5, 0, 1);
    let mut draw = |count: usize| (0..count).map(|_| random.uniform() * 2.0 - 1.0).collect::<Vec<f32>>();
    let (a, b, c) = (draw(graph.ty(first).count()), draw(graph.ty(second).count()), draw(weight[0]));
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let session = Session::new(device, plan, &Variables::new(device, &graph, 1)?)?;
    session.write_f32("a", &a)?;
    session.write_f32("b", &b)?;
    session.write_f32("bias", &c)?;
    session.submit();
    device.wait()?;
    let first_ms = start.elapsed().as_secs_f64() * 1e3;
    let first_cpu = (cpu_seconds() - cpu) * 1e3;
    let mut times = Vec::new();
    let cpu = cpu_seconds();
    for _ in 0..runs {
        let start = Instant::now();
        session.submit();
        device.wait()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let cpu_ms = (cpu_seconds() - cpu) * 1e3 / runs as f64;
    times.sort_by(f64::total_cmp);
    let (median, best) = (times[runs / 2], times[0]);
    let found = session.read("output")?.wait()?.to_array().values;
    let sizes = Sizes { x, weight, y: four(&y_type), conv: *conv };
    let error = sizes.sample(pass, &a, &b, &c, &found);
    let rate = flops as f64 / median / 1e6;
    println!(
        "{name:28} {taken:>10} {calls:>6} {first_ms:>9.0} {first_cpu:>9.0} {median:>9.2} {best:>9.2} {rate:>8.2} {:>8.2} {cpu_ms:>8.1} {error:>8.0e}",
        2.0 * flops as f64 / cpu_ms / 1e6
    );
    Ok(())
}

/// Processor time this process has used: on a shared machine, half of it is what a quiet pair of cores would take.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    fields.iter().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn four(ty: &TensorType) -> [usize; 4] {
    std::array::from_fn(|i| ty.shape[i])
}

struct Sizes {
    x: [usize; 4],
    weight: [usize; 4],
    y: [usize; 4],
    conv: Conv2d,
}

impl Sizes {
    /// The largest |found − exact| / Σ |terms| over some 500 results.
    fn sample(&self, pass: &str, a: &[f32], b: &[f32], bias: &[f32], found: &[f64]) -> f64 {
        let step = (found.len() / 499).max(1);
        let errors = (0..found.len()).step_by(step).map(|i| {
            let (mut sum, mut size) = (0.0, 1e-30);
            let mut add = |u: f32, v: f32| {
                sum += f64::from(u) * f64::from(v);
                size += (f64::from(u) * f64::from(v)).abs();
            };
            match pass {
                "d_input" => self.terms(i, pass, &self.x, |y, w| add(a[y], b[w])),
                "d_weight" => self.terms(i, pass, &self.weight, |x, y| add(a[x], b[y])),
                _ => self.terms(i, pass, &self.y, |x, w| add(a[x], b[w])),
            }
            if pass == "fused" {
                let channel = i / (self.y[2] * self.y[3]) % self.y[1];
                sum = (sum + f64::from(bias[channel])).max(0.0);
            }
            (found[i] - sum).abs() / size
        });
        errors.fold(0.0, |worst, error| if error > worst || error.is_nan() { error } else { worst })
    }

    /// The two other operands' places in every product that result `i`, of `shape`, sums.
    fn terms(&self, i: usize, pass: &str, shape: &[usize; 4], mut add: impl FnMut(usize, usize)) {
        let at = [
            i / shape[3] / shape[2] / shape[1],
            i / shape[3] / shape[2] % shape[1],
            i / shape[3] % shape[2],
            i % shape[3],
        ];
        let [n, channels, h, w] = self.x;
        let [o, _, kh, kw] = self.weight;
        let [_, _, oh, ow] = self.y;
        let (stride, padding) = (self.conv.stride, self.conv.padding);
        let source = |out: usize, k: usize, axis: usize, extent: usize| {
            (out * stride[axis] + k).checked_sub(padding[axis]).filter(|&place| place < extent)
        };
        let x_at = |n: usize, c: usize, y: usize, x: usize| ((n * channels + c) * h + y) * w + x;
        let w_at = |o: usize, c: usize, y: usize, x: usize| ((o * channels + c) * kh + y) * kw + x;
        let y_at = |n: usize, c: usize, y: usize, x: usize| ((n * o + c) * oh + y) * ow + x;
        if pass != "d_input" && pass != "d_weight" {
            for (c, ky, kx) in triples(channels, kh, kw) {
                if let (Some(y), Some(x)) = (source(at[2], ky, 0, h), source(at[3], kx, 1, w)) {
                    add(x_at(at[0], c, y, x), w_at(at[1], c, ky, kx));
                }
            }
        } else if pass == "d_weight" {
            for (image, oy, ox) in triples(n, oh, ow) {
                if let (Some(y), Some(x)) = (source(oy, at[2], 0, h), source(ox, at[3], 1, w)) {
                    add(x_at(image, at[1], y, x), y_at(image, at[0], oy, ox));
                }
            }
        } else {
            for (c, ky, kx) in triples(o, kh, kw) {
                let out = |place: usize, k: usize, axis: usize, extent: usize| {
                    let place = (place + padding[axis]).checked_sub(k)?;
                    (place % stride[axis] == 0 && place / stride[axis] < extent).then(|| place / stride[axis])
                };
                if let (Some(y), Some(x)) = (out(at[2], ky, 0, oh), out(at[3], kx, 1, ow)) {
                    add(y_at(at[0], c, y, x), w_at(c, at[1], ky, kx));
                }
            }
        }
    }
}

fn triples(a: usize, b: usize, c: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..a * b * c).map(move |i| (i / b / c, i / c % b, i % c))
}
