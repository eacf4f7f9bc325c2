//! `girih bench` of ops: every case under every strategy, checked and timed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use girih::bench::{BenchCase, CaseReport, Effort, Outcome, Roofline, Settings, Spread, Timing, measure, strategies};
use girih::gpu::{Clock, Device, GpuError, Timer};
use girih::kernel::CustomKernel;
use girih::plan::Precision;
use serde::Serialize;

use super::args::Cases;
use super::blas::Blas;
use super::gap::{self, Timed};
use super::picture::picture;
use super::plot::{self, Point};
use super::shapes::{Family, Shapes};
use super::{csv, digits, profile, quartiles};
use crate::args::{self, Global};
use crate::engine::{self, failed};
use crate::error::{told, usage};
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::progress::work_bar;
use crate::table::{Align, Table};
use crate::target_file;

/// Seconds that a shape of deepbench may take at the roofline; kernels need several times that, several times over.
const MOST_SECONDS: f64 = 0.05;
/// Seconds that a run of a strategy may take.
const MOST_STRATEGY_SECONDS: f64 = 5.0;
/// Bytes of the inputs and outputs of a shape of deepbench.
const MOST_BYTES: u64 = 1 << 30;

/// The roofline: a JSON line in front of the cases.
#[derive(Serialize)]
#[serde(tag = "event", rename = "roofline")]
struct Roofs<'a> {
    adapter: &'a str,
    driver: &'a str,
    clock: &'static str,
    gflops: f64,
    gbs: f64,
}

/// A case under a strategy: a JSON line, and a line of the CSV file.
#[derive(Serialize, Debug)]
#[serde(tag = "event", rename = "case")]
struct Row {
    op: &'static str,
    shape: String,
    strategy: &'static str,
    chosen: bool,
    ms: f64,
    ms_low: f64,
    ms_high: f64,
    ms_min: f64,
    ms_max: f64,
    samples: usize,
    gflops: f64,
    gbs: f64,
    roofline_percent: f64,
    max_error: f64,
    dispatches: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    blas_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blas_fraction: Option<f64>,
    /// The quartiles, for people.
    #[serde(skip)]
    spread: String,
    #[serde(skip)]
    intensity: f64,
    /// Whether it is a kernel of the user's own.
    #[serde(skip)]
    custom: bool,
}

/// What a profile is of.
#[derive(Serialize)]
struct Of<'a> {
    op: &'static str,
    shape: &'a str,
    strategy: &'static str,
}

/// A case or a strategy that was not measured: a JSON line.
#[derive(Serialize)]
#[serde(tag = "event", rename = "left_out")]
struct LeftOut<'a> {
    op: &'a str,
    shape: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    strategy: Option<&'a str>,
    reason: &'a str,
}

/// A strategy whose results are wrong: a JSON line.
#[derive(Serialize)]
#[serde(tag = "event", rename = "wrong")]
struct Wrong<'a> {
    op: &'a str,
    shape: &'a str,
    strategy: &'a str,
    index: &'a [usize],
    found: f64,
    expected: f64,
    wrong: usize,
    checked: usize,
    /// Where they lie, as people see it.
    picture: &'a [String],
}

/// A kernel that writes past an end (`stray`), or is at fault for a shape (`faulty`): a JSON line.
#[derive(Serialize)]
struct Fault<'a> {
    event: &'static str,
    op: &'a str,
    shape: &'a str,
    strategy: &'a str,
    reason: &'a str,
}

/// What has come of the cases so far.
struct Run<'a> {
    device: Device,
    timer: Timer,
    roofline: Roofline,
    flags: &'a Cases,
    kernels: Vec<Arc<CustomKernel>>,
    output: Output,
    rows: Vec<Row>,
    /// What is wrong, and where.
    wrong: Vec<(String, Vec<String>)>,
    left_out: Vec<String>,
    /// Why kernels of the user's own were not run, by their names.
    declined: BTreeMap<&'static str, String>,
}

/// Runs `girih bench` over some families.
///
/// # Errors
/// The shapes cannot be read, the device fails, a file cannot be written, or, at the end of all, a strategy computed
/// wrong results.
pub fn run(families: &[Family], flags: &Cases, global: &Global, output: Output) -> Result<()> {
    let kernels = kernels(&flags.wgsl)?;
    flags.csv.iter().chain(&flags.plot).try_for_each(|path| target_file::check(path))?;
    let shapes = Shapes::open(&flags.shapes)?;
    let mut cases = Vec::new();
    for &family in families {
        cases.extend(shapes.cases(family)?);
    }
    if let Some(wanted) = &flags.filter {
        cases.retain(|case| format!("{} {}", case.op, case.shape).contains(wanted.as_str()));
    }
    let device = engine::open_for(global, flags.precision)?;
    let precision = Precision::from(flags.precision);
    if precision == Precision::Mixed {
        precision.check(&device).map_err(|error| failed(error.into()))?;
        cases = cases.into_iter().filter_map(|case| case.half(device.caps())).collect();
    }
    if cases.is_empty() {
        bail!("{} has no such shapes", flags.shapes);
    }
    if let Some(kernel) = kernels.iter().find(|kernel| cases.iter().all(|case| case.case.op.name() != kernel.op())) {
        let mut ops: Vec<&str> = cases.iter().map(|case| case.case.op.name()).collect();
        ops.sort_unstable();
        ops.dedup();
        bail!(
            "{} is for {}, which none of these shapes is; they are of {}",
            kernel.name(),
            kernel.op(),
            ops.join(", ")
        );
    }
    if let Some(wanted) = &flags.strategy {
        check_strategy(wanted, &device, &cases)?;
    }
    let timer = Timer::new(&device).map_err(|e| failed(e.into()))?;
    profile::check(flags.profile, &device)?;
    let roofline = Roofline::measure(&device, precision, Effort::SHORT).map_err(failed)?;
    let (rows, wrong, left_out, declined) = (Vec::new(), Vec::new(), Vec::new(), BTreeMap::new());
    let mut run = Run { device, timer, roofline, flags, kernels, output, rows, wrong, left_out, declined };
    run.show_roofline()?;
    let interrupt = Interrupt::install("this case")?;
    let bar = work_bar(output, "bench", cases.len() as u64);
    // Whatever ends the run early, what was measured is told first.
    let mut end = Ok(());
    for (done, case) in cases.iter().enumerate() {
        if interrupt.is_set() {
            end = Err(anyhow!("interrupted: {done} of {} cases were measured", cases.len()));
            break;
        }
        end = run.case(case).with_context(|| format!("{} {}", case.op, case.shape));
        if end.is_err() {
            break;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    run.show()?;
    run.write_files()?;
    end?;
    run.verdict()
}

/// The kernels in files, called by the files' names, or where two are the same, by their paths.
fn kernels(paths: &[PathBuf]) -> Result<Vec<Arc<CustomKernel>>> {
    let read = |path: &PathBuf| match paths.iter().filter(|other| other.file_name() == path.file_name()).count() {
        1 => CustomKernel::read(path).map_err(told),
        _ => {
            let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            CustomKernel::parse(&path.display().to_string(), &text).map_err(told)
        }
    };
    if let Some(twice) = (1..paths.len()).find(|&i| paths[..i].contains(&paths[i])) {
        return usage(format!("{} is given twice", paths[twice].display()));
    }
    paths.iter().map(|path| read(path).map(Arc::new)).collect()
}

/// Whether an op of these cases has a strategy of this name here.
fn check_strategy(wanted: &str, device: &Device, cases: &[BenchCase]) -> Result<()> {
    let mut known = std::collections::BTreeSet::new();
    for case in cases {
        known.extend(strategies(device, case).map_err(failed)?);
    }
    if known.contains(wanted) {
        return Ok(());
    }
    let known: Vec<&str> = known.into_iter().collect();
    usage(format!("none of these ops has a strategy called {wanted} on this adapter; they have {}", known.join(", ")))
}

impl Run<'_> {
    fn show_roofline(&self) -> Result<()> {
        let (gflops, gbs) = (self.roofline.flops_per_s * 1e-9, self.roofline.bytes_per_s * 1e-9);
        let (adapter, driver) = (self.device.name(), self.device.driver());
        let (clock, words) = match self.timer.clock() {
            Clock::Device => ("device", "the device's timestamps"),
            Clock::Host => ("host", "the host's clock: the adapter has no timestamps"),
        };
        self.output.json(&Roofs { adapter, driver, clock, gflops, gbs })?;
        self.output.text(format!("{adapter} ({driver})"))?;
        let (flops, bytes) = (digits(gflops), digits(gbs));
        let of = match self.flags.precision {
            args::Precision::F32 => "f32",
            args::Precision::Mixed => "f16 by cooperative matrices",
        };
        self.output.text(format!("Measured roofline: {flops} GFLOP/s ({of}), {bytes} GB/s. Times are by {words}.\n"))
    }

    fn case(&mut self, case: &BenchCase) -> Result<()> {
        if let Some(reason) = self.too_large(case) {
            return self.leave_out(case, None, &reason);
        }
        let settings = Settings {
            rounds: self.flags.rounds as usize,
            strategy: self.flags.strategy.clone(),
            longest: (!self.flags.all && self.flags.strategy.is_none()).then_some(MOST_STRATEGY_SECONDS),
            profile: self.flags.profile.then_some(self.roofline),
            kernels: self.kernels.clone(),
            ..Settings::default()
        };
        let report = match measure(&self.device, &self.timer, case, &settings) {
            Ok(report) => report,
            Err(girih::Error::Gpu(error @ GpuError::OutOfMemory { .. })) => {
                return self.leave_out(case, None, &error.to_string());
            }
            Err(error) => return Err(failed(error)),
        };
        let blas = match case.gemm {
            Some(gemm) if self.flags.blas => Some(Blas::new(gemm).time(settings.rounds, settings.budget)),
            _ => None,
        };
        for (strategy, outcome) in &report.outcomes {
            match outcome {
                Outcome::Timed(timing) => {
                    let mut row = Row::new(case, strategy, timing, &report, &self.roofline, blas.as_ref());
                    row.custom = self.is_own(strategy);
                    self.output.json(&row)?;
                    self.rows.push(row);
                    if let Some(profile) = &timing.profile {
                        let of = Of { op: case.op, shape: &case.shape, strategy };
                        self.output.text(format!("\n{} {}, {strategy}:", of.op, of.shape))?;
                        profile::show(&of, profile, self.output)?;
                    }
                }
                Outcome::Wrong(wrong) => {
                    let (op, shape) = (case.op, case.shape.as_str());
                    let girih::bench::Wrong { index, found, expected, count, map } = wrong;
                    let picture = picture(map);
                    let (found, expected, (wrong_count, checked)) = (*found, *expected, *count);
                    let line = Wrong {
                        op,
                        shape,
                        strategy,
                        index,
                        found,
                        expected,
                        wrong: wrong_count,
                        checked,
                        picture: &picture,
                    };
                    self.output.json(&line)?;
                    self.wrong.push((format!("{op} {shape}, {strategy}: {wrong}"), picture));
                }
                Outcome::Strays(stray) => {
                    let (op, shape, reason) = (case.op, case.shape.as_str(), stray.to_string());
                    self.output.json(&Fault { event: "stray", op, shape, strategy, reason: &reason })?;
                    self.wrong.push((format!("{op} {shape}, {strategy}: {reason}"), Vec::new()));
                }
                Outcome::Faulty(reason) => {
                    let (op, shape) = (case.op, case.shape.as_str());
                    self.output.json(&Fault { event: "faulty", op, shape, strategy, reason })?;
                    self.wrong.push((format!("{op} {shape}: {reason}"), Vec::new()));
                }
                Outcome::TooSlow(seconds) => {
                    let reason = format!("would take some {} s a run (--all measures it)", digits(*seconds));
                    self.leave_out(case, Some(strategy), &reason)?;
                }
                Outcome::LeftOut(reason) => {
                    if self.is_own(strategy) {
                        self.declined.insert(strategy, format!("{} {}: {reason}", case.op, case.shape));
                    }
                    self.leave_out(case, Some(strategy), reason)?;
                }
            }
        }
        Ok(())
    }

    /// Why a shape of deepbench is not measured on this adapter. What a user lists himself always is.
    fn too_large(&self, case: &BenchCase) -> Option<String> {
        if self.flags.all || self.flags.shapes != "deepbench" {
            return None;
        }
        let seconds = self.roofline.seconds(case.flops(), case.bytes());
        if seconds > MOST_SECONDS {
            return Some(format!("takes {} ms at the roofline (--all measures it)", digits(seconds * 1e3)));
        }
        (case.bytes() > MOST_BYTES).then(|| format!("takes {} (--all measures it)", crate::table::bytes(case.bytes())))
    }

    /// Whether a strategy is a kernel of the user's own.
    fn is_own(&self, strategy: &str) -> bool {
        self.kernels.iter().any(|kernel| kernel.name() == strategy)
    }

    fn leave_out(&mut self, case: &BenchCase, strategy: Option<&str>, reason: &str) -> Result<()> {
        let (op, shape) = (case.op, case.shape.as_str());
        self.output.json(&LeftOut { op, shape, strategy, reason })?;
        let with = strategy.map(|name| format!(", {name}")).unwrap_or_default();
        self.left_out.push(format!("{op} {shape}{with}: {reason}"));
        Ok(())
    }

    fn show(&self) -> Result<()> {
        let mut columns = vec![
            ("op", Align::Left),
            ("shape", Align::Left),
            ("strategy", Align::Left),
            ("ms", Align::Right),
            ("quartiles", Align::Right),
            ("GFLOP/s", Align::Right),
            ("GB/s", Align::Right),
            ("roofline", Align::Right),
            ("error", Align::Right),
        ];
        if self.flags.blas {
            columns.push(("of BLAS", Align::Right));
        }
        let mut table = Table::new(&columns);
        for row in &self.rows {
            let mark = if row.chosen { " ←" } else { "" };
            let mut cells = vec![
                row.op.to_owned(),
                row.shape.clone(),
                format!("{}{mark}", row.strategy),
                digits(row.ms),
                row.spread.clone(),
                digits(row.gflops),
                digits(row.gbs),
                format!("{:.1} %", row.roofline_percent),
                format!("{:.0e}", row.max_error),
            ];
            cells.extend(row.blas_fraction.map(digits));
            table.row(cells);
        }
        self.output.text(table.render(self.output.table_width()))?;
        if self.rows.iter().any(|row| row.chosen) {
            self.output.text("\n← is what the engine takes by itself.")?;
        }
        let own = self.rows.iter().filter(|row| !row.custom);
        gap::show(&gap::gaps(own.map(Row::timed)), self.output)?;
        if !self.left_out.is_empty() {
            // In JSON they were said one by one.
            self.output.text(format!("\nLeft out:\n  {}", self.left_out.join("\n  ")))?;
        }
        if !self.wrong.is_empty() {
            self.output.text("\nWrong:")?;
        }
        for (what, picture) in &self.wrong {
            self.output.text(format!("  {what}"))?;
            picture.iter().try_for_each(|line| self.output.text(format!("    {line}")))?;
        }
        Ok(())
    }

    fn write_files(&self) -> Result<()> {
        let write = |path: &Path, text: String| {
            fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
        };
        let csv = self.flags.csv.as_ref().map_or(Ok(()), |path| {
            let lines = std::iter::once(csv::line(Row::HEADER)).chain(self.rows.iter().map(Row::csv));
            write(path, lines.collect())
        });
        let plot = self.flags.plot.as_ref().map_or(Ok(()), |path| {
            let points: Vec<Point> = self.rows.iter().map(Row::point).collect();
            let title = format!("{} ({})", self.device.name(), self.device.driver());
            write(path, plot::svg(&title, &self.roofline, &points)?)
        });
        csv.and(plot)
    }

    /// Whether all that ran is right, and all kernels of the user's own ran.
    fn verdict(&self) -> Result<()> {
        if let [(first, _), rest @ ..] = &self.wrong[..] {
            let more = if rest.is_empty() { String::new() } else { format!(", and {} more", rest.len()) };
            bail!("wrong results: {first}{more}");
        }
        let ran = |name: &str| self.rows.iter().any(|row| row.custom && row.strategy == name);
        match self.declined.iter().find(|(name, _)| !ran(name)) {
            Some((name, why)) => bail!("{name} computed none of these cases; {why}"),
            None => Ok(()),
        }
    }
}

impl Row {
    const HEADER: [&'static str; 13] = [
        "op",
        "shape",
        "strategy",
        "chosen",
        "ms",
        "ms_low",
        "ms_high",
        "samples",
        "gflops",
        "gbs",
        "roofline_percent",
        "max_error",
        "blas_fraction",
    ];

    fn new(
        case: &BenchCase,
        strategy: &'static str,
        timing: &Timing,
        report: &CaseReport,
        roofline: &Roofline,
        blas: Option<&Spread>,
    ) -> Self {
        let ms = timing.seconds.scaled(1e3);
        Self {
            op: case.op,
            shape: case.shape.clone(),
            strategy,
            chosen: report.preferred == Some(strategy),
            ms: ms.median,
            ms_low: ms.low,
            ms_high: ms.high,
            ms_min: ms.min,
            ms_max: ms.max,
            samples: ms.count,
            gflops: report.flops_per_s(timing) * 1e-9,
            gbs: report.bytes_per_s(timing) * 1e-9,
            roofline_percent: 100.0 * report.roofline_share(timing, roofline),
            max_error: timing.max_error,
            dispatches: timing.dispatches,
            blas_ms: blas.map(|blas| blas.median * 1e3),
            blas_fraction: blas.map(|blas| blas.median / timing.seconds.median),
            spread: quartiles(&ms),
            intensity: report.intensity(),
            custom: false,
        }
    }

    fn csv(&self) -> String {
        csv::line([
            self.op.to_owned(),
            self.shape.clone(),
            self.strategy.to_owned(),
            self.chosen.to_string(),
            self.ms.to_string(),
            self.ms_low.to_string(),
            self.ms_high.to_string(),
            self.samples.to_string(),
            self.gflops.to_string(),
            self.gbs.to_string(),
            self.roofline_percent.to_string(),
            self.max_error.to_string(),
            self.blas_fraction.map(|fraction| fraction.to_string()).unwrap_or_default(),
        ])
    }

    fn timed(&self) -> Timed<'_> {
        let &Self { op, ref shape, strategy, chosen, ms, .. } = self;
        Timed { op, shape, strategy, chosen, ms }
    }

    fn point(&self) -> Point {
        Point {
            name: format!("{} {}: {}", self.op, self.shape, self.strategy),
            case: format!("{} {}", self.op, self.shape),
            intensity: self.intensity,
            gflops: self.gflops,
            custom: self.custom,
        }
    }
}
