//! Labelled images in memory.

use super::DataError;

/// `N` labelled images of one size: `u8` pixels, one plane a channel.
///
/// It is checked when made: lengths agree, there is at least one image, and every label names a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSet {
    name: String,
    shape: [usize; 3],
    classes: Vec<String>,
    pixels: Vec<u8>,
    labels: Vec<u32>,
}

/// What normalises a set: per channel, over pixels scaled to `[0, 1]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelStats {
    /// The mean of each channel.
    pub mean: Vec<f32>,
    /// The (population) standard deviation of each channel; 1 for a constant channel, so that dividing is safe.
    pub std: Vec<f32>,
}

impl ImageSet {
    /// A set of images of `shape` `[C, H, W]`; `pixels` is `[N, C, H, W]`, `labels` is `[N]`, below `classes.len()`.
    ///
    /// # Errors
    /// [`DataError::Set`] when a length is zero or does not fit the others, or a label names no class.
    pub fn new(
        name: impl Into<String>,
        shape: [usize; 3],
        classes: Vec<String>,
        pixels: Vec<u8>,
        labels: Vec<u32>,
    ) -> Result<Self, DataError> {
        let name = name.into();
        let [c, h, w] = shape;
        let fail = |name, problem| Err(DataError::Set { name, problem });
        let bytes = c.checked_mul(h).and_then(|ch| ch.checked_mul(w));
        let Some(image_bytes) = bytes.filter(|&bytes| bytes > 0) else {
            return fail(name, format!("images of {c}x{h}x{w} cannot be"));
        };
        if labels.is_empty() {
            return fail(name, "it holds no image".into());
        }
        if u32::try_from(labels.len()).is_err() {
            return fail(name, format!("{} images are more than 32 bits count", labels.len()));
        }
        if labels.len().checked_mul(image_bytes) != Some(pixels.len()) {
            let (n, found) = (labels.len(), pixels.len());
            return fail(name, format!("{found} bytes of pixels for {n} labels and images of {c}x{h}x{w}"));
        }
        if let Some(at) = labels.iter().position(|&label| label as usize >= classes.len()) {
            let (label, count) = (labels[at], classes.len());
            return fail(name, format!("image {at} has label {label}, but there are {count} classes"));
        }
        Ok(Self { name, shape, classes, pixels, labels })
    }

    /// The set's name, such as `cifar10`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many images there are: at least one, and fewer than 2³².
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// `[C, H, W]`.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Channels: 3 (red, green, blue) or 1.
    pub fn channels(&self) -> usize {
        self.shape[0]
    }

    /// Rows of pixels.
    pub fn height(&self) -> usize {
        self.shape[1]
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.shape[2]
    }

    /// `C × H × W`, the bytes of one image.
    pub fn image_bytes(&self) -> usize {
        self.shape.iter().product()
    }

    /// The class names, in label order.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// All pixels, `[N, C, H, W]`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// All labels, `[N]`.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The label and the pixels (`[C, H, W]`) of one image, if there is one of this index.
    pub fn record(&self, index: usize) -> Option<(u32, &[u8])> {
        let label = *self.labels.get(index)?;
        let start = index * self.image_bytes();
        Some((label, self.pixels.get(start..start + self.image_bytes())?))
    }

    /// Labels and pixels of all images, in order.
    pub fn records(&self) -> impl Iterator<Item = (u32, &[u8])> {
        self.labels.iter().copied().zip(self.pixels.chunks_exact(self.image_bytes()))
    }

    /// The name of the class of `label`, if there is one.
    pub fn class_name(&self, label: u32) -> Option<&str> {
        self.classes.get(label as usize).map(String::as_str)
    }

    /// Mean and standard deviation of each channel, exact up to the last rounding: the sums are integers.
    pub fn channel_stats(&self) -> ChannelStats {
        let plane = self.height() * self.width();
        let mut sums = vec![(0u64, 0u64); self.channels()];
        for image in self.pixels.chunks_exact(self.image_bytes()) {
            for (sum, pixels) in sums.iter_mut().zip(image.chunks_exact(plane)) {
                for &pixel in pixels {
                    sum.0 += u64::from(pixel);
                    sum.1 += u64::from(pixel) * u64::from(pixel);
                }
            }
        }
        let count = (self.len() * plane) as f64;
        let stats = |(sum, squares): (u64, u64)| {
            let mean = sum as f64 / count;
            // Numerator first, in integers: the difference of two near-equal rounded numbers would be noise.
            let n = self.len() as u128 * plane as u128;
            let spread = (n * u128::from(squares) - u128::from(sum) * u128::from(sum)) as f64;
            let std = spread.sqrt() / count / 255.0;
            ((mean / 255.0) as f32, if spread > 0.0 { std as f32 } else { 1.0 })
        };
        let (mean, std) = sums.into_iter().map(stats).unzip();
        ChannelStats { mean, std }
    }
}

/// One of the two parts of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Split {
    /// Images to learn from.
    Train,
    /// Images to be judged on.
    Test,
}

/// Both parts of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Splits {
    /// The training images.
    pub train: ImageSet,
    /// The test images, of the same shape and classes.
    pub test: ImageSet,
}

impl Splits {
    /// Puts both together.
    ///
    /// # Errors
    /// [`DataError::Set`] when shapes or classes differ.
    pub fn new(train: ImageSet, test: ImageSet) -> Result<Self, DataError> {
        let problem = if train.shape != test.shape {
            let ([c, h, w], [d, i, x]) = (train.shape, test.shape);
            format!("training images are {c}x{h}x{w}, but test images {d}x{i}x{x}")
        } else if train.classes != test.classes {
            "training and test images have other classes".to_owned()
        } else {
            return Ok(Self { train, test });
        };
        Err(DataError::Set { name: train.name, problem })
    }

    /// Both parts, each as `part` gives it.
    pub(super) fn both(part: impl Fn(Split) -> Result<ImageSet, DataError>) -> Result<Self, DataError> {
        Self::new(part(Split::Train)?, part(Split::Test)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|class| class.to_string()).collect()
    }

    fn make(shape: [usize; 3], pixels: Vec<u8>, labels: Vec<u32>) -> Result<ImageSet, DataError> {
        ImageSet::new("t", shape, names(2), pixels, labels)
    }

    #[test]
    fn records_and_names() {
        let set = make([1, 1, 3], vec![1, 2, 3, 4, 5, 6], vec![0, 1]).unwrap();
        assert_eq!(set.record(1), Some((1, &[4u8, 5, 6][..])));
        assert_eq!(set.record(2), None);
        assert_eq!(set.records().count(), 2);
        assert_eq!((set.class_name(1), set.class_name(2)), (Some("1"), None));
    }

    #[test]
    fn channel_stats_are_those_of_the_definition() {
        let set = make([2, 1, 2], vec![0, 255, 7, 7, 255, 0, 7, 7], vec![0, 1]).unwrap();
        let stats = set.channel_stats();
        assert_eq!(stats.mean, [0.5, 7.0 / 255.0]);
        assert_eq!(stats.std, [0.5, 1.0], "a constant channel divides by one");
    }

    #[test]
    fn what_does_not_hold_together_is_refused() {
        let cases = [
            (make([0, 1, 1], vec![], vec![0]), "0x1x1"),
            (make([usize::MAX, 2, 2], vec![], vec![0]), "cannot be"),
            (make([1, 1, 1], vec![], vec![]), "no image"),
            (make([1, 1, 2], vec![0; 3], vec![0, 0]), "3 bytes of pixels for 2 labels"),
            (make([1, 1, 1], vec![0; 3], vec![0, 1, 2]), "image 2 has label 2, but there are 2 classes"),
        ];
        for (made, words) in cases {
            let error = made.unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn splits_agree() {
        let a = make([1, 1, 2], vec![0; 2], vec![0]).unwrap();
        let b = make([1, 2, 1], vec![0; 2], vec![0]).unwrap();
        let c = ImageSet::new("c", [1, 1, 2], names(3), vec![0; 2], vec![0]).unwrap();
        assert!(Splits::new(a.clone(), a.clone()).is_ok());
        assert!(Splits::new(a.clone(), b).unwrap_err().to_string().contains("1x1x2, but test images 1x2x1"));
        assert!(Splits::new(a, c).unwrap_err().to_string().contains("classes"));
    }
}
