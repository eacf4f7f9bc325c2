//! The ten figures of the procedural set, as signed distances in pixels.
//!
//! Only `+ - * /`, square roots, comparisons and `floor` are used: IEEE 754 fixes each of them to the bit, so a figure
//! is the same on every machine, which `sin` and `cos` of a C library would not be.

/// The class names, in label order.
pub const CLASSES: [&str; 10] =
    ["disc", "ring", "square", "frame", "triangle", "cross", "stripes", "checks", "dots", "crescent"];

/// The signed distance (negative inside, in pixels, exact or a close bound) of the point `(u, v)`, relative to the
/// figure's centre and turned into its frame, for the figure of `label` with the given radius and texture period.
pub(super) fn distance(label: usize, u: f32, v: f32, radius: f32, period: f32) -> f32 {
    let length = (u * u + v * v).sqrt();
    let square = u.abs().max(v.abs());
    match label {
        0 => length - 0.85 * radius,
        1 => (length - 0.78 * radius).abs() - 0.2 * radius,
        2 => square - 0.75 * radius,
        3 => (square - 0.68 * radius).abs() - 0.17 * radius,
        // Three half-planes at 120°; 0.8660254 is √3 / 2.
        4 => (u.abs() * 0.866_025_4 + v * 0.5).max(-v) - 0.5 * radius,
        5 => bar(u, v, radius).min(bar(v, u, radius)),
        6 => (length - radius).max(wave(u, period)),
        7 => {
            let (a, b) = (wave(u, period), wave(v, period));
            (square - 0.85 * radius).max(a.min(b).max(-a.max(b)))
        }
        8 => {
            let (a, b) = (cell(u, period), cell(v, period));
            (square - 0.85 * radius).max((a * a + b * b).sqrt() - 0.3 * period)
        }
        _ => {
            let w = u - 0.5 * radius;
            (length - 0.95 * radius).max(0.75 * radius - (w * w + v * v).sqrt())
        }
    }
}

/// One arm pair of the cross.
fn bar(along: f32, across: f32, radius: f32) -> f32 {
    (along.abs() - 0.95 * radius).max(across.abs() - 0.25 * radius)
}

/// The offset from the middle of the repeating cell that holds `x`.
fn cell(x: f32, period: f32) -> f32 {
    let t = x / period;
    (t - t.floor() - 0.5) * period
}

/// Bands half a period wide.
fn wave(x: f32, period: f32) -> f32 {
    cell(x, period).abs() - 0.25 * period
}
