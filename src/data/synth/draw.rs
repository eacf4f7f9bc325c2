//! Draws one image of the procedural set.
//!
//! What a class leaves free is drawn at random: place, size, rotation, period, both colours, and which of figure and
//! ground is the lighter. So neither a pixel nor a mean colour tells a class, and a linear classifier has little to
//! hold on to, while the edges and textures that convolutions see are plain.

use super::shapes::distance;
use crate::tensor::random::{Random, unit};

/// Height and width in pixels.
pub(super) const SIDE: usize = 32;
/// Bytes of one image: three planes.
pub(super) const IMAGE_BYTES: usize = 3 * SIDE * SIDE;

/// A rigid place for a figure.
struct Pose {
    x: f32,
    y: f32,
    cos: f32,
    sin: f32,
}

impl Pose {
    fn random(random: &mut Random, margin: f32) -> Self {
        let [x, y, turn, quadrant] = random.words();
        let room = SIDE as f32 - 2.0 * margin;
        // The circle in rational form: a division is exact to the bit where a cosine is not. `half` reaches tan(π/8),
        // so (c, s) covers 45°; its eight images cover the circle.
        let half = 0.414_213_57 * unit(turn);
        let (c, s) = ((1.0 - half * half) / (1.0 + half * half), 2.0 * half / (1.0 + half * half));
        let (c, s) = if quadrant & 4 == 0 { (c, s) } else { (s, c) };
        let (cos, sin) = match quadrant & 3 {
            0 => (c, s),
            1 => (-s, c),
            2 => (-c, -s),
            _ => (s, -c),
        };
        Self { x: margin + room * unit(x), y: margin + room * unit(y), cos, sin }
    }

    /// The point of the picture in the figure's own frame.
    fn local(&self, column: usize, row: usize) -> (f32, f32) {
        let (dx, dy) = (column as f32 + 0.5 - self.x, row as f32 + 0.5 - self.y);
        (self.cos * dx + self.sin * dy, self.cos * dy - self.sin * dx)
    }
}

/// Between `low` and `high`.
fn within(random: &mut Random, low: f32, high: f32) -> f32 {
    low + (high - low) * random.uniform()
}

/// Three channels around `centre`, each off by up to `spread`.
fn colour(random: &mut Random, centre: f32, spread: f32) -> [f32; 3] {
    let [a, b, c, _] = random.words();
    [a, b, c].map(|word| centre + spread * (2.0 * unit(word) - 1.0))
}

/// The share of a pixel that lies inside, from its signed distance.
fn coverage(distance: f32) -> f32 {
    (0.5 - distance).clamp(0.0, 1.0)
}

/// Draws the figure of `label` into `image`, three planes of 32 × 32 bytes.
pub(super) fn draw(random: &mut Random, label: usize, image: &mut [u8]) {
    let radius = within(random, 9.0, 12.5);
    let period = within(random, 5.0, 6.5);
    let pose = Pose::random(random, radius);

    // Figure and ground differ by 0.34 to 0.56 in lightness, either way round, around a random middle.
    let step = within(random, 0.17, 0.28);
    let step = if random.below(2) == 0 { step } else { -step };
    let middle = within(random, 0.4, 0.6);
    let figure = colour(random, middle + step, 0.1);
    let ground = colour(random, middle - step, 0.1);
    let slope = colour(random, 0.0, 0.006);

    // Specks, a little like the figure, under it.
    let specks: [(Pose, f32); 3] = std::array::from_fn(|_| (Pose::random(random, 1.0), within(random, 0.6, 1.6)));
    let speck = colour(random, middle + 0.6 * step, 0.2);
    let noise = within(random, 0.01, 0.06);

    for row in 0..SIDE {
        for column in 0..SIDE {
            let (u, v) = pose.local(column, row);
            let inside = coverage(distance(label, u, v, radius, period));
            let dotted = specks.iter().fold(0.0f32, |most, (place, size)| {
                let (u, v) = place.local(column, row);
                most.max(coverage((u * u + v * v).sqrt() - size))
            });
            let grain = random.words();
            let across = slope[1] * (column as f32 - 15.5) + slope[2] * (row as f32 - 15.5);
            for channel in 0..3 {
                let mut value = ground[channel] + across;
                value += dotted * (speck[channel] - value);
                value += inside * (figure[channel] - value);
                value += noise * (2.0 * unit(grain[channel]) - 1.0);
                // A pixel is rounded to the nearest of 256; the clamp keeps the cast exact.
                image[(channel * SIDE + row) * SIDE + column] = (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
            }
        }
    }
}
