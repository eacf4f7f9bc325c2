//! Kernels from outside: what their headers may say, where they are taken, and that they compute what they stand for.

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use girih::data::synth::synthetic;
use girih::gpu::{Caps, Device, Guarded, Profile};
use girih::graph::{Graph, Lowering, NodeId};
use girih::kernel::{CustomKernel, Offer};
use girih::nn::models::Model;
use girih::ops::conv2d::Conv2d;
use girih::ops::pool::Pool2d;
use girih::ops::{Case, CaseInput, OPS};
use girih::plan::{Plan, PlanError, PlanOptions};
use girih::tensor::random::Random;
use girih::tensor::{Array, DType, HostTensor, TensorType};
use girih::train::{Hyperparameters, ImageModel, ImageTask, Trainer, TrainerOptions};

const MATMUL: &str = include_str!("../examples/matmul.wgsl");

fn kernel(name: &str, text: &str) -> Arc<CustomKernel> {
    Arc::new(CustomKernel::parse(name, text).unwrap_or_else(|e| panic!("{e}")))
}

fn with(kernel: &Arc<CustomKernel>) -> PlanOptions {
    PlanOptions { kernels: vec![Arc::clone(kernel)], ..PlanOptions::default() }
}

/// A product that is right and slow, to be spoilt.
const PLAIN: &str = "\
// girih: op = matmul
// girih: dispatch = ceil(m * n / 64)
struct Params { m: u32, n: u32, k: u32 }
#import params
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= p.m * p.n) { return; }
    var sum = 0.0;
    for (var i = 0u; i < p.k; i++) { sum += a[id.x / p.n * p.k + i] * b[i * p.n + id.x % p.n]; }
    c[id.x] = sum;
}
";

/// A convolution that takes its extents as constants, and minds neither stride, padding, dilation nor groups.
const CONVOLUTION: &str = "\
// girih: op = conv2d
// girih: constants = N, C, H, W, O, KH, KW
// girih: dispatch = ceil(n * o * (h + 1 - kh) * (w + 1 - kw) / 64)
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
#code
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    const OH = H + 1u - KH;
    const OW = W + 1u - KW;
    if (id.x >= N * O * OH * OW) { return; }
    let column = id.x % OW;
    let row = id.x / OW % OH;
    let o = id.x / (OW * OH) % O;
    let n = id.x / (OW * OH * O);
    var sum = 0.0;
    for (var c = 0u; c < C; c++) {
        for (var i = 0u; i < KH * KW; i++) {
            let at = ((n * C + c) * H + row + i / KW) * W + column + i % KW;
            sum += x[at] * weight[(o * C + c) * KH * KW + i];
        }
    }
    y[id.x] = epilogue(sum, id.x);
}
";

const POOL: &str = "\
// girih: op = max_pool2d
// girih: where = kh == 2, kw == 2, stride_y == 2, stride_x == 2
// girih: dispatch = ceil(n * c * oh * ow / 64)
struct Params { n: u32, c: u32, h: u32, w: u32, oh: u32, ow: u32 }
#import params
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= p.n * p.c * p.oh * p.ow) { return; }
    let at = (id.x / p.ow / p.oh * p.h + id.x / p.ow % p.oh * 2u) * p.w + id.x % p.ow * 2u;
    y[id.x] = max(max(x[at], x[at + 1u]), max(x[at + p.w], x[at + p.w + 1u]));
}
";

const RELU: &str = "\
// girih: op = relu
// girih: where = count % 4 == 0
// girih: dispatch = ceil(count / 256)
struct Params { count: u32 }
#import params
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.count / 4u) { y[id.x] = max(x[id.x], vec4<f32>(0.0)); }
}
";

#[test]
fn they_match_the_reference_wherever_they_are_taken() {
    for profile in [Profile::Offered, Profile::WebgpuMinimum] {
        let device = support::device(profile);
        for (name, text, op) in [
            ("matmul.wgsl", MATMUL, "matmul"),
            ("plain.wgsl", PLAIN, "matmul"),
            ("convolution.wgsl", CONVOLUTION, "conv2d"),
            ("pool.wgsl", POOL, "pool"),
            ("relu.wgsl", RELU, "pointwise"),
        ] {
            let kernel = kernel(name, text);
            let cases = (OPS.iter().find(|entry| entry.name == op).expect("an op").cases)();
            let (mut taken, mut declined) = (0, 0);
            // A convolution's first four axes are few; so are terms of a loop. Products of f16 that end in f16 are
            // planned for devices with cooperative matrices alone.
            let small = |input: &CaseInput| input.ty.count() < 60_000 && input.ty.dtype != DType::F16;
            for case in cases.iter().filter(|case| case.inputs.iter().all(small)) {
                match run_case(&device, case, &kernel) {
                    Ok(true) => taken += 1,
                    Ok(false) => declined += 1,
                    Err(why) => panic!("{name}, {}: {why}", case.name),
                }
            }
            assert!(taken > 0 && declined > 0, "{name}: {taken} taken, {declined} declined");
        }
    }
}

/// Whether the kernel was taken; an error where it then was wrong.
fn run_case(device: &Device, case: &Case, kernel: &Arc<CustomKernel>) -> Result<bool, String> {
    let mut graph = Graph::new();
    let inputs: Vec<NodeId> =
        case.inputs.iter().enumerate().map(|(i, input)| graph.input(&format!("input{i}"), input.ty.clone())).collect();
    let output = graph.apply_shared(Arc::clone(&case.op), &inputs).map_err(|e| e.to_string())?;
    let plan =
        Plan::new(&graph, &[("output", output)], device.caps(), &with(kernel)).map_err(|error| error.to_string())?;
    if !plan.strategies.contains(&kernel.name()) {
        return Ok(false);
    }
    let guarded = Guarded::new(device, &plan.recording).map_err(|e| e.to_string())?;
    let values = support::inputs(case);
    for (i, value) in values.iter().enumerate() {
        let port = &plan.inputs[&format!("input{i}")];
        device.queue().write_buffer(guarded.buffer(port.buffer), port.offset, value.bytes());
    }
    guarded.run_blocking().map_err(|e| e.to_string())?.map_err(|stray| stray.to_string())?;
    let port = &plan.outputs["output"];
    let found = device.read(guarded.buffer(port.buffer), port.offset, port.ty.bytes()).and_then(|r| r.wait());
    let found = HostTensor::from_bytes(&port.ty, &found.map_err(|e| e.to_string())?).expect("whole").to_array();
    let arrays: Vec<Array> = values.iter().map(HostTensor::to_array).collect();
    let expected = case.op.reference(&arrays.iter().collect::<Vec<_>>());
    let right = |(f, e): (&f64, &f64)| (f - e).abs() <= 4.0 * case.tolerance * (1.0 + e.abs());
    match found.values.iter().zip(&expected.values).position(|pair| !right(pair)) {
        None => Ok(true),
        Some(i) => Err(format!("{} instead of {} at {i}", found.values[i], expected.values[i])),
    }
}

/// relu(x · w + bias), with an operand that the epilogue brings.
fn layer() -> (Graph, NodeId) {
    let mut graph = Graph::new();
    let [x, w, bias] = [("x", vec![20, 12]), ("w", vec![12, 24]), ("bias", vec![24])]
        .map(|(name, shape)| graph.input(name, TensorType::f32(shape)));
    let y = graph.matmul(x, w).and_then(|y| graph.add(y, bias)).and_then(|y| graph.relu(y)).expect("a graph");
    (graph, y)
}

#[test]
fn what_follows_them_is_fused_or_a_pass_of_its_own() {
    let device = support::device(Profile::Offered);
    let (graph, y) = layer();
    let results = [("matmul.wgsl", MATMUL, 1), ("plain.wgsl", PLAIN, 2)].map(|(name, text, dispatches)| {
        let kernel = kernel(name, text);
        assert_eq!(kernel.takes_epilogue(), dispatches == 1);
        let plan = Plan::new(&graph, &[("y", y)], device.caps(), &with(&kernel)).expect("a plan");
        assert_eq!(plan.strategies, vec![name; dispatches]);
        run(&device, &graph, plan)
    });
    let own = Plan::new(&graph, &[("y", y)], device.caps(), &PlanOptions::default()).expect("a plan");
    let expected = run(&device, &graph, own);
    assert!(expected.contains(&0.0) && expected.iter().any(|&value| value > 1.0));
    for result in results {
        let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-4;
        assert!(result.iter().zip(&expected).all(close), "{result:?}\n{expected:?}");
    }
}

fn run(device: &Device, graph: &Graph, plan: Plan) -> Vec<f32> {
    let variables = girih::plan::Variables::new(device, graph, 0).expect("no variables");
    let session = girih::plan::Session::new(device, plan, &variables).expect("a session");
    for (stream, (name, port)) in (0..).zip(session.plan().inputs.clone()) {
        let mut random = Random::new(3, 0, stream);
        let values: Vec<f32> = (0..port.ty.count()).map(|_| random.normal()).collect();
        session.write_f32(&name, &values).expect("an input");
    }
    session.submit();
    session.read("y").expect("an output").wait().expect("an output").as_f32().expect("floats").to_vec()
}

#[test]
fn they_take_only_what_they_mind() {
    let taken = |kernel: &CustomKernel, op: &dyn girih::graph::Op, inputs: &[TensorType]| {
        let (output, caps) = (op.infer(inputs).expect("a type"), Caps::webgpu_minimum());
        let lowering = Lowering { inputs, output: &output, caps: &caps, epilogue: None };
        op.custom(kernel, &lowering).expect("a sound kernel")
    };
    let declined = |offer: Offer<_>| match offer {
        Offer::Declined(why) => why,
        Offer::Taken(strategy) => panic!("taken: {strategy:?}"),
    };
    let f32 = |shape: &[usize]| TensorType::f32(shape);
    let product = |transpose_b| girih::ops::matmul::MatMul { transpose_a: false, transpose_b };
    let plain = kernel("plain.wgsl", PLAIN);
    assert!(matches!(taken(&plain, &product(false), &[f32(&[4, 5]), f32(&[5, 6])]), Offer::Taken(_)));
    let why = declined(taken(&plain, &product(true), &[f32(&[4, 5]), f32(&[6, 5])]));
    assert_eq!(why, "it does not mind transpose_b, which is 1");
    let why = declined(taken(&plain, &product(false), &[f32(&[3, 4, 5]), f32(&[3, 5, 6])]));
    assert_eq!(why, "it does not mind batch, which is 3");
    // A batch against one matrix is a product of more rows.
    assert!(matches!(taken(&plain, &product(false), &[f32(&[3, 4, 5]), f32(&[5, 6])]), Offer::Taken(_)));
    // Strides say what transpositions do.
    let strided = kernel("matmul.wgsl", MATMUL);
    assert!(matches!(taken(&strided, &product(true), &[f32(&[4, 5]), f32(&[6, 5])]), Offer::Taken(_)));

    let convolution = kernel("convolution.wgsl", CONVOLUTION);
    let images = [f32(&[1, 2, 8, 8]), f32(&[4, 2, 3, 3])];
    assert!(matches!(taken(&convolution, &Conv2d::default(), &images), Offer::Taken(_)));
    for (conv, word) in [
        (Conv2d::default().stride([2, 1]), "oh"),
        (Conv2d::default().padding([0, 0, 1, 0]), "oh"),
        (Conv2d::default().padding([0, 1, 0, 0]).dilation([1, 2]).padding([0, 0, 0, 2]), "dilation_x"),
        (Conv2d::same(3), "oh"),
    ] {
        let why = declined(taken(&convolution, &conv, &images));
        assert!(why.contains(word), "{conv:?}: {why}");
    }
    let pool = kernel("pool.wgsl", POOL);
    let max = |pool| girih::ops::pool::ExtremePool { extreme: girih::ops::pool::Extreme::Max, pool };
    let why = declined(taken(&pool, &max(Pool2d::new([3, 3])), &[f32(&[1, 1, 9, 9])]));
    assert_eq!(why, "`kh == 2` does not hold");
    let why = declined(taken(&pool, &max(Pool2d::new([2, 2]).ceil_mode(true)), &[f32(&[1, 1, 5, 4])]));
    assert_eq!(why, "it does not mind past_end, which is 1");
    let why = declined(taken(&plain, &max(Pool2d::new([2, 2])), &[f32(&[1, 1, 4, 4])]));
    assert_eq!(why, "it is for matmul");
}

#[test]
fn faults_name_the_file_and_the_line() {
    let fault = |from: &str, to: &str| {
        assert!(PLAIN.contains(from), "{from}");
        CustomKernel::parse("mine.wgsl", &PLAIN.replacen(from, to, 1)).expect_err(to).to_string()
    };
    for (from, to, words) in [
        ("// girih: op = matmul\n", "", "mine.wgsl: the header does not say its op"),
        ("girih: op", "girih: opp", "mine.wgsl:1: no key is called `opp`"),
        ("// girih: dispatch", "// girih: op = relu\n// girih: dispatch", "mine.wgsl:2: op is there twice"),
        ("m * n / 64)", "m * n / 64", "mine.wgsl:2: dispatch: a `)` is missing"),
        ("ceil(m * n / 64)", "1, 1, 1, 1", "mine.wgsl:2: dispatch: three dimensions at most"),
        ("struct", "// girih: width = 4\nstruct", "mine.wgsl: it has a width"),
        ("struct", "// girih: where = 1 < k < 8\nstruct", "mine.wgsl:3: where: a comparison has two sides"),
        ("struct", "// girih: constants =\nstruct", "mine.wgsl:3: constants: nothing is behind the `=`"),
        ("// girih: op", "const X = 1u;\n// girih: op", "mine.wgsl:2: the header does not say its op"),
        ("#import params", "#import parms", "mine.wgsl:4: unknown directive"),
        ("c[id.x] = sum", "c[id.x] = summ", "mine.wgsl:13: "),
        ("c[id.x] = sum", "c[id.x] = sum + 1u", "mine.wgsl:13: "),
        ("var sum = 0.0;", "var sum = 0.0", "mine.wgsl:12: "),
        ("fn main", "fn start", "mine.wgsl: the entry point is"),
        (
            "@binding(2)",
            "@binding(3)",
            "mine.wgsl:7: bindings are numbered from 0 without gaps: this is the place of 2",
        ),
        ("var<storage, read> a", "var<storage, read_write> a", "mine.wgsl: it must bind the op's inputs"),
        ("k: u32 }", "k: f32 }", "mine.wgsl"),
    ] {
        let error = fault(from, to);
        assert!(error.contains(words), "{words:?} wanted: {error}");
    }
    // What only the op can tell, when it is planned.
    let (graph, y) = layer();
    for (from, to, words) in [
        ("m * n / 64", "m * q / 64", "mine.wgsl:2: matmul has no size q; it has m, n, k, batch"),
        ("k: u32 }", "k: u32, q: u32 }", "mine.wgsl: matmul has no size q"),
        ("struct", "// girih: where = m - 21 == 0\nstruct", "mine.wgsl:3: 20 - 21 is no whole number"),
        (
            "@compute",
            "@group(0) @binding(3) var<storage, read_write> d: array<f32>;\n@compute",
            "mine.wgsl: it must bind the op's inputs",
        ),
    ] {
        let error = plan_of(&graph, y, &PLAIN.replacen(from, to, 1)).expect_err(to).to_string();
        assert!(error.contains(words), "{words:?} wanted: {error}");
    }
    // With constants, the code is looked at once they are known.
    let with_constants = PLAIN.replace("struct", "// girih: constants = K\nstruct").replace("= sum;", "= sum * KK;");
    let error = plan_of(&graph, y, &with_constants).expect_err("an unknown name").to_string();
    assert!(error.contains("mine.wgsl:14: ") && error.contains("KK"), "{error}");
    plan_of(&graph, y, &with_constants.replace("KK", "f32(K)")).expect("a plan");
}

fn plan_of(graph: &Graph, y: NodeId, text: &str) -> Result<Plan, PlanError> {
    let kernel = CustomKernel::parse("mine.wgsl", text)?;
    Plan::new(graph, &[("y", y)], &Caps::webgpu_minimum(), &with(&Arc::new(kernel)))
}

#[test]
fn training_converges_with_a_product_from_outside() {
    let device = support::device(Profile::Offered);
    let kernel = kernel("matmul.wgsl", MATMUL);
    let losses = [PlanOptions::default(), with(&kernel)].map(|plan| {
        let data = synthetic(1, 512, 64).expect("the procedural set");
        let stats = data.train.channel_stats();
        let model = ImageModel { layers: Model::Mlp.layers(10), shape: [3, 32, 32], classes: 10, stats };
        let hyper = Hyperparameters { batch: 32, ..Hyperparameters::default() };
        let custom = !plan.kernels.is_empty();
        let options = TrainerOptions { hyper, epochs: 4, plan, ..TrainerOptions::default() };
        let mut trainer = Trainer::new(&device, Arc::new(ImageTask::new(model, data)), options).expect("a trainer");
        let recording = &trainer.learner().session().plan().recording;
        let kernels: BTreeSet<&str> = recording.pipelines.iter().map(|pipeline| pipeline.label.as_str()).collect();
        assert_eq!(kernels.contains("matmul.wgsl"), custom);
        assert_eq!(kernels.iter().any(|name| name.starts_with("matmul_")), !custom, "{kernels:?}");
        (0..4)
            .map(|_| {
                while !trainer.step_blocking().expect("a step") {}
                let loss = trainer.training_metrics_blocking().expect("metrics").loss;
                trainer.evaluate_blocking().expect("an evaluation");
                loss
            })
            .collect::<Vec<f32>>()
    });
    let [own, custom] = &losses;
    assert!(custom[3] < 0.7 * custom[0], "{losses:?}");
    // The same arithmetic in another order.
    assert!(own.iter().zip(custom).all(|(a, b)| (a - b).abs() < 0.05 * a), "{losses:?}");
}
