//! The roofline as an SVG drawing: what kernels do over the operations they make of each byte, under the two roofs.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use girih::bench::Roofline;
use plotters::prelude::*;

/// The chart, beside which stands the list of names.
const CHART: (u32, u32) = (730, 640);
/// The list's least width, and what a letter takes of it.
const NAMES: usize = 470;
const LETTER: usize = 7;
/// Lines that the list has room for.
const MOST_NAMES: usize = 34;
const ROOF: RGBColor = RGBColor(0x33, 0x33, 0x33);
const MARK: RGBColor = RGBColor(0x1f, 0x77, 0xb4);
const INK: RGBColor = RGBColor(0x33, 0x33, 0x33);
const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);
const FONT: &str = "sans-serif";

/// A kernel on the drawing.
#[derive(Clone, Debug)]
pub struct Point {
    /// What the list calls it.
    pub name: String,
    /// The case it solves: of those of one case, the fastest is drawn where there are too many.
    pub case: String,
    /// Operations a byte.
    pub intensity: f64,
    /// Billions of operations a second.
    pub gflops: f64,
    /// Whether it is the user's own, which is drawn in any case.
    pub custom: bool,
}

/// Draws `points` under `roofline`. Each has a number, and the list beside says what it is.
///
/// # Errors
/// The drawing fails; no input is known to make it.
pub fn svg(title: &str, roofline: &Roofline, points: &[Point]) -> Result<String> {
    let mut text = String::new();
    {
        let (shown, more) = shown(points);
        let letters = shown.iter().map(|point| point.name.chars().count() + 14).max().unwrap_or(0);
        let size = (CHART.0 + (letters * LETTER).max(NAMES) as u32, CHART.1);
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        draw(&area, title, roofline, (&shown, more))
            .map_err(|e| anyhow::anyhow!("{e}"))
            .context("cannot draw the roofline")?;
    }
    Ok(text)
}

/// All points, or the fastest of each case, or as many of those as the list has room for; and how many are left out of it.
fn shown(points: &[Point]) -> (Vec<Point>, usize) {
    let drawable = |point: &&Point| point.intensity > 0.0 && point.gflops > 0.0;
    let all: Vec<Point> = points.iter().filter(drawable).cloned().collect();
    if all.len() <= MOST_NAMES {
        return (all, 0);
    }
    let mut best: BTreeMap<&str, f64> = BTreeMap::new();
    for point in &all {
        let gflops = best.entry(&point.case).or_default();
        *gflops = gflops.max(point.gflops);
    }
    let is_best = |point: &&Point| best.get(point.case.as_str()) == Some(&point.gflops);
    let (own, others): (Vec<&Point>, Vec<&Point>) = all.iter().partition(|point| point.custom);
    let shown: Vec<Point> =
        own.into_iter().chain(others.into_iter().filter(is_best)).take(MOST_NAMES).cloned().collect();
    let more = all.len() - shown.len();
    (shown, more)
}

type Drawn = Result<(), Box<dyn std::error::Error>>;

fn draw(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    title: &str,
    roofline: &Roofline,
    (points, more): (&[Point], usize),
) -> Drawn {
    area.fill(&WHITE)?;
    let text = |size: u32| (FONT, size).into_font().color(&INK);
    let (chart_area, names) = area.split_horizontally(CHART.0);
    let (peak, bandwidth) = (roofline.flops_per_s * 1e-9, roofline.bytes_per_s * 1e-9);
    let ridge = peak / bandwidth;
    // Whole decades around all that is drawn.
    let decade = |value: f64, up: bool| 10f64.powf(if up { value.log10().ceil() } else { value.log10().floor() });
    let least = |start: f64, values: &mut dyn Iterator<Item = f64>| values.fold(start, f64::min);
    let most = |start: f64, values: &mut dyn Iterator<Item = f64>| values.fold(start, f64::max);
    let x = decade(least(ridge / 30.0, &mut points.iter().map(|p| p.intensity)), false)
        ..decade(most(ridge * 10.0, &mut points.iter().map(|p| p.intensity)), true);
    let y = decade(least(peak / 30.0, &mut points.iter().map(|p| p.gflops)), false)
        ..decade(most(peak * 1.5, &mut points.iter().map(|p| p.gflops)), true);
    let mut chart = ChartBuilder::on(&chart_area)
        .caption(title, text(17))
        .margin(14)
        .x_label_area_size(46)
        .y_label_area_size(64)
        .build_cartesian_2d(x.clone().log_scale(), y.clone().log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style(text(14))
        .axis_desc_style(text(15))
        .x_desc("operations a byte")
        .y_desc("GFLOP/s")
        .x_label_formatter(&|value| short(*value))
        .y_label_formatter(&|value| short(*value))
        .draw()?;
    let left = x.start.max(y.start / bandwidth);
    let roof = [(left, left * bandwidth), (ridge, peak), (x.end, peak)];
    chart.draw_series(LineSeries::new(roof, ROOF.stroke_width(2)))?;
    let label = |what: String, at: (f64, f64)| Text::new(what, at, text(14));
    chart.draw_series([
        label(format!("{} GFLOP/s", short(peak)), (ridge * 1.3, peak * 1.7)),
        label(format!("{} GB/s", short(bandwidth)), (left * 1.2, left * bandwidth * 4.0)),
    ])?;
    for (number, point) in (1..).zip(points) {
        let at = (point.intensity, point.gflops);
        chart.draw_series([Circle::new(at, 4, MARK.filled())])?;
        let mark = EmptyElement::at(at) + Text::new(format!("{number}"), (6, -14), text(13));
        chart.draw_series([mark])?;
    }
    for (line, (number, point)) in (0..).zip((1..).zip(points)) {
        let words = format!("{number:>2}  {}  ({})", point.name, short(point.gflops));
        names.draw(&Text::new(words, (6, 22 + 17 * line), text(13)))?;
    }
    if more > 0 {
        let words = format!("and {more} more, which are slower or for which there is no room");
        names.draw(&Text::new(words, (6, 22 + 17 * points.len() as i32), text(13)))?;
    }
    area.present()?;
    Ok(())
}

/// A number in few digits.
fn short(value: f64) -> String {
    if value >= 10.0 {
        format!("{value:.0}")
    } else if value >= 1.0 {
        format!("{value:.1}")
    } else if value >= 0.01 || value == 0.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.0e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(case: usize, gflops: f64) -> Point {
        Point {
            name: format!("kernel {case}"),
            case: format!("case {case}"),
            intensity: 0.5 + case as f64,
            gflops,
            custom: false,
        }
    }

    #[test]
    fn kernels_are_named_under_the_roofs() {
        let roofline = Roofline { flops_per_s: 80e9, bytes_per_s: 20e9 };
        let svg = svg("an adapter", &roofline, &[point(1, 3.0), point(20, 60.0)]).unwrap();
        for word in ["an adapter", "80 GFLOP/s", "20 GB/s", "operations a byte", "kernel 1 ", "kernel 20 "] {
            assert!(svg.contains(word), "{word}");
        }
        assert!(svg.ends_with("</svg>\n"));
        if let Some(path) = std::env::var_os("GIRIH_KEEP_ROOFLINE") {
            std::fs::write(path, svg).unwrap();
        }
    }

    #[test]
    fn of_too_many_the_fastest_of_each_case_stays() {
        let mut points: Vec<Point> = (0..60).map(|i| point(i / 3, 1.0 + (i % 3) as f64)).collect();
        points[30].custom = true;
        let (shown, more) = shown(&points);
        assert_eq!((shown.len(), more), (21, 39));
        assert!(shown.iter().all(|point| point.gflops == 3.0 || point.custom));
        let svg = svg("", &Roofline { flops_per_s: 80e9, bytes_per_s: 20e9 }, &points).unwrap();
        assert!(svg.contains("and 39 more"));
    }

    #[test]
    fn nothing_and_extremes_still_draw() {
        let roofline = Roofline { flops_per_s: 1e14, bytes_per_s: 1e8 };
        for points in [vec![], vec![point(0, f64::NAN)], vec![Point { intensity: 0.0, ..point(1, 1e-9) }]] {
            assert!(svg("", &roofline, &points).is_ok());
        }
    }
}
