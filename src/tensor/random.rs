//! Counter-based random numbers: a value is a pure function of its key, so the host, every adapter and a resumed run
//! draw the same bits, and nothing has to be carried from step to step.
//!
//! The generator is PCG4D (Jarzynski and Olano, *Hash Functions for GPU Rendering*, JCGT 9(3), 2020): four words in,
//! four well-mixed words out, with 32-bit multiplications only, which WGSL has. `shaders/lib/random.wgsl` is its twin.

/// Hashes the four words of a key, by convention `(seed, step, stream, index)`, into four random words.
pub fn pcg4d(key: [u32; 4]) -> [u32; 4] {
    let [mut x, mut y, mut z, mut w] = key.map(|k| k.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    let mix = |x: &mut u32, y: &mut u32, z: &mut u32, w: &mut u32| {
        *x = x.wrapping_add(y.wrapping_mul(*w));
        *y = y.wrapping_add(z.wrapping_mul(*x));
        *z = z.wrapping_add(x.wrapping_mul(*y));
        *w = w.wrapping_add(y.wrapping_mul(*z));
    };
    mix(&mut x, &mut y, &mut z, &mut w);
    [x, y, z, w] = [x, y, z, w].map(|v| v ^ (v >> 16));
    mix(&mut x, &mut y, &mut z, &mut w);
    [x, y, z, w]
}

/// Maps a random word to `[0, 1)` with 24 bits, the same on host and device.
pub fn unit(word: u32) -> f32 {
    (word >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// A sequence of random numbers with a fixed `(seed, step, stream)`; the counter is the index.
#[derive(Clone, Debug)]
pub struct Random {
    key: [u32; 3],
    index: u32,
}

impl Random {
    /// The sequence of `stream` at `step` under `seed`.
    pub fn new(seed: u32, step: u32, stream: u32) -> Self {
        Self { key: [seed, step, stream], index: 0 }
    }

    /// The next four words.
    pub fn words(&mut self) -> [u32; 4] {
        let [seed, step, stream] = self.key;
        let words = pcg4d([seed, step, stream, self.index]);
        self.index = self.index.wrapping_add(1);
        words
    }

    /// The next number in `[0, 1)`.
    pub fn uniform(&mut self) -> f32 {
        unit(self.words()[0])
    }

    /// The next standard normal number (Box-Muller, computed in f64).
    pub fn normal(&mut self) -> f32 {
        let [a, b, ..] = self.words();
        // 1 - u lies in (0, 1]: the logarithm is finite.
        let radius = (-2.0 * (1.0 - f64::from(unit(a))).ln()).sqrt();
        (radius * (std::f64::consts::TAU * f64::from(unit(b))).cos()) as f32
    }

    /// The next integer below `bound`, which must be positive (multiply-shift, bias under 2⁻³² × bound).
    pub fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.words()[0]) * u64::from(bound)) >> 32) as u32
    }

    /// Shuffles in place (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u32 + 1) as usize);
        }
    }
}
