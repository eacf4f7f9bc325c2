//! Images a user names: PNG and JPEG files of any size, or images of a data set.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use girih::data::Split;
use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageDecoder, ImageReader, RgbImage, RgbaImage};

/// An image as the user names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// A file.
    File(PathBuf),
    /// One image of a data set: `cifar10:test:17`.
    Record {
        /// The data set.
        data: String,
        /// The part of it.
        split: Split,
        /// The image's number in it, from 0.
        index: usize,
    },
}

impl Named {
    /// Reads `DATA:train|test:INDEX`, or else takes the text for a file.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let record = || {
            let (rest, index) = text.rsplit_once(':')?;
            let (data, split) = rest.rsplit_once(':')?;
            let split = match split {
                "train" => Split::Train,
                "test" => Split::Test,
                _ => return None,
            };
            Some(Self::Record { data: data.to_owned(), split, index: index.parse().ok()? })
        };
        record().unwrap_or_else(|| Self::File(PathBuf::from(text)))
    }
}

/// Reads a PNG or JPEG file: upright as its EXIF data says, what is transparent on white.
///
/// # Errors
/// The file cannot be read or is no whole PNG or JPEG image; the file is named.
pub fn read(path: &Path) -> Result<RgbImage> {
    let decode = || -> Result<DynamicImage> {
        let mut decoder = ImageReader::open(path)?.with_guessed_format()?.into_decoder()?;
        let orientation = decoder.orientation()?;
        let mut image = DynamicImage::from_decoder(decoder)?;
        image.apply_orientation(orientation);
        Ok(image)
    };
    let image = decode().with_context(|| format!("cannot read the image {}", path.display()))?;
    Ok(if image.color().has_alpha() { on_white(&image.into_rgba8()) } else { image.into_rgb8() })
}

fn on_white(image: &RgbaImage) -> RgbImage {
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [r, g, b, alpha] = image.get_pixel(x, y).0.map(u32::from);
        let mix = |value: u32| ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        image::Rgb([mix(r), mix(g), mix(b)])
    })
}

/// The middle of an image, cut to the proportions of `width` × `height` and scaled to them.
#[must_use]
pub fn fit(image: &RgbImage, width: u32, height: u32) -> RgbImage {
    let (w, h) = (u64::from(image.width()), u64::from(image.height()));
    let (tw, th) = (u64::from(width), u64::from(height));
    // The largest part of the proportions wanted, at least one pixel each way.
    let (cut_w, cut_h) = if w * th > h * tw { ((h * tw / th).max(1), h) } else { (w, (w * th / tw).max(1)) };
    let (x, y) = ((w - cut_w) / 2, (h - cut_h) / 2);
    let part = imageops::crop_imm(image, x as u32, y as u32, cut_w as u32, cut_h as u32).to_image();
    if part.dimensions() == (width, height) {
        part
    } else {
        imageops::resize(&part, width, height, FilterType::Triangle)
    }
}

/// An image as the planes a network takes: `[C, H, W]`, three channels or, as luminance, one.
#[must_use]
pub fn planes(image: &RgbImage, channels: usize) -> Vec<u8> {
    if channels == 1 {
        return imageops::grayscale(image).into_raw();
    }
    (0..3).flat_map(|channel| image.pixels().map(move |pixel| pixel.0[channel])).collect()
}

/// Planes back as an image: `[C, H, W]` of one or three channels. `None` when the length does not
/// fit.
#[must_use]
pub fn from_planes(planes: &[u8], channels: usize, width: u32, height: u32) -> Option<RgbImage> {
    let area = width as usize * height as usize;
    if planes.len() != channels * area || !matches!(channels, 1 | 3) {
        return None;
    }
    Some(RgbImage::from_fn(width, height, |x, y| {
        let at = y as usize * width as usize + x as usize;
        let plane = |channel: usize| planes[(channel % channels) * area + at];
        image::Rgb([plane(0), plane(1), plane(2)])
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_records_or_files() {
        let record = |data: &str, split, index| Named::Record { data: data.into(), split, index };
        assert_eq!(Named::parse("cifar10:test:17"), record("cifar10", Split::Test, 17));
        assert_eq!(Named::parse("D:/my data:train:0"), record("D:/my data", Split::Train, 0));
        for text in ["cat.png", "cifar10:17", "a:test:x", "a:valid:3"] {
            assert_eq!(Named::parse(text), Named::File(text.into()));
        }
    }

    #[test]
    fn fitting_keeps_the_middle() {
        let image = RgbImage::from_fn(90, 30, |x, _| image::Rgb([(x / 30) as u8 * 100; 3]));
        let small = fit(&image, 8, 8);
        assert_eq!(small.dimensions(), (8, 8));
        assert!(small.pixels().all(|pixel| pixel.0 == [100; 3]));
        // An extreme strip still gives an image.
        assert_eq!(fit(&RgbImage::new(1, 5000), 32, 32).dimensions(), (32, 32));
    }

    #[test]
    fn planes_go_there_and_back() {
        let image = RgbImage::from_fn(3, 2, |x, y| image::Rgb([x as u8, y as u8, 7]));
        let data = planes(&image, 3);
        assert_eq!(data[..3], [0, 1, 2]);
        assert_eq!(from_planes(&data, 3, 3, 2), Some(image.clone()));
        assert_eq!(planes(&image, 1).len(), 6);
        assert_eq!(from_planes(&data, 3, 3, 3), None);
    }

    #[test]
    fn files_that_do_not_decode_are_named() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("cat.png");
        assert!(read(&path).unwrap_err().to_string().contains("cat.png"));
        RgbImage::new(40, 40).save(&path).unwrap();
        assert_eq!(read(&path).unwrap().dimensions(), (40, 40));
        let bytes = std::fs::read(&path).unwrap();
        for damaged in [&bytes[..bytes.len() / 2], b"no image", b""] {
            std::fs::write(&path, damaged).unwrap();
            let error = format!("{:#}", read(&path).unwrap_err());
            assert!(error.contains("cat.png"), "{error}");
        }
    }

    #[test]
    fn what_is_transparent_is_white() {
        let image = RgbaImage::from_pixel(1, 1, image::Rgba([0, 0, 0, 0]));
        assert_eq!(on_white(&image).get_pixel(0, 0).0, [255; 3]);
    }
}
