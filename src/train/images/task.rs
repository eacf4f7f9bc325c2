//! Feeding a data set's images to a session: kept on the device, or sent batch by batch.

use super::graphs::Images;
use crate::Error;
use crate::data::{Batch, Feed, ImageSet, packed_words, row_words};
use crate::gpu::Caps;
use crate::plan::Session;

/// How the images of `set` reach the device: once and for all where they fit `budget_bytes` and one binding.
pub(super) fn images_for(set: &ImageSet, caps: &Caps, budget_bytes: u64) -> Images {
    let bytes = set.len() as u64 * row_words(set.image_bytes()) as u64 * 4;
    if bytes <= budget_bytes.min(caps.binding_bytes) { Images::Resident { count: set.len() } } else { Images::Packed }
}

/// What a loader must send for `images`.
pub(super) fn feed(images: Images) -> Feed {
    match images {
        Images::Resident { .. } => Feed::Indices,
        Images::Packed | Images::Tensors => Feed::Pixels,
    }
}

/// Sends a resident set; nothing otherwise.
pub(super) fn send_set(session: &Session, set: &ImageSet, images: Images) -> Result<(), Error> {
    if let Images::Resident { .. } = images {
        session.write_u32("pixels", &packed_words(set))?;
        session.write_u32("labels", set.labels())?;
    }
    Ok(())
}

/// Sends a batch: indices alone of a resident set.
pub(super) fn send_batch(session: &Session, batch: &Batch, images: Images) -> Result<(), Error> {
    match images {
        Images::Resident { .. } => session.write_u32("indices", &batch.indices)?,
        Images::Packed | Images::Tensors => {
            session.write_u32("pixels", &batch.words)?;
            session.write_u32("labels", &batch.labels)?;
        }
    }
    Ok(())
}
