//! A sheet of images with their top three scores, as one picture.

use std::io::Cursor;
use std::path::Path;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use anyhow::{Context, Result};
use image::imageops::{self, FilterType};
use image::{ImageFormat, Rgb, RgbImage};

use crate::run_folder::write_whole;
use crate::table::Score;

/// One image of the sheet.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name, drawn above it.
    pub name: String,
    /// What the network saw.
    pub image: RgbImage,
    /// Its scores, best first; three are drawn.
    pub scores: Vec<Score>,
}

const IMAGE: u32 = 192;
const GAP: u32 = 20;
const NAME_HEIGHT: u32 = 24;
const LINE_HEIGHT: u32 = 26;
const LINES: usize = 3;
const CELL: (u32, u32) = (IMAGE, NAME_HEIGHT + IMAGE + 6 + LINES as u32 * LINE_HEIGHT);
const MOST_COLUMNS: u32 = 6;
const TEXT_SIZE: f32 = 16.0;
/// The widest percentage; a column of its own beside the bars, so that no bar ends in it.
const WIDEST: &str = "100.0 %";
const PERCENT_GAP: u32 = 8;

const PAPER: Rgb<u8> = Rgb([255, 255, 255]);
const INK: Rgb<u8> = Rgb([0x22, 0x22, 0x22]);
const FAINT: Rgb<u8> = Rgb([0x77, 0x77, 0x77]);
const BAR: Rgb<u8> = Rgb([0xbc, 0xd9, 0xf0]);
/// What a bar has yet to fill.
const TRACK: Rgb<u8> = Rgb([0xf1, 0xf3, 0xf5]);

/// Draws the sheet and writes it as a PNG file.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, entries: &[Entry]) -> Result<()> {
    let mut png = Cursor::new(Vec::new());
    draw(entries)?.write_to(&mut png, ImageFormat::Png).context("cannot encode the sheet as PNG")?;
    write_whole(path, png.get_ref())
}

/// Draws the sheet: as near to a square as the number of images allows.
///
/// # Errors
/// The font that comes with the command does not read.
pub fn draw(entries: &[Entry]) -> Result<RgbImage> {
    let font =
        FontRef::try_from_slice(epaint_default_fonts::HACK_REGULAR).context("the built-in font does not read")?;
    let count = entries.len().max(1) as u32;
    let columns = (f64::from(count).sqrt().ceil() as u32).clamp(1, MOST_COLUMNS);
    let rows = count.div_ceil(columns);
    let mut sheet = RgbImage::from_pixel(GAP + columns * (CELL.0 + GAP), GAP + rows * (CELL.1 + GAP), PAPER);
    for (i, entry) in (0_u32..).zip(entries) {
        let x = GAP + (i % columns) * (CELL.0 + GAP);
        let y = GAP + (i / columns) * (CELL.1 + GAP);
        cell(&mut sheet, &font, entry, x, y);
    }
    Ok(sheet)
}

fn cell(sheet: &mut RgbImage, font: &FontRef<'_>, entry: &Entry, x: u32, y: u32) {
    write_text(sheet, font, &entry.name, FAINT, (x, y), CELL.0);
    let y = y + NAME_HEIGHT;
    let (w, h) = entry.image.dimensions();
    // The longer side fills the square. Small images keep their pixels, large ones are smoothed.
    let scale = f64::from(IMAGE) / f64::from(w.max(h).max(1));
    let filter = if scale >= 1.0 { FilterType::Nearest } else { FilterType::Triangle };
    let side = |length: u32| ((f64::from(length) * scale).round() as u32).clamp(1, IMAGE);
    let image = imageops::resize(&entry.image, side(w), side(h), filter);
    let (left, top) = ((IMAGE - image.width()) / 2, (IMAGE - image.height()) / 2);
    imageops::replace(sheet, &image, i64::from(x + left), i64::from(y + top));

    let track = track_width(font);
    let mut y = y + IMAGE + 6;
    for Score { class, score } in entry.scores.iter().take(LINES) {
        let length = (score.clamp(0.0, 1.0) * track as f32).round() as u32;
        for row in y..y + LINE_HEIGHT - 3 {
            for column in 0..track {
                sheet.put_pixel(x + column, row, if column < length { BAR } else { TRACK });
            }
        }
        write_text(sheet, font, class, INK, (x + 4, y + 3), track.saturating_sub(8));
        let percent = format!("{:.1} %", 100.0 * score);
        let width = text_width(font, &percent);
        write_text(sheet, font, &percent, INK, (x + CELL.0.saturating_sub(width), y + 3), width);
        y += LINE_HEIGHT;
    }
}

/// How long the bar of a certain class is: what the column of percentages leaves.
fn track_width(font: &FontRef<'_>) -> u32 {
    CELL.0.saturating_sub(text_width(font, WIDEST) + PERCENT_GAP)
}

fn text_width(font: &FontRef<'_>, text: &str) -> u32 {
    let font = font.as_scaled(PxScale::from(TEXT_SIZE));
    let width: f32 = text.chars().map(|character| font.h_advance(font.glyph_id(character))).sum();
    width.ceil() as u32
}

/// Writes one line with its top left corner `at`, cut with an ellipsis at `room` pixels.
fn write_text(sheet: &mut RgbImage, font: &FontRef<'_>, text: &str, color: Rgb<u8>, at: (u32, u32), room: u32) {
    let text = shortened(font, text, room);
    let scaled = font.as_scaled(PxScale::from(TEXT_SIZE));
    let baseline = at.1 as f32 + scaled.ascent();
    let mut x = at.0 as f32;
    for character in text.chars() {
        let id = scaled.glyph_id(character);
        let glyph = id.with_scale_and_position(TEXT_SIZE, point(x, baseline));
        x += scaled.h_advance(id);
        let Some(outline) = font.outline_glyph(glyph) else {
            continue;
        };
        let bounds = outline.px_bounds();
        outline.draw(|dx, dy, coverage| {
            let (px, py) = (bounds.min.x as i64 + i64::from(dx), bounds.min.y as i64 + i64::from(dy));
            let (Ok(px), Ok(py)) = (u32::try_from(px), u32::try_from(py)) else {
                return;
            };
            if let Some(pixel) = sheet.get_pixel_mut_checked(px, py) {
                let coverage = coverage.clamp(0.0, 1.0);
                for (under, ink) in pixel.0.iter_mut().zip(color.0) {
                    let mixed = f32::from(*under) * (1.0 - coverage) + f32::from(ink) * coverage;
                    *under = mixed.round() as u8;
                }
            }
        });
    }
}

fn shortened(font: &FontRef<'_>, text: &str, room: u32) -> String {
    if text_width(font, text) <= room {
        return text.to_owned();
    }
    let mut kept: String = text.to_owned();
    while kept.pop().is_some() {
        let candidate = format!("{kept}…");
        if text_width(font, &candidate) <= room {
            return candidate;
        }
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, width: u32, height: u32) -> Entry {
        let scores = [("aeroplane with a long name", 0.934), ("cat", 0.05), ("dog", 0.016), ("no", 0.0)];
        Entry {
            name: name.into(),
            image: RgbImage::from_fn(width, height, |x, y| {
                Rgb([(x * 255 / width) as u8, (y * 255 / height) as u8, 128])
            }),
            scores: scores.iter().map(|&(class, score)| Score { class: class.into(), score }).collect(),
        }
    }

    #[test]
    fn the_sheet_grows_with_its_images() {
        for (count, columns, rows) in [(0, 1, 1), (1, 1, 1), (2, 2, 1), (5, 3, 2), (50, 6, 9)] {
            let entries = vec![entry("x", 32, 32); count];
            let sheet = draw(&entries).unwrap();
            assert_eq!(sheet.width(), GAP + columns * (CELL.0 + GAP));
            assert_eq!(sheet.height(), GAP + rows * (CELL.1 + GAP));
        }
    }

    #[test]
    fn no_bar_reaches_the_percentages() {
        let font = FontRef::try_from_slice(epaint_default_fonts::HACK_REGULAR).unwrap();
        for score in [0.0, 0.5, 0.8, 0.97, 1.0] {
            let scores = vec![Score { class: String::new(), score }];
            let sheet = draw(&[Entry { scores, ..entry("x", 32, 32) }]).unwrap();
            // Between the bar and the digits there is paper, whatever the score.
            let row = GAP + NAME_HEIGHT + IMAGE + 6 + LINE_HEIGHT / 2;
            let track = GAP + track_width(&font);
            let end = (GAP..sheet.width()).find(|&x| *sheet.get_pixel(x, row) != BAR).unwrap();
            assert_eq!(end, GAP + (score * track_width(&font) as f32).round() as u32, "{score}");
            for y in 0..LINE_HEIGHT {
                let y = row - LINE_HEIGHT / 2 + y;
                assert!((track..track + PERCENT_GAP).all(|x| *sheet.get_pixel(x, y) == PAPER), "{score}");
            }
        }
    }

    #[test]
    fn text_stays_in_its_room() {
        let font = FontRef::try_from_slice(epaint_default_fonts::HACK_REGULAR).unwrap();
        let text = shortened(&font, "a name that is much too long", 100);
        assert!(text.ends_with('…') && text_width(&font, &text) <= 100, "{text}");
        assert_eq!(shortened(&font, "cat", 1), "");
    }

    #[test]
    fn a_sheet_is_a_png_file() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("sheet.png");
        let entries = [
            entry("cifar10:test:17", 32, 32),
            entry("a rather long file name.jpeg", 400, 150),
            entry("tall.png", 1, 3000),
        ];
        write(&path, &entries).unwrap();
        assert!(image::open(&path).is_ok());
        // `GIRIH_KEEP_SHEET=file cargo test` keeps a sheet to look at.
        if let Some(keep) = std::env::var_os("GIRIH_KEEP_SHEET") {
            std::fs::copy(&path, keep).unwrap();
        }
    }
}
