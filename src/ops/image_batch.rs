//! A batch of images from packed bytes: gathered, unpacked, normalised and augmented in one kernel.

use super::copy::IN_SOFTWARE;
use super::launch::Launch;
use super::{Case, CaseInput, Values};
use crate::graph::{Gradients, Graph, GraphError, Lowering, NodeId, Op, OpTypes, ShapeError, Vjp};
use crate::kernel::{Candidates, Kernel, KernelCall, Operand, Strategy, source};
use crate::tensor::random::pcg4d;
use crate::tensor::{Array, TensorType};

/// What is done to training images at random, each sample with its own draws. The default does nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Augmentation {
    /// Pixels of zero padding around the image before a crop of its own size is taken at random; 0 for no crop.
    pub crop: usize,
    /// Whether half of the images are mirrored left to right.
    pub flip: bool,
    /// The side of a square, centred anywhere, that is zero after normalising (DeVries and Taylor, *Improved
    /// Regularization of Convolutional Neural Networks with Cutout*, 2017); 0 for none.
    pub cutout: usize,
}

/// pixels u32 `[N, words]`, indices u32 `[B]`, clock u32 `[2]` (seed, step) → f32 `[B, C, H, W]`.
///
/// A row of pixels is an image's bytes (CHW, lowest byte first, filled up to whole words); the result is
/// (byte / 255 − mean) / std by channel. An index past the end gives a black image.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageBatch {
    /// `[C, H, W]`, with up to [`ImageBatch::MAX_CHANNELS`] channels.
    pub shape: [usize; 3],
    /// Each channel's mean, of pixels in [0, 1].
    pub mean: Vec<f32>,
    /// Each channel's standard deviation, likewise.
    pub std: Vec<f32>,
    /// What is done at random.
    pub augmentation: Augmentation,
    /// The random stream; see [`Graph::stream`].
    pub stream: u32,
}

/// What is drawn for one sample.
#[derive(Clone, Copy)]
struct Draw {
    /// Rows and columns by which the crop is shifted.
    shift: [isize; 2],
    flip: bool,
    /// The cutout's first row and column.
    cut: [isize; 2],
}

impl ImageBatch {
    /// The most channels an image has.
    pub const MAX_CHANNELS: usize = 4;

    fn row_words(&self) -> usize {
        self.shape.iter().product::<usize>().div_ceil(4)
    }

    /// The kernel's draws, word for word.
    fn draw(&self, seed: u32, step: u32, sample: u32) -> Draw {
        let Augmentation { crop, flip, cutout } = self.augmentation;
        let [_, h, w] = self.shape;
        let words = pcg4d([seed, step, self.stream, sample]).map(|word| word as usize);
        let shift = |word: usize| (word % (2 * crop + 1)) as isize - crop as isize;
        let cut = |word: usize, extent: usize| (word % extent) as isize - (cutout / 2) as isize;
        Draw {
            shift: [shift(words[0]), shift(words[1])],
            flip: flip && words[2] >> 31 == 1,
            cut: [cut(words[3] & 0xffff, h), cut(words[3] >> 16, w)],
        }
    }
}

impl Op for ImageBatch {
    fn name(&self) -> &'static str {
        "image_batch"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<TensorType, ShapeError> {
        let [pixels, indices, clock] = inputs else {
            return Err(ShapeError::new("takes pixels, indices and the clock"));
        };
        let [c, h, w] = self.shape;
        let per_channel = self.mean.len() == c && self.std.len() == c;
        if c * h * w == 0 || c > Self::MAX_CHANNELS || !per_channel {
            let (means, deviations) = (self.mean.len(), self.std.len());
            let why = format!("images of {c}x{h}x{w} with {means} means and {deviations} deviations");
            return Err(ShapeError::new(format!("{why}: one each for 1 to {} channels wanted", Self::MAX_CHANNELS)));
        }
        if h.max(w) > 1 << 16 {
            return Err(ShapeError::new(format!("images of {c}x{h}x{w}: {} rows and columns at most", 1 << 16)));
        }
        let words = self.row_words();
        if !matches!(&*pixels.shape, &[_, row] if *pixels == TensorType::u32([pixels.shape[0], row]) && row == words) {
            return Err(ShapeError::new(format!("images of {c}x{h}x{w} are u32[N, {words}], not {pixels}")));
        }
        let &[batch] = &*indices.shape else {
            return Err(ShapeError::new(format!("indices must be u32[B], not {indices}")));
        };
        if *indices != TensorType::u32([batch]) || *clock != TensorType::u32([2]) {
            return Err(ShapeError::new(format!(
                "indices must be u32[B] and the clock u32[2], not {indices}, {clock}"
            )));
        }
        Ok(TensorType::f32([batch, c, h, w]))
    }

    fn reference(&self, inputs: &[&Array]) -> Array {
        let [pixels, indices, clock] = inputs else { return Array::zeros([0]) };
        let [c, h, w] = self.shape;
        let [seed, step] = [clock.values[0] as u32, clock.values[1] as u32];
        let cutout = self.augmentation.cutout as isize;
        let draws: Vec<Draw> = (0..indices.values.len() as u32).map(|b| self.draw(seed, step, b)).collect();
        Array::from_fn([indices.values.len(), c, h, w], |index| {
            let &[b, channel, y, x] = index else { return 0.0 };
            let draw = draws[b];
            let cut = |place: usize, start: isize| (start..start + cutout).contains(&(place as isize));
            if cut(y, draw.cut[0]) && cut(x, draw.cut[1]) {
                return 0.0;
            }
            let column = if draw.flip { w - 1 - x } else { x };
            let from = (y.checked_add_signed(draw.shift[0]), column.checked_add_signed(draw.shift[1]));
            let byte = match from {
                (Some(row), Some(column)) if row < h && column < w && indices.values[b] < pixels.shape[0] as f64 => {
                    let at = (channel * h + row) * w + column;
                    let word = pixels.values[indices.values[b] as usize * self.row_words() + at / 4] as u32;
                    word.to_le_bytes()[at % 4]
                }
                _ => 0,
            };
            (f64::from(byte) / 255.0 - f64::from(self.mean[channel])) / f64::from(self.std[channel])
        })
    }

    fn vjp(&self, graph: &mut Graph, io: &Vjp<'_>) -> Result<Gradients, GraphError> {
        io.undefined(graph)
    }

    fn lower(&self, l: &Lowering<'_>) -> Candidates {
        const SCALES: [&str; ImageBatch::MAX_CHANNELS] = ["scale_0", "scale_1", "scale_2", "scale_3"];
        const SHIFTS: [&str; ImageBatch::MAX_CHANNELS] = ["shift_0", "shift_1", "shift_2", "shift_3"];
        let [c, h, w] = self.shape;
        let Augmentation { crop, flip, cutout } = self.augmentation;
        let run = if l.caps.is_software() && w.is_multiple_of(IN_SOFTWARE) { IN_SOFTWARE } else { 1 };
        let count = l.output.count() / run;
        let launch = Launch::single(count, l.caps);
        let kernel = Kernel::new(source!("image_batch"))
            .constant("WG", launch.invocations)
            .constant("RUN", run)
            .constant("ROW_WORDS", self.row_words())
            .constant("C", c)
            .constant("H", h)
            .constant("W", w)
            .constant("CROP", crop)
            .constant("FLIP", flip)
            .constant("CUTOUT", cutout);
        let call = KernelCall::new(kernel, launch.grid(count, l.caps)).bind_inputs(3);
        let mut call = call.bind(Operand::Output).param("count", count).param("rows", l.inputs[0].shape[0]);
        call = call.param("stream", self.stream);
        for channel in 0..Self::MAX_CHANNELS {
            // Rounded once, from f64.
            let std = f64::from(self.std.get(channel).copied().unwrap_or(1.0));
            let mean = f64::from(self.mean.get(channel).copied().unwrap_or(0.0));
            call = call.param(SCALES[channel], (1.0 / (255.0 * std)) as f32);
            call = call.param(SHIFTS[channel], (-mean / std) as f32);
        }
        vec![Strategy::single("pixels", call)]
    }

    fn flops(&self, types: &OpTypes<'_>) -> u64 {
        2 * types.output.count() as u64
    }
}

impl Graph {
    /// A batch of f32 images `[B, C, H, W]` out of `pixels` u32 `[N, words]` by `indices` u32 `[B]`, normalised by
    /// channel and augmented; `clock` is u32 `[2]`, seed and step.
    ///
    /// # Errors
    /// When the inputs do not hold images of `shape` `[C, H, W]`, or there is not one mean and deviation a channel.
    #[expect(clippy::too_many_arguments, reason = "three inputs and what describes the images")]
    pub fn image_batch(
        &mut self,
        pixels: NodeId,
        indices: NodeId,
        clock: NodeId,
        shape: [usize; 3],
        mean: &[f32],
        std: &[f32],
        augmentation: Augmentation,
    ) -> Result<NodeId, GraphError> {
        let stream = self.stream();
        let op = ImageBatch { shape, mean: mean.to_vec(), std: std.to_vec(), augmentation, stream };
        self.apply(op, &[pixels, indices, clock])
    }
}

/// Cases.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, shape: [usize; 3], augmentation, rows: usize, bound: u32| {
        let (mean, std) = ([0.49, 0.48, 0.45, 0.5], [0.25, 0.24, 0.26, 0.2]);
        let c = shape[0];
        let op = ImageBatch { shape, mean: mean[..c].to_vec(), std: std[..c].to_vec(), augmentation, stream: 3 };
        let words = op.row_words();
        let pixels = CaseInput { ty: TensorType::u32([rows, words]), values: Values::Index(u32::MAX) };
        Case::new(name, op, vec![pixels, CaseInput::index([9], bound), CaseInput::clock()]).forward_only()
    };
    let augmentation = |crop, flip, cutout| Augmentation { crop, flip, cutout };
    vec![
        case("plain", [3, 8, 8], augmentation(0, false, 0), 5, 5),
        case("a row of odd length", [1, 5, 7], augmentation(0, false, 0), 5, 5),
        case("past the end", [3, 4, 4], augmentation(0, false, 0), 5, 10),
        case("flip", [3, 8, 8], augmentation(0, true, 0), 5, 5),
        case("crop", [2, 8, 12], augmentation(2, false, 0), 5, 5),
        case("crop, flip, cutout", [3, 32, 32], augmentation(4, true, 8), 5, 5),
        case("odd cutout", [4, 9, 6], augmentation(1, true, 3), 5, 5),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One 1×1×4 image of bytes 10, 20, 30, 40, normalised to the bytes themselves.
    fn rows(augmentation: Augmentation, samples: usize) -> Vec<Vec<f64>> {
        let op = ImageBatch { shape: [1, 1, 4], mean: vec![0.0], std: vec![1.0 / 255.0], augmentation, stream: 1 };
        let pixels = Array::new([1, 1], vec![f64::from(u32::from_le_bytes([10, 20, 30, 40]))]);
        let images = op.reference(&[&pixels, &Array::zeros([samples]), &Array::new([2], vec![5.0, 9.0])]);
        images.values.chunks(4).map(|row| row.iter().map(|v| v.round()).collect()).collect()
    }

    #[test]
    fn each_sample_draws_its_own_augmentation() {
        assert_eq!(rows(Augmentation::default(), 1), [[10.0, 20.0, 30.0, 40.0]]);
        let share = |rows: &[Vec<f64>], is: &dyn Fn(&[f64]) -> bool| rows.iter().filter(|row| is(row)).count();
        let flipped = rows(Augmentation { flip: true, ..Augmentation::default() }, 400);
        assert!((160..240).contains(&share(&flipped, &|row| row == [40.0, 30.0, 20.0, 10.0])));
        // Rows are cropped too: of the three places a crop begins at, two lie beside the image's only row.
        let cropped = rows(Augmentation { crop: 1, ..Augmentation::default() }, 900);
        assert!((240..360).contains(&share(&cropped, &|row| row.iter().any(|&v| v != 0.0))));
        for expected in [[0.0, 10.0, 20.0, 30.0], [10.0, 20.0, 30.0, 40.0], [20.0, 30.0, 40.0, 0.0]] {
            assert!((60..140).contains(&share(&cropped, &|row| row == expected)));
        }
        let cut = rows(Augmentation { cutout: 1, ..Augmentation::default() }, 400);
        assert!((60..140).contains(&share(&cut, &|row| row == [10.0, 20.0, 0.0, 40.0])));
    }
}
