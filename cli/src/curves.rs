//! `curves.svg`: loss and accuracy over the epochs of a run.

use std::ops::Range;

use anyhow::{Context, Result};
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::metrics::Epoch;

const SIZE: (u32, u32) = (960, 400);
const TRAIN: RGBColor = RGBColor(0x1f, 0x77, 0xb4);
const TEST: RGBColor = RGBColor(0xd6, 0x5f, 0x0e);
const INK: RGBColor = RGBColor(0x33, 0x33, 0x33);
const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);
const FONT: &str = "sans-serif";

/// One panel: a title and two lines over the epochs.
struct Panel {
    title: &'static str,
    train: Vec<(i32, f64)>,
    test: Vec<(i32, f64)>,
    range: Range<f64>,
}

/// The curves of a run as an SVG document: loss on the left, accuracy on the right, each for
/// training and test images. Values that are not finite leave a gap.
///
/// # Errors
/// The drawing fails; no input is known to make it.
pub fn svg(epochs: &[Epoch]) -> Result<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        draw(&area, epochs).map_err(|e| anyhow::anyhow!("{e}")).context("cannot draw the curves")?;
    }
    Ok(text)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn draw(area: &Area<'_>, epochs: &[Epoch]) -> Result<(), Box<dyn std::error::Error>> {
    area.fill(&WHITE)?;
    let (left, right) = area.split_horizontally(SIZE.0 / 2);
    let line = |value: fn(&Epoch) -> f32| -> Vec<(i32, f64)> {
        epochs
            .iter()
            .filter(|epoch| value(epoch).is_finite())
            .map(|epoch| (epoch.epoch as i32, f64::from(value(epoch))))
            .collect()
    };
    let last = epochs.last().map_or(1, |epoch| epoch.epoch) as i32;

    let (train, test) = (line(|e| e.train_loss), line(|e| e.test_loss));
    let range = loss_range(train.iter().chain(&test).map(|point| point.1));
    let title = "Loss";
    draw_panel(&left, last, &Panel { title, train, test, range })?;

    let (train, test) = (line(|e| 100.0 * e.train_accuracy), line(|e| 100.0 * e.test_accuracy));
    let range = accuracy_range(train.iter().chain(&test).map(|point| point.1));
    let title = "Accuracy (%)";
    draw_panel(&right, last, &Panel { title, train, test, range })?;
    area.present()?;
    Ok(())
}

/// From zero to a little above the highest loss.
fn loss_range(values: impl Iterator<Item = f64>) -> Range<f64> {
    let top = values.fold(0.0, f64::max);
    0.0..if top > 0.0 { 1.08 * top } else { 1.0 }
}

/// Whole tens around the values, within 0 and 100.
fn accuracy_range(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (low, high) = values.fold((100.0_f64, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return 0.0..100.0;
    }
    let bottom = ((low - 2.0) / 10.0).floor().max(0.0) * 10.0;
    let top = ((high + 2.0) / 10.0).ceil().min(10.0) * 10.0;
    bottom..top.max(bottom + 10.0)
}

fn draw_panel(area: &Area<'_>, last: i32, panel: &Panel) -> Result<(), Box<dyn std::error::Error>> {
    let text = |size: u32| (FONT, size).into_font().color(&INK);
    // One epoch has a width too, else the axis would have none.
    let epochs = 1..last.max(2);
    let mut chart = ChartBuilder::on(area)
        .caption(panel.title, text(20))
        .margin(14)
        .margin_right(22)
        .x_label_area_size(42)
        .y_label_area_size(52)
        .build_cartesian_2d(epochs, panel.range.clone())?;
    let decimals = usize::from(panel.range.end <= 3.0) + usize::from(panel.range.end <= 0.3);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style(text(14))
        .x_desc("epoch")
        .x_labels(last.clamp(2, 10) as usize)
        .y_labels(6)
        .y_label_formatter(&|value| format!("{value:.decimals$}"))
        .axis_desc_style(text(15))
        .draw()?;
    for (name, color, points) in [("train", TRAIN, &panel.train), ("test", TEST, &panel.test)] {
        chart
            .draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], color.stroke_width(3)));
        // Markers show single epochs; over many they would only thicken the line.
        if points.len() <= 30 {
            chart.draw_series(points.iter().map(|&point| Circle::new(point, 3, color.filled())))?;
        }
    }
    let corner = if panel.title == "Loss" { SeriesLabelPosition::UpperRight } else { SeriesLabelPosition::LowerRight };
    chart
        .configure_series_labels()
        .position(corner)
        .margin(12)
        .legend_area_size(30)
        .background_style(WHITE.mix(0.85))
        .border_style(GRID)
        .label_font(text(15))
        .draw()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Speed;

    fn epoch(epoch: u32, loss: f32, accuracy: f32) -> Epoch {
        Epoch {
            epoch,
            train_loss: loss,
            train_accuracy: accuracy + 0.05,
            test_loss: loss + 0.15,
            test_accuracy: accuracy,
            shares: None,
            learning_rate: 0.01,
            speed: Speed { unit: "images".into(), per_s: 100.0 },
            seconds: 1.0,
        }
    }

    #[test]
    fn both_panels_and_both_lines_are_there() {
        let epochs: Vec<Epoch> = (1..=12).map(|i| epoch(i, 2.2 / (i as f32).sqrt(), 0.9 - 0.6 / i as f32)).collect();
        let svg = svg(&epochs).unwrap();
        for word in ["Loss", "Accuracy (%)", "epoch", "train", "test"] {
            assert!(svg.contains(word), "{word}");
        }
        // Each colour: two lines, two keys, and a marker an epoch in each panel.
        for color in ["#1F77B4", "#D65F0E"] {
            assert_eq!(svg.matches(color).count(), 2 * (2 + 12), "{color}");
        }
        // `GIRIH_KEEP_CURVES=file cargo test` keeps a drawing to look at.
        if let Some(path) = std::env::var_os("GIRIH_KEEP_CURVES") {
            std::fs::write(path, svg).unwrap();
        }
    }

    #[test]
    fn few_epochs_and_wild_values_still_draw() {
        for epochs in [
            vec![],
            vec![epoch(1, 2.3, 0.1)],
            vec![epoch(1, f32::NAN, 0.1), epoch(2, f32::INFINITY, 0.1)],
            vec![epoch(1, 0.0, 0.0), epoch(2, 0.0, 0.0)],
            vec![epoch(300, 1e30, 1.0)],
        ] {
            assert!(svg(&epochs).unwrap().ends_with("</svg>\n"));
        }
    }
}
