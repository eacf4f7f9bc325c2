//! Data sets: where they lie, how they are read, and how they come in batches.
//!
//! [`Root`] finds a set by name and loads it as [`Splits`] of two [`ImageSet`]s, or one of them alone; [`synth`] draws one
//! where there is none. [`Batches`] says which images a step takes, and a [`Loader`] prepares them on a thread of its own:
//!
//! ```no_run
//! use girih::data::{Batches, Feed, Loader, Order, Position, Root, Split, Tail};
//! use std::sync::Arc;
//!
//! let set = Arc::new(Root::find(None).load_split("cifar10", Split::Train)?);
//! let batches = Batches::new(set.len(), 64, Order::Shuffled { seed: 1 }, Tail::Drop)?;
//! for batch in Loader::start(set, batches, Position::default(), 3, Feed::Pixels, 4)? {
//!     let batch = batch?;
//!     println!("epoch {} step {}: {:?}", batch.epoch, batch.step, batch.labels);
//! }
//! # Ok::<(), girih::data::DataError>(())
//! ```
//!
//! Every malformed file is a [`DataError`] that names it; nothing here panics on what a file holds.

mod batches;
pub mod cifar;
mod error;
pub mod idx;
mod image_set;
mod known;
mod loader;
pub mod names;
mod pack;
mod root;
#[cfg(test)]
mod scratch;
mod series;
pub mod synth;
mod text;
pub mod trees;

pub use batches::{Batches, Epoch, Order, PAD_INDEX, Tail};
pub use error::DataError;
pub use image_set::{ChannelStats, ImageSet, Split, Splits};
pub use known::{KNOWN_SETS, KnownSet, SetKind, SetStatus};
pub use loader::{Batch, Feed, Loader, Position};
pub use pack::{gather_labels, gather_words, packed_words, row_words};
pub use root::{Root, RootSource, load_folder};
pub use series::SeriesSet;
pub use text::{TextSet, Vocabulary};

/// The random streams of this room, far from the small numbers that a graph gives its nodes.
pub(crate) mod stream {
    /// An epoch's order; the step is the epoch.
    pub(super) const SHUFFLE: u32 = 0xda7a_0000;
    /// A text's beginnings; the step is the epoch.
    pub(crate) const TEXT: u32 = 0xda7a_0008;
    /// The procedural set's labels; the step is the split.
    pub(super) const SYNTH_LABELS: u32 = 0xda7a_0010;
    /// The procedural set's images, plus the split; the step is the image.
    pub(super) const SYNTH_IMAGES: u32 = 0xda7a_0020;
}
