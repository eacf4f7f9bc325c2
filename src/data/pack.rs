//! Pixels as the words that WGSL reads: bytes in little-endian order, each image starting on a word.

use super::{DataError, ImageSet, PAD_INDEX};

/// The words of one image of `image_bytes`: its bytes, rounded up to whole words.
pub fn row_words(image_bytes: usize) -> usize {
    image_bytes.div_ceil(4)
}

/// A whole set, `[N, row_words]`: pixel `i` of an image is byte `i % 4` (lowest first) of word `i / 4` of its row, and
/// the rest of its last word is zero.
pub fn packed_words(set: &ImageSet) -> Vec<u32> {
    let mut words = Vec::with_capacity(set.len() * row_words(set.image_bytes()));
    for (_, image) in set.records() {
        push_row(&mut words, image);
    }
    words
}

/// Rows and labels of the images of `indices`: `[B, row_words]` and `[B]`. A [`PAD_INDEX`] gives a row of zeros and
/// [`PAD_INDEX`] as label.
///
/// # Errors
/// [`DataError::Argument`] when an index is past the set's end.
pub fn gather_words(set: &ImageSet, indices: &[u32]) -> Result<(Vec<u32>, Vec<u32>), DataError> {
    let row = row_words(set.image_bytes());
    let mut words = Vec::with_capacity(indices.len() * row);
    for &index in indices {
        match set.record(index as usize) {
            Some((_, image)) => push_row(&mut words, image),
            None => words.resize(words.len() + row, 0),
        }
    }
    Ok((words, gather_labels(set, indices)?))
}

/// The labels of the images of `indices`, `[B]`; [`PAD_INDEX`] stays as it is.
///
/// # Errors
/// As [`gather_words`].
pub fn gather_labels(set: &ImageSet, indices: &[u32]) -> Result<Vec<u32>, DataError> {
    let label = |&index: &u32| match set.labels().get(index as usize) {
        Some(&label) => Ok(label),
        None if index == PAD_INDEX => Ok(PAD_INDEX),
        None => {
            let problem = format!("image {index} asked, but {} holds {}", set.name(), set.len());
            Err(DataError::Argument { what: "index", problem })
        }
    };
    indices.iter().map(label).collect()
}

fn push_row(words: &mut Vec<u32>, image: &[u8]) {
    let (whole, rest) = image.as_chunks::<4>();
    words.extend(whole.iter().map(|bytes| u32::from_le_bytes(*bytes)));
    if !rest.is_empty() {
        let mut last = [0; 4];
        last[..rest.len()].copy_from_slice(rest);
        words.push(u32::from_le_bytes(last));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set() -> ImageSet {
        let classes = vec!["a".to_owned(), "b".to_owned()];
        ImageSet::new("t", [1, 1, 5], classes, vec![1, 2, 3, 4, 5, 6, 7, 8, 9, 10], vec![1, 0]).unwrap()
    }

    #[test]
    fn rows_start_on_a_word() {
        assert_eq!((row_words(4), row_words(5), row_words(784)), (1, 2, 196));
        assert_eq!(packed_words(&set()), [0x0403_0201, 5, 0x0908_0706, 10]);
    }

    #[test]
    fn gathering_pads_with_zeros() {
        let (words, labels) = gather_words(&set(), &[1, PAD_INDEX, 0]).unwrap();
        assert_eq!(words, [0x0908_0706, 10, 0, 0, 0x0403_0201, 5]);
        assert_eq!(labels, [0, PAD_INDEX, 1]);
    }

    #[test]
    fn an_index_past_the_end_is_refused() {
        let error = gather_words(&set(), &[0, 2]).unwrap_err().to_string();
        assert_eq!(error, "index: image 2 asked, but t holds 2");
    }
}
