//! Times matrix products: wall-clock medians of whole runs (submit to completion), every result checked against f64.
//!
//! ```sh
//! cargo run --release --example bench_matmul [-- FILTER [STRATEGY]]
//! ```
//!
//! FILTER is a part of a case's name; STRATEGY one that `matmul` has, such as `simple`; by default the engine chooses.
//! "cpu ms" is the processor time of a run over all cores (Linux): on software Vulkan, a median above its share of the
//! cores means that the run waited or that something else was running.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};

use girih::gpu::{AdapterSelector, Device, DeviceOptions, Profile};
use girih::graph::{Graph, NodeId};
use girih::ops::matmul::MatMul;
use girih::plan::{Choice, Plan, PlanOptions, Session, Variables};
use girih::tensor::TensorType;
use girih::tensor::random::Random;

/// A product of an M×K and a K×N matrix.
struct Case {
    name: &'static str,
    m: usize,
    n: usize,
    k: usize,
    op: MatMul,
}

const NN: MatMul = MatMul { transpose_a: false, transpose_b: false };
const NT: MatMul = MatMul { transpose_a: false, transpose_b: true };
const TN: MatMul = MatMul { transpose_a: true, transpose_b: false };

const CASES: &[Case] = &[
    case("square 128", 128, 128, 128, NN),
    case("square 256", 256, 256, 256, NN),
    case("square 512", 512, 512, 512, NN),
    case("square 512 NT", 512, 512, 512, NT),
    case("square 1024", 1024, 1024, 1024, NN),
    case("square 2048", 2048, 2048, 2048, NN),
    case("linear 2048->256 n64 forward", 64, 256, 2048, NT),
    case("linear 2048->256 n64 d_x", 64, 2048, 256, NN),
    case("linear 2048->256 n64 d_w", 256, 2048, 64, TN),
    case("linear 256->10 n64 forward", 64, 10, 256, NT),
    case("linear 256->10 n64 d_x", 64, 256, 10, NN),
    case("linear 256->10 n64 d_w", 10, 256, 64, TN),
    case("linear 3072->512 n128 forward", 128, 512, 3072, NT),
    case("linear 3072->512 n128 d_w", 512, 3072, 128, TN),
    case("linear 2048->256 n1 forward", 1, 256, 2048, NT),
    case("linear 2048->256 n1 d_x", 1, 2048, 256, NN),
    case("linear 2048->256 n1 d_w", 256, 2048, 1, TN),
    case("linear 3072->512 n1 forward", 1, 512, 3072, NT),
    case("few results, long sum", 32, 32, 65_536, TN),
];

const fn case(name: &'static str, m: usize, n: usize, k: usize, op: MatMul) -> Case {
    Case { name, m, n, k, op }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let filter = arguments.next().unwrap_or_default();
    let strategy = arguments.next();
    let options = DeviceOptions { adapter: AdapterSelector::Best, profile: Profile::Offered, checked: false };
    let device = Device::open_blocking(&options)?;
    println!("{}, {}", device.name(), device.driver());
    println!(
        "{:32} {:>8} {:>5} {:>9} {:>9} {:>8} {:>8}",
        "case", "strategy", "calls", "median ms", "GFLOP/s", "cpu ms", "first ms"
    );
    for case in CASES.iter().filter(|c| c.name.contains(&filter)) {
        run(&device, case, strategy.as_deref()).map_err(|e| format!("{}: {e}", case.name))?;
    }
    Ok(())
}

fn run(device: &Device, case: &Case, strategy: Option<&str>) -> Result<(), Box<dyn Error>> {
    let &Case { m, n, k, op, .. } = case;
    let mut graph = Graph::new();
    let a = graph.input("a", TensorType::f32(if op.transpose_a { [k, m] } else { [m, k] }));
    let b = graph.input("b", TensorType::f32(if op.transpose_b { [n, k] } else { [k, n] }));
    let c: NodeId = graph.matmul_with(a, b, op)?;
    let named: BTreeMap<_, _> = strategy.map(|s| ("matmul".to_owned(), s.to_owned())).into_iter().collect();
    let options = PlanOptions { choice: Choice::Named(named), ..PlanOptions::default() };
    let plan = Plan::new(&graph, &[("c", c)], device.caps(), &options)?;
    let (taken, calls, flops) = (plan.strategies[0], plan.recording.dispatches.len(), plan.recording.flops());
    if strategy.is_some_and(|wanted| wanted != taken) {
        return Ok(());
    }
    let variables = Variables::new(device, &graph, 0)?;
    let start = Instant::now();
    let session = Session::new(device, plan, &variables)?;
    let (values_a, values_b) = (values(m * k, 1), values(k * n, 2));
    session.write_f32("a", &values_a)?;
    session.write_f32("b", &values_b)?;
    session.submit();
    let found = session.read("c")?.wait()?;
    let first = start.elapsed();
    let found: &[f32] = found.as_f32().ok_or("the result is not f32")?;
    check(case, &values_a, &values_b, found)?;
    let mut times = Vec::new();
    let (begun, processor) = (Instant::now(), processor_time());
    while times.len() < 5 || (begun.elapsed() < Duration::from_secs(1) && times.len() < 200) {
        let start = Instant::now();
        session.submit();
        device.wait()?;
        times.push(start.elapsed().as_secs_f64());
    }
    let cpu = (processor_time() - processor) / times.len() as f64 * 1e3;
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2];
    println!(
        "{:32} {taken:>8} {calls:>5} {:>9.3} {:>9.2} {cpu:>8.3} {:>8.0}",
        case.name,
        median * 1e3,
        flops as f64 / median * 1e-9,
        first.as_secs_f64() * 1e3
    );
    Ok(())
}

fn values(count: usize, stream: u32) -> Vec<f32> {
    let mut random = Random::new(1, 0, stream);
    (0..count).map(|_| 2.0 * random.uniform() - 1.0).collect()
}

/// Compares a sample of the results, corners included, with their sums in f64.
fn check(case: &Case, a: &[f32], b: &[f32], found: &[f32]) -> Result<(), String> {
    let &Case { m, n, k, op, .. } = case;
    let step = (m * n / 2000).max(1);
    for index in (0..m * n).step_by(step).chain([n - 1, (m - 1) * n, m * n - 1]) {
        let (i, j) = (index / n, index % n);
        let (mut sum, mut scale) = (0.0, 0.0);
        for l in 0..k {
            let x = f64::from(a[if op.transpose_a { l * m + i } else { i * k + l }]);
            let y = f64::from(b[if op.transpose_b { j * k + l } else { l * n + j }]);
            sum += x * y;
            scale += (x * y).abs();
        }
        let error = (f64::from(found[index]) - sum).abs() / scale.max(1e-30);
        if error.is_nan() || error > 3e-6 {
            return Err(format!("result [{i}, {j}] is {}, not {sum}", found[index]));
        }
    }
    Ok(())
}

/// Seconds of processor time this process has used, all threads together; 0 where unknown.
fn processor_time() -> f64 {
    // Fields 14 and 15, in ticks of 10 ms; the name before them may hold spaces.
    let ticks = std::fs::read_to_string("/proc/self/stat").ok().and_then(|stat| {
        let fields: Vec<u64> =
            stat.rsplit(')').next()?.split_whitespace().skip(11).take(2).map_while(|f| f.parse().ok()).collect();
        Some(fields.iter().sum::<u64>())
    });
    ticks.unwrap_or(0) as f64 * 0.01
}
