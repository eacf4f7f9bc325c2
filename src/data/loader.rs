//! Batches made ready on a thread of their own, a few ahead of the step that trains on them.

use super::batches::{Batches, Epoch, PAD_INDEX};
use super::pack::{gather_labels, gather_words};
use super::{DataError, ImageSet};
use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};

/// What a batch carries besides its indices and labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// Nothing: the set lies on the device, which gathers by index.
    Indices,
    /// The pixels: the set does not fit on the device.
    Pixels,
}

/// One step's images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The epoch, from 0.
    pub epoch: u32,
    /// The step within the epoch, from 0.
    pub step: u32,
    /// How many images it has, padding not counted; they come first.
    pub real_count: usize,
    /// The images' indices in the set, `[B]`, padded with [`PAD_INDEX`].
    pub indices: Vec<u32>,
    /// Their labels, `[B]`, padded with [`PAD_INDEX`].
    pub labels: Vec<u32>,
    /// With [`Feed::Pixels`], their pixels as [`gather_words`] packs them, `[B, row_words]`; else empty.
    pub words: Vec<u32>,
}

/// Where a run begins, or goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The epoch, from 0.
    pub epoch: u32,
    /// The step within the epoch, from 0.
    pub step: u32,
}

/// The batches of a run, in order: an iterator that ends after the last epoch or after an error.
///
/// Dropping it stops its thread and waits for the batch in hand.
#[derive(Debug)]
pub struct Loader {
    source: Source,
}

#[derive(Debug)]
enum Source {
    Thread { batches: Receiver<Result<Batch, DataError>>, thread: JoinHandle<()> },
    Caller(Jobs),
    Done,
}

impl Loader {
    /// Starts preparing the batches of `set` from `from` up to the end of the epoch before `end_epoch`, at most `ahead`
    /// of them waiting. With `ahead` 0 there is no thread, as in a browser: each batch is made when it is asked for.
    ///
    /// # Errors
    /// [`DataError::Argument`] when `batches` is for another number of images; [`DataError::Thread`] when the thread
    /// cannot start.
    pub fn start(
        set: Arc<ImageSet>,
        batches: Batches,
        from: Position,
        end_epoch: u32,
        feed: Feed,
        ahead: usize,
    ) -> Result<Self, DataError> {
        if batches.image_count() != set.len() {
            let problem =
                format!("they are for {} images, but {} holds {}", batches.image_count(), set.name(), set.len());
            return Err(DataError::Argument { what: "batches", problem });
        }
        let jobs = Jobs { set, batches, epochs: from.epoch..end_epoch, step: from.step, current: None, feed };
        if ahead == 0 { Ok(Self { source: Source::Caller(jobs) }) } else { Self::spawn(jobs, ahead) }
    }

    fn spawn<J>(jobs: J, ahead: usize) -> Result<Self, DataError>
    where
        J: Iterator<Item = Result<Batch, DataError>> + Send + 'static,
    {
        let (sender, batches) = sync_channel(ahead);
        let work = move || {
            // Caught here rather than at the join, so that the batches already made are delivered before the error.
            let result = catch_unwind(AssertUnwindSafe(|| {
                for batch in jobs {
                    let is_last = batch.is_err();
                    // The receiver is gone when the loader was dropped.
                    if sender.send(batch).is_err() || is_last {
                        break;
                    }
                }
            }));
            if let Err(panic) = result {
                let _ = sender.send(Err(DataError::Thread { what: "prefetch", problem: panic_message(&*panic) }));
            }
        };
        let thread = thread::Builder::new()
            .name("girih-prefetch".to_owned())
            .spawn(work)
            .map_err(|error| DataError::Thread { what: "prefetch", problem: error.to_string() })?;
        Ok(Self { source: Source::Thread { batches, thread } })
    }

    /// Ends the thread: without its receiver, its next send fails.
    fn stop(&mut self) {
        if let Source::Thread { batches, thread } = std::mem::replace(&mut self.source, Source::Done) {
            drop(batches);
            // It catches its own panics; there is nothing left to hear.
            let _ = thread.join();
        }
    }
}

impl Iterator for Loader {
    type Item = Result<Batch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = match &mut self.source {
            Source::Thread { batches, .. } => batches.recv().ok(),
            Source::Caller(jobs) => jobs.next(),
            Source::Done => None,
        };
        if !matches!(batch, Some(Ok(_))) {
            self.stop();
            self.source = Source::Done;
        }
        batch
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.stop();
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("it panicked").to_owned()
}

/// The batches still to be made.
#[derive(Debug)]
struct Jobs {
    set: Arc<ImageSet>,
    batches: Batches,
    epochs: Range<u32>,
    /// The next step.
    step: u32,
    current: Option<(u32, Epoch)>,
    feed: Feed,
}

impl Iterator for Jobs {
    type Item = Result<Batch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (epoch, order) = match &self.current {
                Some((epoch, order)) => (*epoch, order),
                None => {
                    let epoch = self.epochs.next()?;
                    let (_, order) = self.current.insert((epoch, self.batches.epoch(epoch)));
                    (epoch, &*order)
                }
            };
            if let Some(indices) = order.step(self.step) {
                let step = self.step;
                self.step += 1;
                return Some(self.make(epoch, step, indices));
            }
            self.current = None;
            self.step = 0;
        }
    }
}

impl Jobs {
    fn make(&self, epoch: u32, step: u32, indices: Vec<u32>) -> Result<Batch, DataError> {
        let (words, labels) = match self.feed {
            Feed::Indices => (Vec::new(), gather_labels(&self.set, &indices)?),
            Feed::Pixels => gather_words(&self.set, &indices)?,
        };
        let real_count = indices.iter().filter(|&&index| index != PAD_INDEX).count();
        Ok(Batch { epoch, step, real_count, indices, labels, words })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Order, Tail, packed_words};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    fn set() -> Arc<ImageSet> {
        let pixels = (0..7 * 5).collect();
        Arc::new(
            ImageSet::new("t", [1, 1, 5], vec!["a".into(), "b".into()], pixels, vec![0, 1, 0, 1, 0, 1, 0]).unwrap(),
        )
    }

    fn start(from: Position, feed: Feed, ahead: usize) -> Loader {
        let batches = Batches::new(7, 3, Order::Shuffled { seed: 1 }, Tail::Pad).unwrap();
        Loader::start(set(), batches, from, 3, feed, ahead).unwrap()
    }

    fn all(loader: Loader) -> Vec<Batch> {
        loader.collect::<Result<_, _>>().unwrap()
    }

    fn empty_batch(step: u32) -> Batch {
        Batch { epoch: 0, step, real_count: 0, indices: vec![], labels: vec![], words: vec![] }
    }

    #[test]
    fn batches_carry_their_images() {
        let words = packed_words(&set());
        let batches = all(start(Position::default(), Feed::Pixels, 2));
        assert_eq!(batches.len(), 9);
        for batch in &batches {
            assert_eq!(batch.real_count, if batch.step == 2 { 1 } else { 3 });
            for (row, &index) in batch.indices.iter().enumerate().take(batch.real_count) {
                let index = index as usize;
                assert_eq!(batch.words[row * 2..row * 2 + 2], words[index * 2..index * 2 + 2]);
                assert_eq!(batch.labels[row], set().labels()[index]);
            }
        }
        let indices_only = all(start(Position::default(), Feed::Indices, 2));
        assert!(indices_only.iter().zip(&batches).all(|(a, b)| a.words.is_empty() && a.indices == b.indices));
    }

    #[test]
    fn threads_and_depths_change_nothing() {
        let reference = all(start(Position::default(), Feed::Pixels, 0));
        for ahead in [1, 4, 100] {
            assert_eq!(all(start(Position::default(), Feed::Pixels, ahead)), reference);
        }
    }

    #[test]
    fn a_resumed_run_goes_on_where_it_stopped() {
        let whole = all(start(Position::default(), Feed::Pixels, 1));
        assert_eq!(all(start(Position { epoch: 1, step: 2 }, Feed::Pixels, 1)), whole[5..]);
        // The position after an epoch's last step is the next epoch's first.
        assert_eq!(all(start(Position { epoch: 1, step: 3 }, Feed::Pixels, 1)), whole[6..]);
        assert!(all(start(Position { epoch: 3, step: 0 }, Feed::Pixels, 1)).is_empty());
    }

    #[test]
    fn no_more_than_asked_wait_and_dropping_stops_the_thread() {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        struct Guard(Arc<()>);
        let alive = Arc::new(());
        let guard = Guard(Arc::clone(&alive));
        let jobs = (0..).map(move |step| {
            let _held = &guard.0;
            MADE.fetch_add(1, Ordering::SeqCst);
            Ok(empty_batch(step))
        });
        let mut loader = Loader::spawn(jobs, 2).unwrap();
        assert_eq!(loader.next().unwrap().unwrap().step, 0);
        thread::sleep(Duration::from_millis(50));
        // One taken, two waiting, one in the thread's hand.
        assert!(MADE.load(Ordering::SeqCst) <= 4);
        drop(loader);
        assert_eq!(Arc::strong_count(&alive), 1, "the thread has ended and freed what it held");
    }

    #[test]
    fn a_panic_is_an_error_after_the_batches_before_it() {
        let jobs = (0..).map(|step| if step < 2 { Ok(empty_batch(step)) } else { panic!("bad record {step}") });
        let mut loader = Loader::spawn(jobs, 8).unwrap();
        assert_eq!(loader.by_ref().take(2).filter(Result::is_ok).count(), 2);
        let error = loader.next().unwrap().unwrap_err().to_string();
        assert_eq!(error, "the prefetch thread stopped: bad record 2");
        assert!(loader.next().is_none());
    }

    #[test]
    fn an_error_ends_the_run() {
        let jobs = (0..).map(|step| match step {
            1 => Err(DataError::NotImages { set: "sst" }),
            _ => Ok(empty_batch(step)),
        });
        let items: Vec<_> = Loader::spawn(jobs, 1).unwrap().collect();
        assert!(matches!(items[..], [Ok(_), Err(DataError::NotImages { .. })]));
    }

    #[test]
    fn batches_of_another_set_are_refused() {
        let batches = Batches::new(8, 3, Order::Sequential, Tail::Pad).unwrap();
        let error = Loader::start(set(), batches, Position::default(), 1, Feed::Indices, 1).unwrap_err().to_string();
        assert_eq!(error, "batches: they are for 8 images, but t holds 7");
    }
}
